"""One immutable package file: who it is, and what its own bytes say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from entrepot.domain.model.component import Composition


class Format(StrEnum):
    """A packaging system.  Data on the archive: a suite holds packages of one format."""

    DEB = "deb"
    RPM = "rpm"


@dataclass(frozen=True, slots=True, order=True)
class PackageKey:
    """Exact identity of a package file inside one archive.

    ``version`` is the full version as its packaging system writes it: ``[epoch:]upstream[-revision]`` for deb,
    ``[epoch:]version-release`` for rpm, an epoch of 0 not written for rpm and written as found for deb.
    """

    format: Format
    name: str
    version: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.architecture}"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something legal but dangerous that was seen in a package (a set-uid file, a path that climbs out).

    A person has to look before the package is published.  ``code`` is stable (``payload.setuid``), ``detail`` is one
    sentence that names the member.
    """

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """What was read from the bytes of one package file.  Nothing here comes from a file name or a request.

    ``fragments`` are the pieces of index text that this package contributes, by kind: ``control`` for deb;
    ``primary``, ``filelists`` and ``other`` for rpm.  They are rendered once, when the package comes in.
    ``relations`` maps a lower-case relation (``depends``, ``provides``, ``requires``, ``recommends`` ...) to its
    entries as the format writes them, one entry each.
    ``paths`` are the paths of files (not directories) in the payload, without leading ``./`` or ``/``, as raw
    bytes, in payload order.
    ``composition`` is none where nobody has looked into the payload for it.
    ``signed`` says that the file carries a signature packet of its own; nothing is said about whose.
    """

    key: PackageKey
    source: str
    section: str = ""
    maintainer: str = ""
    summary: str = ""
    description: str = ""
    license: str = ""
    homepage: str = ""
    installed_size_bytes: int = 0
    relations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fragments: Mapping[str, bytes] = field(default_factory=dict)
    paths: tuple[bytes, ...] = ()
    scripts: tuple[str, ...] = ()
    conffiles: tuple[str, ...] = ()
    signed: bool = False
    concerns: tuple[Concern, ...] = ()
    composition: Composition | None = None
