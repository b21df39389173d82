"""Places that downloaded bytes go to."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from entrepot.adapters.storage.base import BlobStore, BlobWriter
from entrepot.errors import StoreFull, StoreUnavailable

_PIECE_BYTES = 1 << 20


class MemorySink:
    """For small files."""

    def __init__(self) -> None:
        self._data = bytearray()

    def kept(self) -> Iterator[bytes]:
        """Nothing."""
        return iter(())

    def write(self, data: bytes, /) -> None:
        """Append."""
        self._data += data

    def restart(self) -> None:
        """Empty."""
        self._data.clear()

    @property
    def data(self) -> bytes:
        """All of it."""
        return bytes(self._data)


class FileSink:
    """A file in a folder of our own; what an interrupted fetch left in it is gone on from."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        with translated():
            self._file = self._path.open("ab")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()

    def kept(self) -> Iterator[bytes]:
        """The bytes in the file."""
        with translated(), self._path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece

    def write(self, data: bytes, /) -> None:
        """Append."""
        with translated():
            self._open.write(data)

    def restart(self) -> None:
        """Cut to nothing."""
        with translated():
            self._open.flush()
            os.ftruncate(self._open.fileno(), 0)

    @property
    def _open(self) -> BinaryIO:
        if self._file is None:
            raise StoreUnavailable("a file that is not open is written to")
        return self._file


class BlobSink:
    """A blob on its way in.  Leaving the block without ``commit`` on the writer leaves nothing behind."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._writer: BlobWriter | None = None

    def __enter__(self) -> Self:
        self.restart()
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def kept(self) -> Iterator[bytes]:
        """Nothing: what was not committed is gone."""
        return iter(())

    def write(self, data: bytes, /) -> None:
        """Append."""
        self.writer.write(data)

    def restart(self) -> None:
        """Another blob."""
        self._drop()
        self._writer = self._blobs.writer().__enter__()

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.__exit__(None, None, None)
            self._writer = None

    @property
    def writer(self) -> BlobWriter:
        """What came, to be read again and committed."""
        if self._writer is None:
            raise StoreUnavailable("a blob that was not begun is written to")
        return self._writer


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Failures of the file system as ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (28, 122):  # no space, quota
            raise StoreFull("there is no space left for what is downloaded") from error
        raise StoreUnavailable(f"a downloaded file cannot be kept: {error.strerror}") from error
