"""Any history of changes ends in the segments, members and digests of a build from nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.domain.formats.segments.codecs import GZ, PLAIN, XZ, ZST, Member
from entrepot.domain.formats.segments.cut import CutSizes, Entry, cut
from entrepot.domain.formats.segments.digests import FormDigest, RunningDigests
from entrepot.domain.formats.segments.document import Document, Draft, MemberRef, Segment
from entrepot.domain.formats.segments.packing import Packed, pack
from entrepot.domain.formats.segments.recut import build, recut, touched
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.generation import Extent

SMALL = CutSizes(minimum=60, target=120, maximum=240, rare_every=400, dense_every=40)
CODECS = (GZ, XZ, ZST)
FORMS = (PLAIN, *CODECS)

Content = dict[bytes, bytes]
keys = st.integers(0, 400).map(lambda n: b"package%03d" % n)
texts = st.integers(1, 60).flatmap(lambda n: st.sampled_from([b"x" * n, b"y" * n]))
contents = st.dictionaries(keys, texts, max_size=120)
changes = st.lists(st.dictionaries(keys, st.none() | texts, max_size=40), min_size=1, max_size=6)


class Shelf:
    """Keeps members as publish does, each at a place of its own, and the catalog's entries of now."""

    def __init__(self, content: Content) -> None:
        self.content = dict(content)
        self.kept: dict[Extent, bytes] = {}
        self.reads: list[tuple[bytes, bytes | None]] = []
        self.packed = 0

    def read(self, first: bytes, before: bytes | None) -> Iterator[Entry]:
        self.reads.append((first, before))
        for key in sorted(self.content):
            if first <= key and (before is None or key < before):
                yield Entry(key, self.content[key])

    def store(self, stream: Iterator[Segment | Packed]) -> list[Segment]:
        return [each if isinstance(each, Segment) else self.keep(each) for each in stream]

    def keep(self, packed: Packed) -> Segment:
        self.packed += 1
        refs = {}
        for name, member in packed.members.items():
            extent = Extent(digest_of(member.data), 0, len(member.data))
            self.kept[extent] = member.data
            refs[name] = MemberRef(extent, member.unpadded)
        return packed.draft.stored(refs)

    def member(self, segment: Segment, form: str) -> bytes:
        if form != PLAIN.name:
            return self.kept[segment.members[form].extent]
        ref = segment.members[GZ.name]
        return GZ.unpack(Member(self.kept[ref.extent], ref.unpadded), segment.plain_length)

    def full(self) -> list[Segment]:
        return self.store(pack(build(self.read(b"", None), SMALL), CODECS))

    def measure(self, segments: Sequence[Segment], running: RunningDigests | None = None) -> dict[str, FormDigest]:
        return (running or RunningDigests(FORMS)).measure(Document(segments), self.member)


def apply(content: Content, change: dict[bytes, bytes | None]) -> None:
    for key, text in change.items():
        if text is None:
            content.pop(key, None)
        else:
            content[key] = text


@given(contents, changes)
@settings(max_examples=150, deadline=None)
def test_any_history_equals_a_build_from_nothing(content: Content, history: list[dict[bytes, bytes | None]]) -> None:
    shelf = Shelf(content)
    segments = shelf.full()
    running = RunningDigests(FORMS)
    for change in history:
        apply(shelf.content, change)
        segments = shelf.store(pack(recut(segments, change, shelf.read, SMALL), CODECS))
        expected = shelf.full()
        assert segments == expected
        assert shelf.measure(segments, running) == shelf.measure(expected)


@given(contents.filter(bool), changes)
@settings(max_examples=100, deadline=None)
def test_ranges_are_read_in_ascending_order_and_once(
    content: Content, history: list[dict[bytes, bytes | None]]
) -> None:
    shelf = Shelf(content)
    segments = shelf.full()
    for change in history:
        apply(shelf.content, change)
        shelf.reads.clear()
        segments = shelf.store(pack(recut(segments, change, shelf.read, SMALL), CODECS))
        ends = [before for _, before in shelf.reads]
        assert None not in ends[:-1]
        following = [first for first, _ in shelf.reads[1:]]
        assert all(end is not None and end <= first for end, first in zip(ends, following, strict=False))


