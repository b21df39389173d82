"""Indexes that a verified root names: fetched to a folder, unpacked and read as streams."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

from entrepot.adapters.outbound.fetching import Watch
from entrepot.adapters.outbound.scratch import Scratch
from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.compression import Codec, open_stream
from entrepot.domain.model.package import Format
from entrepot.domain.upstream.listed import Ledger, ListedPackage
from entrepot.domain.upstream.packages import read_packages
from entrepot.domain.upstream.primary import read_primary
from entrepot.domain.upstream.release import IndexFile
from entrepot.domain.upstream.source import Source, SourceId
from entrepot.domain.upstream.source_packages import read_source_files
from entrepot.errors import (
    MalformedPackage,
    PackageBomb,
    UpstreamDigest,
    UpstreamMissing,
    UpstreamParse,
    UpstreamTooLarge,
)
from entrepot.services.upstream.courier import Courier, Wanted
from entrepot.services.upstream.roots import Look

MAX_INDEX_BYTES = 1 << 30
MAX_OPEN_BYTES = 4 << 30
_PIECE_BYTES = 256 << 10
_CODECS = {"xz": Codec.XZ, "zst": Codec.ZST, "gz": Codec.GZ, "bz2": Codec.BZ2}
_INDEPENDENT = {Format.DEB: "all", Format.RPM: "noarch"}


class Indexes:
    """Brings and reads."""

    def __init__(self, courier: Courier, scratch: Scratch) -> None:
        self._courier = courier
        self._scratch = scratch

    def turn(self, source_id: SourceId, wait: Callable[[], None]) -> AbstractContextManager[None]:
        """Of whoever works on a source; others wait, and find what the first one left."""
        return self._scratch.turn(str(source_id), wait)

    def bring(self, source: Source, look: Look, index: IndexFile, watch: Watch | None) -> None:
        """One index, from the place that its digest names if there is one, into the folder.

        Raises:
            UpstreamDigest, UpstreamMissing: it is not there as the root has it.
        """
        digest = digest_of(index)
        paths = [f"{look.folder}{index.by_hash}"] if index.by_hash else []
        paths.append(f"{look.folder}{index.path}")
        for number, path in enumerate(paths, 1):
            wanted = Wanted(path, MAX_INDEX_BYTES, index.size_bytes, index.digests)
            try:
                with self._scratch.sink(source.name, digest) as sink:
                    self._courier.fetch_from(source, look.bases, wanted, sink, watch)
            except UpstreamMissing:
                if number == len(paths):
                    raise
            else:
                return

    def packages(self, source: Source, index: IndexFile, ledger: Ledger) -> Iterator[ListedPackage]:
        """What it lists; the whole file has been verified when this ends, and not before.

        Raises:
            UpstreamParse, UpstreamDigest, UpstreamPath, UpstreamAmbiguous, UpstreamTooLarge: see there.
        """
        with self._scratch.open(source.name, digest_of(index)) as file:
            yield from read_index(source, index, file, ledger)

    def keep_only(self, source: Source, indexes: list[IndexFile]) -> None:
        """Of the files of a source; without any the folder goes."""
        self._scratch.keep_only(source.name, [digest_of(index) for index in indexes])


def read_index(source: Source, index: IndexFile, file: BinaryIO, ledger: Ledger) -> Iterator[ListedPackage]:
    """What an index lists for the architectures of a source; raises as ``Indexes.packages``."""
    label = f"{source.name}: {index.path}"
    wanted = frozenset((*source.architectures, _INDEPENDENT[source.format])) if source.architectures else frozenset()
    pieces = unpacked(file, index, label)
    if source.format is Format.DEB:
        yield from read_packages(pieces, label, index.component, wanted, ledger)
    else:
        yield from read_primary(pieces, label, wanted, ledger)


def read_source_index(source: Source, index: IndexFile, file: BinaryIO, ledger: Ledger) -> Iterator[ListedPackage]:
    """The files of the source packages that an index lists; raises as ``Indexes.packages``."""
    label = f"{source.name}: {index.path}"
    yield from read_source_files(unpacked(file, index, label), label, index.component, ledger)


def digest_of(index: IndexFile) -> str:
    """The strongest one, as a name."""
    return max(index.digests.items())[1]


def unpacked(file: BinaryIO, index: IndexFile, label: str) -> Iterator[bytes]:
    """Its bytes; the whole of it has been compared with the root when this ends, and not before.

    Raises:
        UpstreamTooLarge, UpstreamParse, UpstreamDigest: it is not what the root says.
    """
    most = index.open_size_bytes if index.open_size_bytes is not None else MAX_OPEN_BYTES
    if most > MAX_OPEN_BYTES:
        raise UpstreamTooLarge(f"{label}: it unpacks to {most} bytes; at most {MAX_OPEN_BYTES} are read")
    codec = _CODECS.get(index.path.rpartition(".")[2], Codec.NONE)
    digests = {name: hashlib.new(name) for name in index.open_digests or {}}
    size = 0
    try:
        stream = open_stream(file, codec, Limits(), name=label, max_bytes=most, concatenated=True)
        while piece := stream.read(_PIECE_BYTES):
            size += len(piece)
            for digest in digests.values():
                digest.update(piece)
            yield piece
    except PackageBomb as error:
        raise UpstreamTooLarge(error.detail) from None
    except MalformedPackage as error:
        raise UpstreamParse(error.detail) from None
    if index.open_size_bytes is not None and size != index.open_size_bytes:
        raise UpstreamDigest(f"{label}: it unpacks to {size} bytes, not to the {index.open_size_bytes} of the root")
    for name, found in digests.items():
        if found.hexdigest() != (index.open_digests or {})[name]:
            raise UpstreamDigest(f"{label}: the {name.upper()} of what it unpacks to is not the one of the root")
