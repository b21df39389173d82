"""Go: what ``go version -m`` shows, from the bytes of a program (package debug/buildinfo, Go 1.18 and later)."""

from __future__ import annotations

from collections.abc import Iterator

from entrepot.domain.formats.bundled.ecosystems import Unnamed, go_component, go_library
from entrepot.domain.model.component import Component

MAGIC = b"\xff Go buildinf:"
_MOST_BYTES = 2 << 20

_ALIGNED = 16
_HEAD_BYTES = 32
_INLINE = 2
_SENTINEL_BYTES = 16
_DEVELOPED = ("", "(devel)")


class Finder:
    """Watches the bytes of a program go by; ``found`` begins with the magic, which stands at a multiple of 16."""

    def __init__(self, begin: int, end: int) -> None:
        """Looks from one offset to the other."""
        self._begin, self._end = begin, end
        self._tail = b""
        self._offset = 0
        self.found = bytearray()

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        if self.found:
            self.found += data[: _MOST_BYTES - len(self.found)]
        elif self._offset + len(data) > self._begin and self._offset < self._end:
            # What lies across two pieces is looked for by itself: no piece is copied.
            across = self._tail + data[: len(MAGIC)]
            at = self._find(across, self._offset - len(self._tail))
            if at is not None:
                self.found += (across[at:] + data[len(MAGIC) :])[:_MOST_BYTES]
            elif (at := self._find(data, self._offset)) is not None:
                self.found += data[at : at + _MOST_BYTES]
        self._tail = data[-len(MAGIC) :]
        self._offset += len(data)

    def _find(self, window: bytes, offset: int) -> int | None:
        at = window.find(MAGIC)
        while at >= 0 and (offset + at) % _ALIGNED:
            at = window.find(MAGIC, at + 1)
        return None if at < 0 else at


def read_build_info(data: bytes, path: str) -> list[Component]:
    """From the magic on: the standard library, the program where it has a version, and every module in it.

    Raises:
        Unnamed: it is of an older Go, or no build information.
    """
    if len(data) < _HEAD_BYTES or not data[15] & _INLINE:
        raise Unnamed("it was built by a Go before 1.18")
    version, at = _text(data, _HEAD_BYTES)
    if not version.startswith(b"go") or not version[2:3].isdigit():
        raise Unnamed("it was not built by a released Go")
    modules, _ = _text(data, at)
    found = [go_library(version[2:].split(b" ")[0].decode("ascii", "replace"), path)]
    text = modules[_SENTINEL_BYTES:-_SENTINEL_BYTES].decode("utf-8", "replace")
    return found + [go_component(name, number, path) for name, number in _modules(text) if number not in _DEVELOPED]


def _modules(text: str) -> Iterator[tuple[str, str]]:
    """Of a line with a replacement behind it, the replacement counts."""
    last: tuple[str, str] | None = None
    for line in text.split("\n"):
        fields = line.split("\t")
        if fields[0] == "=>" and len(fields) >= 3:
            last = (fields[1], fields[2])
        elif fields[0] in ("mod", "dep") and len(fields) >= 3:
            if last is not None:
                yield last
            last = (fields[1], fields[2])
    if last is not None and not last[0].startswith((".", "/")):
        yield last


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    """A length as a varint, and so many bytes."""
    size = shift = 0
    while True:
        if at >= len(data) or shift > 28:
            raise Unnamed("its build information is cut short")
        byte = data[at]
        size |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if byte < 0x80:
            break
    if size > len(data) - at:
        raise Unnamed("its build information is cut short")
    return data[at : at + size], at + size
