"""Looks at each file of a payload as it goes by, and keeps what names a component."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from entrepot.domain.formats.base import ByteSource
from entrepot.domain.formats.bundled import elf, go, rust
from entrepot.domain.formats.bundled.copyrights import read_copyright
from entrepot.domain.formats.bundled.java import FAULTS, JarReader
from entrepot.domain.formats.bundled.java import MOST_BYTES as MOST_JAR_BYTES
from entrepot.domain.formats.bundled.java import SUFFIXES as JARS
from entrepot.domain.formats.bundled.node import is_module, read_package_json
from entrepot.domain.formats.bundled.python import read_metadata
from entrepot.domain.formats.quoting import quote
from entrepot.domain.model.component import Component, Composition

READERS = 1
"""Raised when more can be read than before: packages are then looked into again."""

_MOST_COMPONENTS = 5000
_MOST_NOTES = 20
_MOST_BYTES = 1 << 30
_MOST_TEXT_BYTES = 512 << 10
_MOST_PROGRAM_BYTES = 24 << 20
_LEAST_PROGRAM_BYTES = 64 << 10
_MOST_PATH_CHARACTERS = 1000
_READ_BYTES = 256 << 10
_LAST_PIECES = 4
_PYTHON = (b".dist-info/METADATA", b".egg-info/PKG-INFO", b".egg-info")
_JARS = tuple(suffix.encode() for suffix in JARS)
_WANTED = (*_PYTHON, *_JARS, b"/package.json", b"/copyright")
_FAULTS = (*FAULTS, TypeError, AttributeError)


class Collector:
    """Of one package, once.  ``look`` raises only what its source raises."""

    def __init__(self) -> None:
        self._components: dict[Component, None] = {}
        self._notes: list[str] = []
        self._left = _MOST_BYTES
        self._copyrights: dict[bytes, str] = {}

    def look(self, path: bytes, mode: int, size_bytes: int, source: ByteSource) -> None:
        """Take what is wanted of a regular file; what is left of it is the caller's to skip."""
        if path.endswith(_WANTED):
            self._look_by_name(path, size_bytes, source)
        elif mode & 0o111 and size_bytes >= _LEAST_PROGRAM_BYTES:
            self._look_by_content(path, size_bytes, source)

    def composition(self, name: str) -> Composition:
        """Everything that was found; ``name`` is the package's."""
        licence = self._copyrights.get(b"usr/share/doc/" + name.encode() + b"/copyright", "")
        return Composition(READERS, tuple(sorted(self._components)), tuple(self._notes), licence)

    def _look_by_name(self, path: bytes, size_bytes: int, source: ByteSource) -> None:
        shown = _shown(path)
        if path.endswith(_JARS):
            if self._fits(shown, size_bytes, MOST_JAR_BYTES):
                data = _read(source, MOST_JAR_BYTES)
                jars = JarReader(self._note, self._left)
                self._keep(shown, lambda: jars.read(data, shown))
                self._left = jars.left_bytes
        elif path.endswith(_PYTHON):
            data = _read(source, _MOST_TEXT_BYTES)
            self._keep(shown, lambda: [read_metadata(data, shown)])
        elif path.endswith(b"/package.json"):
            if is_module(path) and self._fits(shown, size_bytes, _MOST_TEXT_BYTES):
                data = _read(source, _MOST_TEXT_BYTES)
                self._keep(shown, lambda: [read_package_json(data, shown)])
        elif path.startswith(b"usr/share/doc/") and len(self._copyrights) < _MOST_NOTES:
            self._copyrights[path] = read_copyright(_read(source, _MOST_TEXT_BYTES))

    def _look_by_content(self, path: bytes, size_bytes: int, source: ByteSource) -> None:
        head = _read(source, elf.HEAD_BYTES)
        if not head.startswith(elf.MAGIC) or not self._fits(_shown(path), size_bytes, _MOST_BYTES):
            return
        finder = go.Finder(*elf.data_bounds(head))
        finder.feed(head)
        kept = [head]
        while data := source.read(_READ_BYTES):
            finder.feed(data)
            if size_bytes <= _MOST_PROGRAM_BYTES:
                kept.append(data)
        shown = _shown(path)
        if finder.found:
            self._keep(shown, lambda: go.read_build_info(bytes(finder.found), shown))
        elif any(rust.SECTION in piece for piece in kept[-_LAST_PIECES:]):
            self._keep(shown, lambda: _crates(b"".join(kept), shown))

    def _fits(self, shown: str, size_bytes: int, most: int) -> bool:
        if size_bytes > min(most, self._left):
            self._note(shown, "it is too large to be looked into")
            return False
        self._left -= size_bytes
        return True

    def _keep(self, shown: str, found: Callable[[], Iterable[Component]]) -> None:
        try:
            for component in found():
                if len(self._components) >= _MOST_COMPONENTS:
                    self._note(shown, f"there are more than {_MOST_COMPONENTS} components")
                    return
                self._components[component] = None
        except _FAULTS as error:
            self._note(shown, str(error) or type(error).__name__)

    def _note(self, shown: str, why: str) -> None:
        if len(self._notes) < _MOST_NOTES:
            self._notes.append(f"{shown}: {quote(why)[1:-1]}")


def _crates(program: bytes, shown: str) -> list[Component]:
    section = elf.section_of(program, rust.SECTION)
    return [] if section is None else rust.read_crates(section, shown)


def _read(source: ByteSource, most: int) -> bytes:
    """All of it, or the first ``most`` bytes."""
    pieces, left = [], most
    while left and (piece := source.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _shown(path: bytes) -> str:
    """As text for people and documents."""
    text = path[:_MOST_PATH_CHARACTERS].decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else "?" for char in text)
