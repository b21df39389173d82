"""Packages of mirrors that are fetched while they are sent on.

The first bytes go out as soon as they come; the last ones when the whole file has been verified and is stored.  A
client that was sent something else has an answer that ends too early, which it takes for what it is: a failure.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator

from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.digest import Digest
from entrepot.errors import EntrepotError, UpstreamDigest
from entrepot.services.upstream.mirrors import Arrival

HELD_BYTES = 256 << 10
"""What is shorter is sent when it is whole, with the right status if it never is."""
_PIECE_BYTES = 1 << 20
_PROOF_BYTES = 4 << 20


class Follower:
    """Reads a part of an arrival from the event loop; many may follow one."""

    def __init__(self, arrival: Arrival, blobs: BlobStore, offset: int, length: int) -> None:
        self._arrival = arrival
        self._blobs = blobs
        self._at = self._first = offset
        self._end = offset + length
        self._sent = hashlib.sha256()
        self._attempt = 0
        self._news = asyncio.Event()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Bytes of the part; all of them, or it raises.

        Raises:
            EntrepotError: no such file comes, or another one than it began as.
        """
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._news.set)

        self._arrival.watch(self, wake)
        try:
            while not self._arrival.ended.is_set():
                self._news.clear()
                piece = await self._fresh()
                if piece:
                    yield piece
                elif not self._arrival.ended.is_set():
                    await self._news.wait()
            digest = self._stored()
            await asyncio.to_thread(self._compare, digest)
            while self._at < self._end:
                length = min(_PIECE_BYTES, self._end - self._at)
                yield self._noted(await asyncio.to_thread(self._blobs.read, digest, self._at, length))
        finally:
            self._arrival.forget(self)

    async def _fresh(self) -> bytes:
        """What came since the last time and may be sent on already."""
        attempt, ready = self._arrival.ready
        if self._at != self._first and attempt != self._attempt:
            return b""  # another attempt than the one that was sent from: compared at the end
        self._attempt = attempt
        upto = min(ready, self._end - HELD_BYTES, self._at + _PIECE_BYTES)
        if upto <= self._at:
            return b""
        return self._noted(await asyncio.to_thread(self._arrival.read, attempt, self._at, upto - self._at))

    def _noted(self, piece: bytes) -> bytes:
        self._sent.update(piece)
        self._at += len(piece)
        return piece

    def _stored(self) -> Digest:
        digest, error = self._arrival.digest, self._arrival.error
        if digest is None:
            raise error or UpstreamDigest("the file did not come")
        return digest

    def _compare(self, digest: Digest) -> None:
        """What was sent must be what is stored: it may be of an attempt that came to nothing."""
        if self._at == self._first or self._arrival.ready[0] == self._attempt:
            return
        wanted = hashlib.sha256()
        at = self._first
        while at < self._at:
            length = min(_PROOF_BYTES, self._at - at)
            wanted.update(self._blobs.read(digest, at, length))
            at += length
        if wanted.digest() != self._sent.digest():
            raise UpstreamDigest("the upstream sent something else at first")


def status_of(error: EntrepotError) -> int:
    """Of an answer to somebody who asked for a file that does not come."""
    kinds = {"not_found": 404, "timed_out": 504, "limited": 503, "unavailable": 503, "full": 503, "corrupt": 500}
    return kinds.get(error.kind.value, 502)
