"""Where an index document is cut: decided by its entries alone, never by the order in which they arrived."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MAX_KEY_BYTES = 8192


class Entry(NamedTuple):
    """One stanza, XML fragment or line of a document, its terminator included.

    Entries of a document are strictly ascending by ``key``, compared as bytes.
    """

    key: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class CutSizes:
    """Bytes of plain text in one segment.

    Before ``minimum`` there is no cut, except that an entry which would pass ``maximum`` always begins a new segment;
    an entry larger than ``maximum`` is a segment of its own.  From ``minimum`` on a cut comes once in
    ``rare_every`` bytes of text, from ``target`` on once in ``dense_every``, so that most segments end a little
    behind the target.  Changing any of these changes every cut: the next publication packs everything again.
    """

    minimum: int = 96 << 10
    target: int = 160 << 10
    maximum: int = 320 << 10
    rare_every: int = 512 << 10
    dense_every: int = 24 << 10


DEFAULT_SIZES = CutSizes()


class Cutter:
    """Gathers entries into runs, one run in memory.

    Whether a cut falls before an entry depends on that entry and on the length of the run so far, on nothing else; so
    a document that is cut again from any of its cuts is back on its old cuts as soon as one of them meets.
    """

    __slots__ = ("_last_key", "_run", "_run_bytes", "_sizes")

    def __init__(self, sizes: CutSizes = DEFAULT_SIZES) -> None:
        self._sizes = sizes
        self._run: list[Entry] = []
        self._run_bytes = 0
        self._last_key: bytes | None = None

    def add(self, entry: Entry) -> Sequence[Entry]:
        """Take the next entry; the run that ends before it, or nothing.

        Raises:
            ValueError: the key does not follow the last one or is longer than ``MAX_KEY_BYTES``, or the text is empty:
                the caller's fault.
        """
        last_key = self._last_key
        if (last_key is not None and entry.key <= last_key) or len(entry.key) > MAX_KEY_BYTES or not entry.text:
            raise ValueError(f"the entry {entry.key[:80]!r} is empty or too long or does not follow {last_key!r:.80}")
        ended = self.take() if self.cuts_before(entry.key, len(entry.text)) else ()
        self._run.append(entry)
        self._run_bytes += len(entry.text)
        self._last_key = entry.key
        return ended

    def cuts_before(self, key: bytes, length: int) -> bool:
        """Whether an entry of that key and length of text would begin a segment here.

        The chance grows with the length, so that lines of 80 bytes and stanzas of 2,000 are cut at the same sizes.
        """
        sizes, gathered = self._sizes, self._run_bytes
        if not self._run or gathered + length > sizes.maximum:
            return True
        if gathered < sizes.minimum:
            return False
        every = sizes.rare_every if gathered < sizes.target else sizes.dense_every
        return zlib.crc32(key) * every < length << 32

    def take(self) -> Sequence[Entry]:
        """End the run; empty when nothing was gathered."""
        run, self._run, self._run_bytes = self._run, [], 0
        return run


def cut(entries: Iterable[Entry], sizes: CutSizes = DEFAULT_SIZES) -> Iterator[Sequence[Entry]]:
    """Entries in runs, one run for each segment; raises what ``Cutter.add`` raises."""
    cutter = Cutter(sizes)
    for entry in entries:
        if run := cutter.add(entry):
            yield run
    if run := cutter.take():
        yield run
