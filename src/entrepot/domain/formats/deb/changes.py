"""The .changes file that goes with an upload (deb-changes(5)): which files belong together, and where they go."""

from __future__ import annotations

import re
from dataclasses import dataclass

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.deb.control import Stanza, parse_control
from entrepot.domain.formats.quoting import quote
from entrepot.domain.model.digest import Digest, is_digest
from entrepot.errors import BadPackageField

MOST_BYTES = 1 << 20
_MOST_FILES = 1000
_CLEAR_HEAD = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE_HEAD = "-----BEGIN PGP SIGNATURE-----"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.~_:-]{0,254}\Z")


@dataclass(frozen=True, slots=True)
class ChangesEntry:
    """A file of the set; ``section`` may begin with a component (``contrib/net``)."""

    name: str
    size_bytes: int
    sha256: Digest
    section: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What a set says of itself."""

    source: str
    version: str
    distribution: str
    architectures: tuple[str, ...]
    changed_by: str
    files: tuple[ChangesEntry, ...]

    def binaries(self) -> list[ChangesEntry]:
        """The packages that can be installed."""
        return [entry for entry in self.files if entry.name.endswith(".deb")]


def is_clearsigned(data: bytes) -> bool:
    """Whether it claims a signature."""
    return data.startswith(_CLEAR_HEAD.encode())


def without_signature(data: bytes) -> bytes:
    """The text of a clear-signed file, its signature not looked at (RFC 9580, 7); anything else as it is."""
    if not is_clearsigned(data):
        return data
    text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    head, blank, rest = text.partition("\n\n")
    body, mark, _ = rest.partition(f"\n{_SIGNATURE_HEAD}")
    if not blank or not mark or "\n" not in head:
        raise BadPackageField("changes: the clear-signed message is not whole")
    lines = [line.removeprefix("- ") for line in body.split("\n")]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def parse_changes(data: bytes) -> Changes:
    """Read an unwrapped .changes file.

    Raises:
        BadPackageField: naming the field and the fault.
    """
    if len(data) > MOST_BYTES:
        raise BadPackageField(f"changes: the file has more than {MOST_BYTES >> 10} KiB")
    stanza = parse_control(data, Limits())
    sections = {name: section for _, _, section, name in _rows(stanza, "Files", 5, drop=3)}
    return Changes(
        source=_wanted(stanza, "Source").split(" ")[0],
        version=_wanted(stanza, "Version"),
        distribution=_wanted(stanza, "Distribution").split(" ")[0],
        architectures=tuple(_wanted(stanza, "Architecture").split()),
        changed_by=stanza.get("changed-by") or stanza.get("maintainer"),
        files=_files(stanza, sections),
    )


def _wanted(stanza: Stanza, field: str) -> str:
    value = stanza.get(field.lower())
    if not value:
        raise BadPackageField(f"changes: the field {field} is missing")
    return value


def _rows(stanza: Stanza, field: str, width: int, drop: int | None = None) -> list[tuple[str, ...]]:
    rows = []
    for line in _wanted(stanza, field).strip("\n").split("\n"):
        words = tuple(line.split())
        if len(words) != width:
            raise BadPackageField(f"changes: a line of {field} has {len(words)} words instead of {width}")
        rows.append(tuple(word for number, word in enumerate(words) if number != drop))
    if len(rows) > _MOST_FILES:
        raise BadPackageField(f"changes: {field} lists more than {_MOST_FILES} files")
    return rows


def _files(stanza: Stanza, sections: dict[str, str]) -> tuple[ChangesEntry, ...]:
    found: dict[str, ChangesEntry] = {}
    for digest, size, name in _rows(stanza, "Checksums-Sha256", 3):
        if not _NAME.match(name):
            raise BadPackageField(f"changes: {quote(name)} is no plain file name")
        if name in found:
            raise BadPackageField(f"changes: {quote(name)} is listed twice")
        if not is_digest(digest) or not size.isascii() or not size.isdigit() or len(size) > 15:
            raise BadPackageField(f"changes: the line of {quote(name)} in Checksums-Sha256 is malformed")
        if name not in sections:
            raise BadPackageField(f"changes: {quote(name)} is in Checksums-Sha256 but not in Files")
        found[name] = ChangesEntry(name, int(size), Digest(digest), sections[name])
    if len(found) != len(sections):
        raise BadPackageField("changes: Files and Checksums-Sha256 list different files")
    return tuple(found.values())
