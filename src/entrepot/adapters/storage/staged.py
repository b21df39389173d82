"""Whole files that are to be looked at: on their way into the store, or there already."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.digest import Digest

_PIECE_BYTES = 1 << 20


class Staged(Protocol):
    """A whole file that is to be looked at; a ``BlobWriter`` is one."""

    size_bytes: int

    def reopen(self) -> BinaryIO:
        """Its bytes, from the start; the caller closes it."""
        ...

    def digest(self) -> Digest:
        """Of all bytes."""
        ...

    def sha512(self) -> str:
        """Of all bytes, hexadecimal."""
        ...

    def commit(self) -> Digest:
        """Make it durable."""
        ...


@dataclass(slots=True)
class StoredFile:
    """Content of the store, looked at as if it had just arrived.  Implements ``Staged``.

    Its SHA-512 is read from the bytes where nobody knows it.
    """

    blobs: BlobStore
    sha256: Digest
    size_bytes: int
    known_sha512: str = ""

    def reopen(self) -> BinaryIO:
        """Its bytes, from the start; the caller closes it."""
        return self.blobs.open(self.sha256)

    def digest(self) -> Digest:
        """That of the store."""
        return self.sha256

    def sha512(self) -> str:
        """Of all bytes, hexadecimal."""
        if not self.known_sha512:
            running = hashlib.sha512()
            with self.blobs.open(self.sha256) as blob:
                while piece := blob.read(_PIECE_BYTES):
                    running.update(piece)
            self.known_sha512 = running.hexdigest()
        return self.known_sha512

    def commit(self) -> Digest:
        """It is durable already."""
        return self.sha256
