"""From the old segments and the changed keys to the new segments, reading only what changed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from entrepot.domain.formats.segments.cut import DEFAULT_SIZES, CutSizes, Cutter, Entry, cut
from entrepot.domain.formats.segments.document import Draft, Segment

ReadEntries = Callable[[bytes, bytes | None], Iterable[Entry]]
"""``read(first, before)``: the entries of now with ``first <= key < before`` in key order; no end when none."""


def build(entries: Iterable[Entry], sizes: CutSizes = DEFAULT_SIZES) -> Iterator[Draft]:
    """All segments of a document from nothing; one of them in memory at a time."""
    return map(Draft.of, cut(entries, sizes))


def recut(
    segments: Sequence[Segment],
    changed_keys: Iterable[bytes],
    read: ReadEntries,
    sizes: CutSizes = DEFAULT_SIZES,
) -> Iterator[Segment | Draft]:
    """The segments of the document as it is now, equal to those of ``build`` over all entries.

    ``segments`` were cut with the same ``sizes``.  ``changed_keys`` names every entry that came, went or changed since
    then; naming more does no harm.  Where nothing changed the old segment itself is given.  ``read`` is asked for
    ranges in ascending order, each once, and sees one state throughout.
    """
    changed = frozenset(changed_keys)
    if not segments:
        yield from build(read(b"", None), sizes) if changed else ()
        return
    at = 0
    for start, stop in touched(segments, changed):
        if stop > at:
            begin = max(start, at)
            yield from segments[at:begin]
            at = yield from _recut_from(segments, begin, stop, changed, read, sizes)
    yield from segments[at:]


def touched(segments: Sequence[Segment], changed_keys: AbstractSet[bytes]) -> list[tuple[int, int]]:
    """Half-open ranges of positions of segments that have to be read again, neighbours joined.

    A changed first entry may move the cut before it, so the segment before it is touched as well.
    """
    first_keys = [segment.first_key for segment in segments]
    positions: set[int] = set()
    for key in changed_keys:
        position = max(0, bisect_right(first_keys, key) - 1)
        positions.add(position)
        if position and first_keys[position] == key:
            positions.add(position - 1)
    ranges: list[tuple[int, int]] = []
    for position in sorted(positions):
        if ranges and ranges[-1][1] == position:
            ranges[-1] = (ranges[-1][0], position + 1)
        else:
            ranges.append((position, position + 1))
    return ranges


def _recut_from(
    segments: Sequence[Segment],
    start: int,
    stop: int,
    changed: AbstractSet[bytes],
    read: ReadEntries,
    sizes: CutSizes,
) -> Generator[Segment | Draft, None, int]:
    """Cut again from ``start`` until, at or behind ``stop``, a cut falls where one was; returns that position."""
    cutter = Cutter(sizes)
    old = {segment.first_key: segment for segment in segments[start:stop]}
    first = segments[start].first_key if start else b""
    while True:
        for entry in read(first, segments[stop].first_key if stop < len(segments) else None):
            if run := cutter.add(entry):
                yield _known(Draft.of(run), old)
        if stop == len(segments) or _meets(cutter, segments[stop], changed):
            if run := cutter.take():
                yield _known(Draft.of(run), old)
            return stop
        first = segments[stop].first_key
        old[first] = segments[stop]
        stop += 1


def _meets(cutter: Cutter, following: Segment, changed: AbstractSet[bytes]) -> bool:
    # A changed first entry may be gone, or of another length: then nobody knows yet what follows.
    return following.first_key not in changed and cutter.cuts_before(following.first_key, following.first_length)


def _known(draft: Draft, old: dict[bytes, Segment]) -> Segment | Draft:
    segment = old.get(draft.first_key)
    if segment is None:
        return draft
    # The text alone does not tell where entries end.
    now, before = ((each.text_digest, each.count, each.first_length) for each in (draft, segment))
    return segment if now == before else draft
