"""Files of a source that are here already: in a bundle that was carried here, or in a folder that another program left.

``LocalCourier`` stands in for ``Courier`` where a mirror is filled, so that everything is verified as ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO

from entrepot.adapters.outbound.fetching import Fetched, Sink, Watch
from entrepot.adapters.outbound.sinks import MemorySink
from entrepot.domain.upstream.source import Source
from entrepot.errors import UpstreamDigest, UpstreamMissing, UpstreamTooLarge
from entrepot.services.upstream.courier import Courier, Wanted

_PIECE_BYTES = 1 << 20

Open = Callable[[str], AbstractContextManager[BinaryIO] | None]
"""A file by its path below the URL of the source; none where there is none."""


class LocalCourier(Courier):
    """Fetches from what is here, and never from anywhere else."""

    def __init__(self, open_file: Open, place: str) -> None:
        self._open_file = open_file
        self._place = place

    def bases(self, source: Source, watch: Watch | None = None) -> list[str]:
        """One."""
        return [""]

    def fetch_from(
        self, source: Source, bases: list[str], wanted: Wanted, sink: Sink, watch: Watch | None = None
    ) -> Fetched:
        """The file, if it is the one that is wanted.

        Raises:
            UpstreamMissing, UpstreamTooLarge, UpstreamDigest: it is not.
        """
        name = f"{source.name}: {wanted.path} in {self._place}"
        opened = self._open_file(wanted.path)
        if opened is None:
            raise UpstreamMissing(f"{name} is not there")
        sums = {algorithm: hashlib.new(algorithm) for algorithm in {"sha256", *(wanted.digests or {})}}
        size = 0
        with opened as file:
            while piece := file.read(_PIECE_BYTES):
                size += len(piece)
                if size > wanted.most_bytes:
                    raise UpstreamTooLarge(f"{name} has more than {wanted.most_bytes} bytes")
                for running in sums.values():
                    running.update(piece)
                sink.write(piece)
                if watch is not None:
                    watch(size)
        other = [one for one, digest in (wanted.digests or {}).items() if sums[one].hexdigest() != digest]
        if other or wanted.size_bytes not in (None, size):
            raise UpstreamDigest(f"{name} is not the file that the signed index lists")
        return Fetched(size, sums["sha256"].hexdigest())

    def read(
        self, source: Source, bases: list[str], wanted: Wanted, watch: Watch | None = None
    ) -> tuple[Fetched, bytes]:
        """A small file."""
        sink = MemorySink()
        return self.fetch_from(source, bases, wanted, sink, watch), sink.data

    def close(self) -> None:
        """Nothing is open."""
