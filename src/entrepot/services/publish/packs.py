"""Packs: one blob with all index bytes that one publication adds, and reading published bytes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

from entrepot.adapters.storage.base import BlobStore, BlobWriter
from entrepot.domain.formats.segments.document import Segment
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Extent, PublishedFile

OPEN = Digest("")
"""Stands for the pack that is being written, whose digest is not known yet."""
_CHUNK_BYTES = 1 << 20


class PackWriter:
    """Collects bytes into a pack.  Extents given out name ``OPEN`` until ``close`` tells the digest."""

    def __init__(self, blobs: BlobStore) -> None:
        self._writer: BlobWriter = blobs.writer()

    def add(self, data: bytes) -> Extent:
        """Append; where the bytes will be."""
        offset = self._writer.size_bytes
        self._writer.write(data)
        return Extent(OPEN, offset, len(data))

    def close(self) -> Digest | None:
        """Make the pack durable; its digest, or none when nothing was added."""
        return self._writer.commit() if self._writer.size_bytes else None

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)


def sealed(segment: Segment, pack: Digest | None) -> Segment:
    """The segment with the digest of the pack that was just closed."""
    if pack is None or all(member.extent.blob != OPEN for member in segment.members.values()):
        return segment
    members = {
        codec: replace(member, extent=replace(member.extent, blob=pack)) if member.extent.blob == OPEN else member
        for codec, member in segment.members.items()
    }
    return replace(segment, members=members)


def read_extent(blobs: BlobStore, extent: Extent) -> bytes:
    """The bytes of one extent."""
    return blobs.read(extent.blob, extent.offset, extent.length)


def stream_file(blobs: BlobStore, file: PublishedFile) -> Iterator[bytes]:
    """The bytes of any file, at most a MiB at a time."""
    for extent in file.extents:
        at, end = extent.offset, extent.offset + extent.length
        while at < end:
            length = min(_CHUNK_BYTES, end - at)
            yield blobs.read(extent.blob, at, length)
            at += length
