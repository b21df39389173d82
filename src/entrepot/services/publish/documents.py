"""Index documents: what changed is read from the catalog, cut, packed and checked; the rest is taken as it is."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.manifest import StoredDocument
from entrepot.domain.formats.segments.codecs import CODECS, PLAIN, Member
from entrepot.domain.formats.segments.cut import DEFAULT_SIZES, Entry
from entrepot.domain.formats.segments.digests import RunningDigests
from entrepot.domain.formats.segments.document import Document, Draft, MemberRef, Segment
from entrepot.domain.formats.segments.packing import MapJobs, Packed, pack
from entrepot.domain.formats.segments.recut import build, recut
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import Listing, Suite, SuiteId
from entrepot.errors import BlobCorrupt, GenerationRefused
from entrepot.services.publish.packs import OPEN, PackWriter, read_extent, sealed
from entrepot.services.publish.trees import DocumentPlan, Gather, Measured, Shown

_REMEMBERED = 256
_LOOKED_FOR_AT_ONCE = 1 << 15


class Listings(Protocol):
    """What documents are made from: a suite as it is in the catalog, or a state apart."""

    def listings(
        self,
        suite_id: SuiteId,
        component: str,
        architectures: Sequence[str],
        kind: str,
        first: bytes = b"",
        before: bytes | None = None,
    ) -> Iterator[Listing]:
        """In key order, streamed."""
        ...

    def listing_count(self, suite_id: SuiteId, component: str, architectures: Sequence[str]) -> int:
        """How many there are."""
        ...

    def fragment_bytes(self, suite_id: SuiteId, component: str, architectures: Sequence[str], kind: str) -> int:
        """Size of all fragments of a kind together."""
        ...


class Expected:
    """What the entries that were read should look like to a client, until their segment is checked."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._entries: deque[tuple[bytes, Shown, str]] = deque()
        self._unlooked: dict[Digest, bytes] = {}

    def note(self, key: bytes, shown: Shown, digest: str) -> None:
        """An entry was read from the catalog; an empty digest stands for content that was looked for before."""
        self._entries.append((key, shown, digest))

    def skip(self, segment: Segment) -> None:
        """A segment came out as it was; it may have been read or not."""
        if self._entries and self._entries[0][0] == segment.first_key:
            for _ in range(segment.count):
                self._entries.popleft()

    def check(self, plan: DocumentPlan, packed: Packed) -> None:
        """Decode every form of a new segment, read it back, compare it with the catalog; ``look`` comes last.

        Raises:
            GenerationRefused: something a client would trip over.
        """
        draft = packed.draft
        for codec, member in packed.members.items():
            if codec != PLAIN.name and _text_of(codec, member, len(draft.text)) != draft.text:
                raise GenerationRefused(f"{plan.name}: a {codec} member does not hold what was written")
        found = list(plan.parse(draft.text))
        wanted = [self._entries.popleft() for _ in range(draft.count)]
        if found != [shown for _, shown, _ in wanted]:
            raise GenerationRefused(f"{plan.name}: an entry does not read back as the catalog has it")
        for key, _, digest in wanted:
            if digest:
                self._unlooked[Digest(digest)] = key
        if len(self._unlooked) >= _LOOKED_FOR_AT_ONCE:
            self.look(plan)

    def look(self, plan: DocumentPlan) -> None:
        """Look for the files of all segments that were checked, many at once.

        Raises:
            GenerationRefused: one is not in the store.
        """
        for digest in self._blobs.missing(self._unlooked):
            raise GenerationRefused(f"{plan.name}: the content of {self._unlooked[digest]!r} is missing from the store")
        self._unlooked.clear()


def _text_of(codec: str, member: Member, length: int) -> bytes:
    try:
        return CODECS[codec].unpack(member, length)
    except BlobCorrupt as error:
        raise GenerationRefused(f"a fresh {codec} member does not decode") from error


class Twins:
    """Segments by their text, over all documents of a suite: what one has packed, the next does not pack again.

    Packages for all architectures make the indexes of several architectures alike, segment by segment.
    """

    def __init__(self, stored: Iterable[StoredDocument]) -> None:
        self._known = {
            (each.recipe, segment.text_digest): segment for each in stored for segment in each.document.segments
        }

    def note(self, plan: DocumentPlan, segment: Segment) -> Segment:
        """Remember a segment that was just packed and checked."""
        self._known[recipe_of(plan), segment.text_digest] = segment
        return segment

    def replace(self, drafts: Iterable[Segment | Draft], plan: DocumentPlan) -> Iterator[Segment | Draft]:
        """Segments in place of drafts that have a twin."""
        recipe = recipe_of(plan)
        for each in drafts:
            twin = None if isinstance(each, Segment) else self._known.get((recipe, each.text_digest))
            yield each if twin is None or not set(plan.codecs) <= set(twin.members) else twin


def recipe_of(plan: DocumentPlan) -> str:
    """What the segments of a document depend on besides its packages."""
    return f"{plan.recipe} {DEFAULT_SIZES}"