def numbered(count: int) -> Content:
    return {b"package%05d" % n: b"Package: %05d\n\n" % n for n in range(count)}


def test_one_addition_reads_and_packs_one_segment() -> None:
    shelf = Shelf(numbered(3000))
    segments = shelf.full()
    shelf.packed, shelf.reads = 0, []
    shelf.content[b"package01500a"] = b"Package: new\n\n"
    changed = shelf.store(pack(recut(segments, [b"package01500a"], shelf.read, SMALL), CODECS))
    assert len(changed) > 100
    assert shelf.packed == len(shelf.reads) == 1
    old = {id(segment) for segment in segments}
    assert sum(id(segment) not in old for segment in changed) == 1


def test_nothing_changed_reads_nothing() -> None:
    shelf = Shelf(numbered(500))
    segments = shelf.full()
    shelf.reads.clear()
    assert list(recut(segments, [], shelf.read, SMALL)) == segments
    assert list(recut([], [], shelf.read, SMALL)) == []
    assert shelf.reads == []


def test_a_key_named_without_need_gives_the_old_segments_themselves() -> None:
    shelf = Shelf(numbered(500))
    segments = shelf.full()
    again = list(recut(segments, [segments[3].first_key, b"package00200"], shelf.read, SMALL))
    assert [id(each) for each in again] == [id(each) for each in segments]


def test_first_and_last_entries_may_go_and_come() -> None:
    shelf = Shelf(numbered(500))
    segments = shelf.full()
    edges = {segment.first_key: None for segment in segments} | {b"a": b"first\n", b"z": b"last\n"}
    apply(shelf.content, edges)
    assert shelf.store(pack(recut(segments, edges, shelf.read, SMALL), CODECS)) == shelf.full()
    everything = dict.fromkeys(shelf.content)
    segments = shelf.full()
    shelf.content.clear()
    assert list(recut(segments, everything, shelf.read, SMALL)) == []


def test_a_changed_first_entry_touches_the_segment_before() -> None:
    segments = Shelf(numbered(500)).full()
    assert touched(segments, {segments[4].first_key}) == [(3, 5)]
    assert touched(segments, {segments[4].first_key + b"a", segments[5].first_key + b"a"}) == [(4, 6)]
    assert touched(segments, {b"", b"zzz"}) == [(0, 1), (len(segments) - 1, len(segments))]


@given(st.lists(st.integers(1, 400), max_size=200))
def test_segments_keep_their_bounds_and_lose_nothing(lengths: list[int]) -> None:
    entries = [Entry(b"%05d" % n, b"x" * length) for n, length in enumerate(lengths)]
    runs = list(cut(entries, SMALL))
    assert [entry for run in runs for entry in run] == entries
    for run in runs:
        size = sum(len(entry.text) for entry in run)
        assert size <= SMALL.maximum or len(run) == 1
    for run, following in pairwise(runs):
        size = sum(len(entry.text) for entry in run)
        assert size >= SMALL.minimum or size + len(following[0].text) > SMALL.maximum


@pytest.mark.parametrize("second", [Entry(b"a", b"2"), Entry(b"b", b"2"), Entry(b"c" * 9000, b"2"), Entry(b"c", b"")])
def test_entries_out_of_order_or_empty_are_the_callers_fault(second: Entry) -> None:
    with pytest.raises(ValueError, match="does not follow"):
        list(cut([Entry(b"b", b"1"), second]))


def test_a_draft_knows_its_run() -> None:
    draft = Draft.of([Entry(b"a", b"first\n"), Entry(b"b", b"2\n")])
    assert (draft.first_key, draft.first_length, draft.count, draft.text) == (b"a", 6, 2, b"first\n2\n")
