"""An index document as a list of stored segments, and the files that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entrepot.domain.formats.segments.codecs import PLAIN, IndexCodec
from entrepot.domain.formats.segments.cut import Entry
from entrepot.domain.model.digest import Digest, digest_of
from entrepot.domain.model.generation import Extent


@dataclass(frozen=True, slots=True)
class MemberRef:
    """Where the packed bytes of a segment are kept; ``unpadded`` as in ``Member``."""

    extent: Extent
    unpadded: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of entries whose members are stored.

    ``first_length`` is the length of the first entry's text, ``plain_length`` that of the whole; ``members`` are by
    name of the codec and need not contain ``plain``.
    """

    first_key: bytes
    first_length: int
    count: int
    text_digest: Digest
    plain_length: int
    members: Mapping[str, MemberRef]


@dataclass(frozen=True, slots=True)
class Draft:
    """A run of entries whose members are not packed yet."""

    first_key: bytes
    first_length: int
    count: int
    text_digest: Digest
    text: bytes

    @staticmethod
    def of(run: Sequence[Entry]) -> Draft:
        """The draft of a run that is not empty."""
        text = b"".join([entry.text for entry in run])
        return Draft(run[0].key, len(run[0].text), len(run), digest_of(text), text)

    def stored(self, members: Mapping[str, MemberRef]) -> Segment:
        """The segment that this draft becomes once its members are kept."""
        return Segment(self.first_key, self.first_length, self.count, self.text_digest, len(self.text), dict(members))


@dataclass(frozen=True, slots=True)
class Document:
    """Segments in order, between a head and a tail that are packed anew each time (empty for apt's indexes)."""

    segments: Sequence[Segment]
    head: bytes = b""
    tail: bytes = b""

    @property
    def count(self) -> int:
        """Entries in all segments."""
        return sum(segment.count for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the members of the segments in one form of a document."""

    prefix: bytes
    suffix: bytes


def prefix(head: bytes, codec: IndexCodec) -> bytes:
    """The bytes before the members of the segments: header of the codec, member of the head."""
    return codec.header + (codec.pack(head).data if head else b"")


def frame(document: Document, codec: IndexCodec) -> Frame:
    """Prefix and suffix of one form; a document without entries is a valid, empty file of its form.

    Every segment must have a member of that form, except of the plain one.
    """
    head = codec.pack(document.head) if document.head else None
    tail = codec.pack(document.tail) if document.tail else None
    blocks = [(head.unpadded, len(document.head))] if head else []
    blocks += [(member_unpadded(segment, codec), segment.plain_length) for segment in document.segments]
    blocks += [(tail.unpadded, len(document.tail))] if tail else []
    opening = codec.header + (head.data if head else b"")
    return Frame(opening, (tail.data if tail else b"") + codec.trailer(blocks))


def member_length(segment: Segment, codec: IndexCodec) -> int:
    """Bytes that the segment takes in one form."""
    return segment.plain_length if codec.name == PLAIN.name else segment.members[codec.name].extent.length


def member_unpadded(segment: Segment, codec: IndexCodec) -> int:
    """``Member.unpadded`` of the segment in one form."""
    return segment.plain_length if codec.name == PLAIN.name else segment.members[codec.name].unpadded


def extents(document: Document, codec: IndexCodec) -> list[Extent]:
    """Where the members between prefix and suffix are kept; neighbours within one blob come as one extent."""
    joined: list[Extent] = []
    for segment in document.segments:
        extent = segment.members[codec.name].extent
        if joined and joined[-1].blob == extent.blob and joined[-1].offset + joined[-1].length == extent.offset:
            joined[-1] = Extent(extent.blob, joined[-1].offset, joined[-1].length + extent.length)
        else:
            joined.append(extent)
    return joined