class Documents:
    """Refreshes and measures documents; keeps running digests of those it saw last."""

    def __init__(self, blobs: BlobStore, map_jobs: MapJobs) -> None:
        self._blobs = blobs
        self._map_jobs = map_jobs
        self._digests: dict[tuple[SuiteId, str], RunningDigests] = {}
        self._lock = threading.Lock()

    def refresh(
        self,
        reading: Listings,
        suite: Suite,
        plan: DocumentPlan,
        old: StoredDocument | None,
        changed: frozenset[bytes],
        twins: Twins,
        writer: PackWriter,
    ) -> Document:
        """The document as the catalog has it now; new bytes are in the pack that is being written.

        Raises:
            GenerationRefused: it does not read back as the catalog has it.
        """
        if old is not None and not _usable(old, plan):
            old = None
        everything = old is None
        if old is not None and not changed:
            return old.document
        expected = Expected(self._blobs)

        def read(first: bytes, before: bytes | None) -> Iterator[Entry]:
            listings = reading.listings(suite.id, plan.component, plan.trees, plan.kind, first, before)
            for listing in listings:
                text = plan.render(listing)
                fresh = everything or listing.key in changed
                expected.note(listing.key, plan.shown(listing), listing.digest if fresh else "")
                yield Entry(listing.key, text)

        drafts = build(read(b"", None)) if old is None else recut(old.document.segments, changed, read)
        document = self._pack(drafts, plan, expected, twins, writer)
        counted = reading.listing_count(suite.id, plan.component, plan.trees)
        if document.count != counted:
            raise GenerationRefused(f"{plan.name}: {document.count} entries, the catalog has {counted} packages")
        return document

    def gather(
        self, reading: Listings, suite: Suite, plan: DocumentPlan, collect: Gather, twins: Twins, writer: PackWriter
    ) -> Document:
        """A document that is made from all packages at once; only segments with another text are packed."""
        expected = Expected(self._blobs)

        def noted() -> Iterator[Entry]:
            for entry in collect(reading.listings(suite.id, plan.component, plan.trees, plan.kind)):
                for shown in plan.parse(entry.text):
                    expected.note(entry.key, shown, "")
                yield entry

        return self._pack(build(noted()), plan, expected, twins, writer)

    def _pack(
        self,
        drafts: Iterable[Segment | Draft],
        plan: DocumentPlan,
        expected: Expected,
        twins: Twins,
        writer: PackWriter,
    ) -> Document:
        codecs = [CODECS[name] for name in plan.codecs]
        segments: list[Segment] = []
        for each in pack(twins.replace(drafts, plan), codecs, self._map_jobs):
            if isinstance(each, Segment):
                expected.skip(each)
                segments.append(each)
            else:
                expected.check(plan, each)
                segments.append(twins.note(plan, _keep(each, writer)))
        expected.look(plan)
        document = Document(segments)
        return replace(document, head=plan.head(document.count), tail=plan.tail)

    def measure(self, suite: Suite, plan: DocumentPlan, document: Document) -> Measured:
        """Size and digests of every form."""
        algorithms = suite.options.digests
        key = (suite.id, f"{plan.name} {plan.recipe} {algorithms} {plan.codecs}")
        with self._lock:
            running = self._digests.pop(key, None)
        if running is None:
            running = RunningDigests([CODECS[name] for name in plan.codecs], algorithms)
        forms = running.measure(document, self._read_member, self._map_jobs)
        with self._lock:
            self._digests[key] = running
            while len(self._digests) > _REMEMBERED:
                del self._digests[next(iter(self._digests))]
        return Measured(document, forms)

    def _read_member(self, segment: Segment, codec: str) -> bytes:
        return read_extent(self._blobs, segment.members[codec].extent)

    def move(self, document: Document, packs: frozenset[Digest], writer: PackWriter) -> Document:
        """Copy what a document has in certain packs into the one that is being written."""
        return replace(document, segments=[self._moved(segment, packs, writer) for segment in document.segments])

    def _moved(self, segment: Segment, packs: frozenset[Digest], writer: PackWriter) -> Segment:
        if not any(member.extent.blob in packs for member in segment.members.values()):
            return segment
        members = {
            codec: (
                MemberRef(writer.add(read_extent(self._blobs, member.extent)), member.unpadded)
                if member.extent.blob in packs
                else member
            )
            for codec, member in segment.members.items()
        }
        return replace(segment, members=members)


def _usable(old: StoredDocument, plan: DocumentPlan) -> bool:
    segments = old.document.segments
    return old.recipe == recipe_of(plan) and all(set(plan.codecs) <= set(segment.members) for segment in segments[:1])


def _keep(packed: Packed, writer: PackWriter) -> Segment:
    members: Mapping[str, MemberRef] = {
        codec: MemberRef(writer.add(member.data), member.unpadded) for codec, member in packed.members.items()
    }
    return packed.draft.stored(members)


def seal(document: Document, pack_digest: Digest | None) -> Document:
    """The document with the pack that was just closed."""
    return replace(document, segments=[sealed(segment, pack_digest) for segment in document.segments])


def crowded(documents: Iterable[Document], most: int) -> frozenset[Digest]:
    """Packs to merge: when a generation leans on more than ``most`` packs, all but the fullest ones.

    A published file is read from as many blobs as it has packs, so their number must not grow with time.
    """
    used: dict[Digest, int] = {}
    for document in documents:
        for segment in document.segments:
            for member in segment.members.values():
                blob = member.extent.blob
                if blob != OPEN:
                    used[blob] = used.get(blob, 0) + member.extent.length
    if len(used) <= most:
        return frozenset()
    fullest: Sequence[Digest] = sorted(used, key=lambda blob: used[blob], reverse=True)
    return frozenset(fullest[most // 4 :])
