"""A suite that follows an upstream: with the upstream's own signature, or with chosen packages signed here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.upstream.sieve import EVERYTHING, Filter
from entrepot.domain.upstream.source import Root, Source, SourceId

MirrorId = NewType("MirrorId", int)

_ARCHITECTURE = re.compile(
    r"(?:binary|installer)-([a-z0-9-]+)(?:/|\Z)|(?:Contents|Components|Commands)-([a-z0-9-]+?)(?:\.|\Z)"
)
_OF_INSTALLER = re.compile(r"(?:.*/)?installer-[a-z0-9-]+/[^/]+/images/SHA256SUMS\Z")
_LEFT_OUT = re.compile(r"(?:.*/)?(?:installer-|[^/]+\.diff/|Contents-udeb-)")
_OF_SOURCES = re.compile(r"(?:.*/)?(?:source/|Contents-source)|Sources(?:\.|\Z)")
_COMPRESSED = re.compile(r"\.(?:xz|gz|bz2|zst|lz4|lzma|Z)\Z")


class DownloadPolicy(StrEnum):
    """When the bytes of packages come: before the index that lists them is shown, or when somebody asks for one."""

    IMMEDIATE = "immediate"
    ON_DEMAND = "on_demand"


class OnBad(StrEnum):
    """What becomes of a run when a file of the upstream is not there, or not what the index says."""

    FAIL = "fail"
    SKIP = "skip"
    HOLD = "hold"


class MirrorKind(StrEnum):
    """What a mirror shows: the upstream's own files byte for byte, or chosen packages under our own signature."""

    VERBATIM = "verbatim"
    RESIGNED = "resigned"


@dataclass(frozen=True, slots=True)
class MirrorState:
    """How it stands.  ``selection`` says what was asked for when ``root`` was taken, so that a change is seen."""

    root: Root | None = None
    selection: str = ""
    file_count: int = 0
    size_bytes: int = 0
    checked_at: datetime | None = None
    changed_at: datetime | None = None
    attempted_at: datetime | None = None
    error: str = ""
    error_code: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mirror:
    """One of them.  ``every_hours`` of 0 runs only when somebody says so.

    Only a mirror that is signed here has a ``filter``; with ``keep_removed``, what is gone upstream stays in its suite.
    """

    id: MirrorId
    name: str
    source_id: SourceId
    suite_id: SuiteId
    every_hours: int = 24
    on_bad: OnBad = OnBad.FAIL
    state: MirrorState = MirrorState()
    kind: MirrorKind = MirrorKind.VERBATIM
    filter: Filter = EVERYTHING
    keep_removed: bool = False
    download_policy: DownloadPolicy = DownloadPolicy.IMMEDIATE
    sources: bool = False
    installer: bool = False

    @property
    def is_on_demand(self) -> bool:
        """Whether packages wait for somebody to ask for them."""
        return self.download_policy is DownloadPolicy.ON_DEMAND


@dataclass(frozen=True, slots=True)
class MirrorRun:
    """For which mirror and suite packages come, from which source, and by which job."""

    actor: Actor
    suite: Suite
    mirror: str
    source: str
    job: str


@dataclass(frozen=True, slots=True)
class MirrorFile:
    """A file that a verified index lists.

    ``path`` is where clients look for it, below the URL of the archive; ``places`` are where to fetch it from, below
    the URL of the source, the best first.  ``hidden`` files belong to the index: a generation shows them, not their
    path.  ``group`` is the same for forms of one file, of which one is enough.  ``package`` is name and architecture of
    the package that it is, the same for all of its versions.  With ``most_bytes`` its size is not known before.
    """

    path: str
    places: tuple[str, ...]
    size_bytes: int
    digests: Mapping[str, str] = field(default_factory=dict)
    hidden: bool = False
    group: str = ""
    package: str = ""
    most_bytes: int = 0

    @property
    def listed(self) -> str:
        """The strongest digest, as ``algorithm:hexadecimal``."""
        algorithm = "sha256" if "sha256" in self.digests else max(self.digests)
        return f"{algorithm}:{self.digests[algorithm]}"


def codename_of(source: Source) -> str:
    """What the suite of a mirror of apt is called here: a slash is none in a codename.

    It is found again by ``places_of``: ``bookworm_updates`` of ``dists/bookworm/updates/``, ``flat`` of ``./``.
    """
    plain = source.distribution.strip("./").replace("/", "_")
    if source.is_flat:
        return f"flat_{plain}" if plain else "flat"
    return source.distribution.replace("/", "_")


def above_of(suite: Suite) -> str:
    """What clients see before the path that a package has upstream."""
    return f"{suite.codename}/" if suite.format is Format.RPM else ""


def listed_file(suite: Suite, path: str, listed: str, size_bytes: int) -> MirrorFile:
    """A package as it was noted: where to fetch it, and what it has to be."""
    algorithm, _, hexadecimal = listed.partition(":")
    return MirrorFile(path, (path.removeprefix(above_of(suite)),), size_bytes, {algorithm: hexadecimal})


def is_mirrored(
    path: str,
    components: tuple[str, ...],
    architectures: frozenset[str],
    *,
    sources: bool = False,
    installer: bool = False,
) -> bool:
    """Whether a file that a Release file lists belongs to these components and architectures.

    Sources and lists of installer images unless they are asked for, and differences between indexes are left out: what
    they list is not mirrored, so that clients must not be sent there.
    """
    if _LEFT_OUT.match(path) and not (installer and _OF_INSTALLER.match(path)):
        return False
    if _OF_SOURCES.match(path) and not sources:
        return False
    if "/" in path and not any(path.startswith(f"{component}/") for component in components):
        return False
    named = _ARCHITECTURE.search(path)
    if named is not None and named[2] == "source":
        return sources
    return named is None or (named[1] or named[2]) in architectures


def group_of(path: str) -> str:
    """The path without what says how it is compressed."""
    return _COMPRESSED.sub("", path)
