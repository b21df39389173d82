"""The port: write-once content, addressed by digest."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from entrepot.domain.model.digest import Digest


class BlobWriter(Protocol):
    """One blob on its way in.  Leaving the ``with`` block without ``commit`` leaves nothing behind."""

    size_bytes: int

    def write(self, data: bytes, /) -> None:
        """Append.

        Raises:
            StoreFull, StoreUnavailable: nothing of this blob will stay.
        """
        ...

    def reopen(self) -> BinaryIO:
        """The bytes written so far, from the start, for reading; the caller closes it."""
        ...

    def digest(self) -> Digest:
        """Digest of the bytes written so far."""
        ...

    def sha512(self) -> str:
        """SHA-512 of the bytes written so far, hexadecimal."""
        ...

    def commit(self) -> Digest:
        """Make the blob durable under its digest, or find it already there.

        When this returns, a power cut does not lose the blob.  A failed flush is never retried: the blob is refused.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class BlobStore(Protocol):
    """Blobs by digest.  Safe for many threads and, where the medium allows it, many processes."""

    def writer(self) -> BlobWriter:
        """Begin a blob."""
        ...

    def put(self, data: bytes) -> Digest:
        """Store ``data`` durably in one go."""
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """The whole blob, seekable.

        Raises:
            BlobMissing: there is no such blob.
        """
        ...

    def read(self, digest: Digest, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``.

        Raises:
            BlobMissing: there is no such blob, or it is shorter than asked for.
        """
        ...

    def size_bytes(self, digest: Digest) -> int:
        """Size of a stored blob.

        Raises:
            BlobMissing: there is no such blob.
        """
        ...

    def has(self, digest: Digest) -> bool:
        """Whether the blob is stored."""
        ...

    def missing(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Those that are not stored; much less work than to ask for one after the other when they are many."""
        ...

    def local_path(self, digest: Digest) -> str | None:
        """Path of the blob for the kernel or a front server to send from; none when it is not a local file."""
        ...

    def remove(self, digest: Digest, stored_at: float | None = None) -> None:
        """Forget a blob; absent is fine.  Only the collector calls this.

        With ``stored_at``, only if it was not stored anew since then.
        """
        ...

    def digests(self) -> Iterator[Digest]:
        """Every stored digest, in no order, while others may write."""
        ...

    def stored_at(self, digest: Digest) -> float:
        """Unix time at which the blob was last committed; the collector's grace counts from here."""
        ...

    def sweep(self) -> int:
        """Remove what interrupted writers of dead processes left; how many there were."""
        ...
