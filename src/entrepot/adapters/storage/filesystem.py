"""Blobs as files: staged beside, flushed, renamed to their digest, folder flushed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from entrepot.adapters.storage.base import BlobWriter
from entrepot.domain.model.digest import Digest, is_digest
from entrepot.errors import BlobMissing, EntrepotError, StoreFull, StoreUnavailable

_FULL = {errno.ENOSPC, errno.EDQUOT}
_BUFFER_BYTES = 1 << 20
_WORTH_LISTING = 64


def translated(error: OSError) -> EntrepotError:
    """Our error for a failed system call of the store; the path stays inside."""
    if error.errno in _FULL:
        return StoreFull("no space is left in the package store; free some and send the package again")
    reason = errno.errorcode.get(error.errno or 0, "unknown error")
    return StoreUnavailable(f"the package store cannot be used now ({reason}); try again later")


def flush_folder(folder: Path) -> None:
    """Make renames and creations in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked_folder(folder: Path, how: int) -> Iterator[int]:
    """A lock among processes on a folder; committers share it, the collector has it alone."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, how)
        yield handle
    finally:
        os.close(handle)


class FilesystemBlobStore:
    """``<root>/<two digits>/<digest>``; unfinished blobs in ``<root>/staging``.

    A writer holds a lock on its staging file, so that ``sweep`` of another process can tell the living from the dead;
    the lock of the staging folder is shared by those who begin a file and had alone by who sweeps.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._prefix = str(root)
        self._staging = root / "staging"
        try:
            self._staging.mkdir(parents=True, exist_ok=True)
            for number in range(256):
                (root / f"{number:02x}").mkdir(exist_ok=True)
            flush_folder(root)
        except OSError as error:
            raise translated(error) from error

    def writer(self) -> BlobWriter:
        """Begin a blob."""
        return FileBlobWriter(self._staging, self._path)

    def put(self, data: bytes) -> Digest:
        """Store ``data`` durably in one go."""
        with self.writer() as writer:
            writer.write(data)
            return writer.commit()

    def open(self, digest: Digest) -> BinaryIO:
        """The whole blob, seekable."""
        try:
            return self._path(digest).open("rb")
        except FileNotFoundError:
            raise BlobMissing("content is missing from the store", digest=digest) from None
        except OSError as error:
            raise translated(error) from error

    def read(self, digest: Digest, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``."""
        with self.open(digest) as blob:
            try:
                data = os.pread(blob.fileno(), length, offset)
            except OSError as error:
                raise translated(error) from error
        if len(data) != length:
            raise BlobMissing("content in the store is shorter than recorded", digest=digest)
        return data

    def size_bytes(self, digest: Digest) -> int:
        """Size of a stored blob."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            raise BlobMissing("content is missing from the store", digest=digest) from None
        except OSError as error:
            raise translated(error) from error

    def has(self, digest: Digest) -> bool:
        """Whether the blob is stored."""
        return os.path.exists(f"{self._prefix}/{digest[:2]}/{digest}")  # noqa: PTH110 - asked for many packages

    def missing(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Those that are not stored: folders of which many are asked for are listed, once."""
        wanted: dict[str, set[Digest]] = {}
        for digest in digests:
            wanted.setdefault(digest[:2], set()).add(digest)
        missing: list[Digest] = []
        for folder, names in wanted.items():
            if len(names) < _WORTH_LISTING:
                missing += (digest for digest in names if not self.has(digest))
            else:
                try:
                    missing += names.difference(os.listdir(f"{self._prefix}/{folder}"))  # noqa: PTH208
                except OSError as error:
                    raise translated(error) from error
        return missing

    def local_path(self, digest: Digest) -> str | None:
        """Path for the kernel to send from."""
        return str(self._path(digest))

    def remove(self, digest: Digest, stored_at: float | None = None) -> None:
        """Forget a blob, unless it was stored anew; no commit of the same content can fall in between."""
        path = self._path(digest)
        with locked_folder(path.parent, fcntl.LOCK_EX), contextlib.suppress(FileNotFoundError):
            if stored_at is None or path.stat().st_mtime == stored_at:
                path.unlink()

    def digests(self) -> Iterator[Digest]:
        """Every stored digest."""
        for number in range(256):
            with os.scandir(self._root / f"{number:02x}") as entries:
                yield from (Digest(entry.name) for entry in entries if is_digest(entry.name))

    def stored_at(self, digest: Digest) -> float:
        """Unix time of the last commit of this content."""
        try:
            return self._path(digest).stat().st_mtime
        except FileNotFoundError:
            raise BlobMissing("content is missing from the store", digest=digest) from None
        except OSError as error:
            raise translated(error) from error

    def sweep(self) -> int:
        """Remove staging files whose writer is dead: their lock can be had."""
        count = 0
        with locked_folder(self._staging, fcntl.LOCK_EX):
            for path in self._staging.iterdir():
                with contextlib.suppress(OSError), path.open("rb") as staged:
                    fcntl.flock(staged, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    count += 1
        return count

    def _path(self, digest: Digest) -> Path:
        return self._root / digest[:2] / digest


class FileBlobWriter:
    """A staging file; see ``BlobWriter``."""

    def __init__(self, staging: Path, path_of: Callable[[Digest], Path]) -> None:
        self._path_of = path_of
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        self.size_bytes = 0
        try:
            # Nobody who sweeps may see the file between its creation and its lock.
            with locked_folder(staging, fcntl.LOCK_SH):
                handle, name = tempfile.mkstemp(dir=staging)
                fcntl.flock(handle, fcntl.LOCK_EX)
            os.fchmod(handle, 0o644)
            self._file = os.fdopen(handle, "wb", _BUFFER_BYTES)
        except OSError as error:
            raise translated(error) from error
        self._staged: Path | None = Path(name)

    def write(self, data: bytes) -> None:
        """Append and hash."""
        self._sha256.update(data)
        self._sha512.update(data)
        self.size_bytes += len(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise translated(error) from error

    def reopen(self) -> BinaryIO:
        """What was written so far, for reading."""
        staged = self._staged  # another thread may finish meanwhile
        if staged is None:
            raise StoreUnavailable("this upload was already finished")
        try:
            self._file.flush()
            return staged.open("rb")
        except ValueError:
            raise StoreUnavailable("this upload was already finished") from None
        except OSError as error:
            raise translated(error) from error

    def digest(self) -> Digest:
        """Digest so far."""
        return Digest(self._sha256.hexdigest())

    def sha512(self) -> str:
        """SHA-512 so far."""
        return self._sha512.hexdigest()

    def commit(self) -> Digest:
        """Flush the file, rename it, flush the folder: in this order, each once."""
        digest = self.digest()
        target = self._path_of(digest)
        if self._staged is None:
            raise StoreUnavailable("this upload was already finished")
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            # Renaming over an equal blob is harmless and renews its age, which keeps it from the collector.
            with locked_folder(target.parent, fcntl.LOCK_SH) as folder:
                self._staged.rename(target)
                self._staged = None
                os.fsync(folder)
        except OSError as error:
            raise translated(error) from error
        return digest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Close after unlink: the lock must outlive the name, or a sweep could take it in between.
        if self._staged is not None:
            with contextlib.suppress(OSError):
                self._staged.unlink()
            self._staged = None
        with contextlib.suppress(OSError):
            self._file.close()
