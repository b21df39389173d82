"""Archives, suites, and what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, NewType

from entrepot.domain.model.package import Format

ArchiveId = NewType("ArchiveId", int)
SuiteId = NewType("SuiteId", int)
PackageId = NewType("PackageId", int)
GenerationId = NewType("GenerationId", int)

DEFAULT_ARCHIVE = "main"
"""Where a suite is that is named by its codename alone."""

ALL = {Format.DEB: "all", Format.RPM: "noarch"}
"""The architecture that every other one lists as well."""


@dataclass(frozen=True, slots=True)
class Archive:
    """One base URL, one format, one signing identity."""

    id: ArchiveId
    format: Format
    name: str

    @property
    def key_name(self) -> str:
        """Name of the archive's signing identity in the keyring."""
        return f"{self.format.value}-{self.name}"


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """What a person may choose for a suite.  ``valid_days`` of ``None`` publishes without Valid-Until.

    ``max_versions`` and ``package_days`` are retention's, where the suite has its own; 0 keeps everything.
    """

    components: tuple[str, ...] = ("main",)
    architectures: tuple[str, ...] = ()
    suite: str = ""
    origin: str = "Entrepot"
    label: str = "Entrepot"
    description: str = ""
    version: str = ""
    valid_days: int | None = None
    not_automatic: bool = False
    but_automatic_upgrades: bool = False
    codecs: tuple[str, ...] = ("gz", "xz")
    contents: bool = True
    digests: tuple[str, ...] = ("sha256",)
    max_versions: int | None = None
    package_days: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suite:
    """A named list of packages under one signed index.

    ``revision`` counts changes of content and options; ``published_revision`` is the one that the current generation
    shows.  The goal of publishing is to make them equal.  ``late_revision`` is the one that the documents show which
    are made later than the others.  A ``verbatim`` suite shows an upstream's own signed files, and takes no packages.
    While it is ``settling``, a run of this number puts packages into it, or with -1 has yet to come; it is not
    published before that has ended.  One that was removed has its ``former_codename``, and nobody finds it any more.
    """

    id: SuiteId
    archive: Archive
    codename: str
    options: SuiteOptions
    revision: int
    published_revision: int
    late_revision: int
    generation_id: GenerationId | None
    oldest_kept_revision: int
    created_at: datetime
    verbatim: bool = False
    settling: int = 0
    former_codename: str = ""

    @property
    def format(self) -> Format:
        """Format of every package in it."""
        return self.archive.format

    @property
    def full_name(self) -> str:
        """``archive/codename``."""
        return f"{self.archive.name}/{self.codename}"

    @property
    def path_name(self) -> str:
        """``format/archive/codename``: no other suite has it."""
        return f"{self.format.value}/{self.full_name}"


class Listing(NamedTuple):
    """A live package of a suite, as the index builder needs it.

    ``phase`` is the percentage of machines that are offered it, where that is not all of them.
    """

    package_id: PackageId
    key: bytes
    architecture: str
    digest: str
    sha512: str
    size_bytes: int
    pool_path: str
    section: str
    added_at: datetime
    fragments: Mapping[str, bytes]
    phase: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One package that came to or left a suite, as the index builder needs it."""

    component: str
    architecture: str
    key: bytes


def listing_key(name: str, version: str, architecture: str) -> bytes:
    """Sort key of a package in an index: by name, then version text, then architecture, bytewise."""
    return b"\0".join(part.encode() for part in (name, version, architecture))
