"""Trees in a folder of this machine: staged inside, renamed into place, hard links where they can be had."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from entrepot.adapters.exports.base import Placed
from entrepot.domain.model.digest import Digest
from entrepot.errors import AlreadyRunning, BlobCorrupt, ExportFolderUnusable, InvalidRequest, StoreFull

OWN = ".entrepot"
_LEDGER = "ledger.json"
_HARMLESS = {OWN, "lost+found"}
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EACCES, errno.EOPNOTSUPP}
_CHUNK_BYTES = 1 << 20
_MOST_NAME = 200
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*){0,3}")


@contextlib.contextmanager
def _told(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"no space is left in {root}; free some and export again") from error
        reason = errno.errorcode.get(error.errno or 0, "unknown error")
        raise ExportFolderUnusable(f"{root} cannot be written to ({reason}); see to it and export again") from error


def folder_below(base: Path, name: str, field: str = "folder") -> Path:
    """A folder, or a file, below another one by a relative name; nothing leads out of there.  ``field`` asked for it.

    Raises:
        InvalidRequest: the name is none, or a link leads elsewhere.
    """
    if not _NAME.fullmatch(name) or len(name) > _MOST_NAME:
        raise InvalidRequest(
            f"{field}: one to four names of letters, digits and . _ - with / between them are wanted", field=field
        )
    with _told(base):
        wanted, top = (base / name).resolve(), base.resolve()
    if not wanted.is_relative_to(top):
        raise InvalidRequest(f"{field}: a link leads out of the folder {base}", field=field)
    return wanted


class FilesystemExport:
    """Implements ``ExportFolder``; ``.entrepot`` inside holds the note, the lock and what is being written."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._own = self._root / OWN
        self._stage = self._own / "stage"
        self._lock = -1

    def __enter__(self) -> Self:
        with _told(self._root):
            self._root.mkdir(parents=True, exist_ok=True)
            if not self._own.is_dir() and {path.name for path in self._root.iterdir()} - _HARMLESS:
                raise InvalidRequest(f"{self._root} is not empty and no export of this program; name another folder")
            self._stage.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._own, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.__exit__(None, None, None)
                raise AlreadyRunning(f"another export writes to {self._root}; wait for it") from None
            for left in self._stage.iterdir():  # of an export that was killed
                left.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def ledger(self) -> bytes | None:
        """What was noted."""
        with _told(self._root):
            try:
                return (self._own / _LEDGER).read_bytes()
            except FileNotFoundError:
                return None

    def note(self, data: bytes) -> None:
        """Write beside, flush, rename."""
        with _told(self._root):
            self._put(self._own / _LEDGER, [data], None)

    def has(self, path: str, size_bytes: int) -> bool:
        """By its size alone."""
        with _told(self._root):
            return self._size(self._path(path)) == size_bytes

    def holds(self, path: str, size_bytes: int, digest: str) -> bool:
        """By its content."""
        if not self.has(path, size_bytes):
            return False
        with _told(self._root), self._path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest

    def link(self, path: str, source: str) -> Placed | None:
        """A hard link, unless file systems or owners forbid it."""
        target = self._path(path)
        with _told(self._root):
            try:
                if self._size(target) is not None and target.samefile(source):
                    return Placed.THERE
                self._link(target, source)
            except OSError as error:
                if error.errno in _NO_LINK or (error.errno == errno.ENOENT and not Path(source).exists()):
                    return None
                raise
        return Placed.LINKED

    def link_within(self, path: str, other: str) -> None:
        """A hard link; on file systems without any, a copy."""
        target, source = self._path(path), self._path(other)
        with _told(self._root):
            if self._size(target) is not None and target.samefile(source):
                return
            try:
                self._link(target, str(source))
            except OSError as error:
                if error.errno not in _NO_LINK:
                    raise
                with source.open("rb") as file:
                    self._put(target, iter(lambda: file.read(_CHUNK_BYTES), b""), None)

    def write(self, path: str, chunks: Iterable[bytes], digest: Digest) -> Placed:
        """Staged, flushed, renamed."""
        with _told(self._root):
            self._put(self._path(path), chunks, digest)
        return Placed.WRITTEN

    def remove(self, path: str) -> None:
        """And the folders above that are empty then."""
        target = self._path(path)
        with _told(self._root):
            target.unlink(missing_ok=True)
            for folder in target.parents:
                if folder == self._root:
                    break
                try:
                    folder.rmdir()
                except OSError:
                    break

    def _path(self, path: str) -> Path:
        names = path.split("/")
        if any(name in ("", ".", "..", OWN) or "\0" in name for name in names):
            raise InvalidRequest(f"{path[:200]!r} cannot be the path of an exported file")
        return self._root.joinpath(*names)

    @staticmethod
    def _size(path: Path) -> int | None:
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def _link(self, target: Path, source: str) -> None:
        staged = self._stage / "link"
        staged.unlink(missing_ok=True)
        os.link(source, staged)
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(target)

    def _put(self, target: Path, chunks: Iterable[bytes], digest: Digest | None) -> None:
        staged, hashed = self._stage / "file", hashlib.sha256()
        staged.unlink(missing_ok=True)
        with staged.open("xb") as file:
            os.fchmod(file.fileno(), 0o644)
            for data in chunks:
                hashed.update(data)
                file.write(data)
            if digest is not None and hashed.hexdigest() != digest:
                raise BlobCorrupt(f"{target.name} does not read back as it was published; run 'entrepot verify'")
            file.flush()
            os.fsync(file.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(target)
