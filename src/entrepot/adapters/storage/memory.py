"""Blobs in a dictionary: the twin for tests and for the whole application in memory."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Collection, Iterator
from types import TracebackType
from typing import BinaryIO, Self

from entrepot.adapters.storage.base import BlobWriter
from entrepot.domain.model.digest import Digest
from entrepot.errors import BlobMissing, StoreUnavailable


class MemoryBlobStore:
    """Same promises as the real stores, except durability."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._blobs: dict[Digest, tuple[bytes, float]] = {}
        self._clock = clock

    def writer(self) -> BlobWriter:
        """Begin a blob."""
        return MemoryBlobWriter(self._keep)

    def _keep(self, data: bytes) -> Digest:
        digest = Digest(hashlib.sha256(data).hexdigest())
        self._blobs[digest] = (data, self._clock())
        return digest

    def put(self, data: bytes) -> Digest:
        """Store ``data``."""
        return self._keep(data)

    def _get(self, digest: Digest) -> tuple[bytes, float]:
        try:
            return self._blobs[digest]
        except KeyError:
            raise BlobMissing("content is missing from the store", digest=digest) from None

    def open(self, digest: Digest) -> BinaryIO:
        """The whole blob, seekable."""
        return io.BytesIO(self._get(digest)[0])

    def read(self, digest: Digest, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``."""
        data = self._get(digest)[0][offset : offset + length]
        if len(data) != length:
            raise BlobMissing("content in the store is shorter than recorded", digest=digest)
        return data

    def size_bytes(self, digest: Digest) -> int:
        """Size of a stored blob."""
        return len(self._get(digest)[0])

    def has(self, digest: Digest) -> bool:
        """Whether the blob is stored."""
        return digest in self._blobs

    def missing(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Those that are not stored."""
        return [digest for digest in digests if digest not in self._blobs]

    def local_path(self, digest: Digest) -> str | None:
        """Nothing here is a file."""
        return None

    def remove(self, digest: Digest, stored_at: float | None = None) -> None:
        """Forget a blob, unless it was stored anew."""
        if stored_at is None or (digest in self._blobs and self._blobs[digest][1] == stored_at):
            self._blobs.pop(digest, None)

    def digests(self) -> Iterator[Digest]:
        """Every stored digest."""
        yield from tuple(self._blobs)

    def stored_at(self, digest: Digest) -> float:
        """Time of the last commit."""
        return self._get(digest)[1]

    def sweep(self) -> int:
        """Nothing outlives its writer here."""
        return 0


class MemoryBlobWriter:
    """Collects bytes; see ``BlobWriter``."""

    def __init__(self, keep: Callable[[bytes], Digest]) -> None:
        self._keep: Callable[[bytes], Digest] | None = keep
        self._data = bytearray()
        self.size_bytes = 0

    def write(self, data: bytes) -> None:
        """Append."""
        self._data += data
        self.size_bytes = len(self._data)

    def reopen(self) -> BinaryIO:
        """What was written so far."""
        return io.BytesIO(bytes(self._data))

    def digest(self) -> Digest:
        """Digest so far."""
        return Digest(hashlib.sha256(self._data).hexdigest())

    def sha512(self) -> str:
        """SHA-512 so far."""
        return hashlib.sha512(self._data).hexdigest()

    def commit(self) -> Digest:
        """Keep the bytes."""
        if self._keep is None:
            raise StoreUnavailable("this upload was already finished")
        return self._keep(bytes(self._data))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keep = None
