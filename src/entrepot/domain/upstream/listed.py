"""Packages as an index lists them: what is kept of each, and what becomes of entries that are no good."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from entrepot.domain.formats.quoting import quote
from entrepot.errors import UpstreamAmbiguous, UpstreamParse, UpstreamPath, UpstreamTooLarge

MAX_PACKAGES = 2_000_000
MAX_NAME_CHARACTERS = 255
MAX_SUMMARY_CHARACTERS = 400
MAX_RELATIONS_CHARACTERS = 1 << 20
MAX_PACKAGE_BYTES = 1 << 40
_MOST_SKIPPED = 1000
_MOST_NAMED = 20

_PATH = re.compile(r"(?:[A-Za-z0-9._+~^=@,:%][A-Za-z0-9._+~^=@,:%-]*/)*[A-Za-z0-9._+~^=@,:%][A-Za-z0-9._+~^=@,:%-]*")
_ENCODED = re.compile(r"%(..?)?")
_PLAIN_CODES = frozenset(("3a", "2b", "7e", "5e", "40", "3d", "2c"))
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class ListedPackage:
    """One package of an index.

    ``version`` is full: ``[epoch:]upstream[-revision]`` or ``[epoch:]version-release``.  ``digest`` is
    ``algorithm:hexadecimal``.  ``relations`` maps a lower-case relation to its entries as the index writes them: for
    deb the value of the field, for rpm one entry to a line.  ``capabilities`` are further names that it answers to.
    """

    name: str
    version: str
    architecture: str
    filename: str
    size_bytes: int
    digest: str
    component: str = ""
    section: str = ""
    summary: str = ""
    source: str = ""
    multi_arch: str = ""
    installed_bytes: int = 0
    relations: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()
    priority: str = ""


class BadEntry(ValueError):
    """An entry that nobody could use; it is passed over and reported."""


class Ledger:
    """What came so far, in few bytes each: repetitions are passed over, contradictions refused."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._seen: dict[int, int] = {}
        self.skipped = 0
        self.named: list[str] = []

    @property
    def count(self) -> int:
        """How many different packages."""
        return len(self._seen)

    def admit(self, package: ListedPackage) -> bool:
        """Whether it is to be kept; false for one that is there already with the same content.

        Raises:
            UpstreamAmbiguous: it is there with another content.
            UpstreamTooLarge: there are too many.
        """
        key = hash((package.name, package.version, package.architecture))
        content = hash(package.digest)
        known = self._seen.get(key)
        if known == content:
            return False
        if known is not None:
            which = quote(f"{package.name} {package.version} {package.architecture}")
            raise UpstreamAmbiguous(f"{self._label}: {which} is listed with two contents")
        if len(self._seen) >= MAX_PACKAGES:
            raise UpstreamTooLarge(f"{self._label}: it lists more than {MAX_PACKAGES} packages")
        self._seen[key] = content
        return True

    def skip(self, fault: BadEntry | str) -> None:
        """Pass an entry over.

        Raises:
            UpstreamParse: too many are no good.
        """
        self.skipped += 1
        if len(self.named) < _MOST_NAMED:
            self.named.append(f"{self._label}: {fault}")
        if self.skipped > _MOST_SKIPPED:
            raise UpstreamParse(f"{self._label}: more than {_MOST_SKIPPED} entries are no good, such as: {fault}")


def check_path(label: str, path: str) -> str:
    """A place within the repository, in plain letters.

    Raises:
        UpstreamPath: it climbs out, leads to another server, or has letters that some shell or server would read.
    """
    plain = len(path) <= 2048 and _PATH.fullmatch(path) is not None
    if plain and (path.startswith(".") or "/." in path):
        plain = not {".", ".."} & set(path.split("/"))
    if not plain or ("%" in path and any((code or "").lower() not in _PLAIN_CODES for code in _ENCODED.findall(path))):
        raise UpstreamPath(f"{label}: {quote(path)} is no place within the repository")
    return path


def check_word(what: str, text: str, most: int = MAX_NAME_CHARACTERS) -> str:
    """A name, version or architecture.  Raises BadEntry."""
    if not text or len(text) > most or not text.isprintable() or " " in text:
        raise BadEntry(f"its {what} {quote(text)} is none")
    return text


def plain_text(text: str, most: int = MAX_SUMMARY_CHARACTERS) -> str:
    """One line for people."""
    line = text.strip()[:most]
    return line if line.isprintable() else _UNPRINTABLE.sub(" ", line)
