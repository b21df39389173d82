"""multipart/form-data (RFC 7578) from a file on disk, piece by piece, with its length known beforehand."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from entrepot.client.errors import BadFile

_CHUNK_BYTES = 1 << 18
_MOST_SMALL_BYTES = 1 << 20

Progress = Callable[[int], None]
"""Told how many bytes of the file were handed over since it was last called; raise in it to stop."""


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """Hash of a file's content.

    Raises:
        BadFile: it cannot be read.
    """
    digest = hashlib.sha256()
    with opened(path) as file:
        while data := _read(file, path):
            digest.update(data)
            if progress is not None:
                progress(len(data))
    return digest.hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, regular and not empty.

    Raises:
        BadFile: it is not.
    """
    try:
        # A fifo would block here for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}", code="file.unreadable") from error
    try:
        status = os.fstat(descriptor)
        if not S_ISREG(status.st_mode):
            raise BadFile(f"{path} is not a regular file", code="file.unreadable")
        if status.st_size == 0:
            raise BadFile(f"{path} is empty", code="file.empty")
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _read(file: BinaryIO, path: Path, most: int = _CHUNK_BYTES) -> bytes:
    try:
        return file.read(most)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}", code="file.unreadable") from error


class FileForm:
    """A form of text fields, small files and a great one; can be iterated again for another try."""

    def __init__(
        self,
        path: Path,
        fields: Mapping[str, str],
        progress: Progress | None = None,
        beside: Sequence[tuple[str, Path]] = (),
    ) -> None:
        """Raises ``BadFile`` when the file, or one of those ``beside`` it, is not there to be sent."""
        self._path = path
        self._progress = progress
        boundary = f"entrepot-{secrets.token_hex(16)}"
        texts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        small = b"".join(_small(name, each, boundary) for name, each in beside)
        filename = _quoted(path.name)
        texts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        *said, last = texts
        self._head = "".join(said).encode() + small + last.encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        with opened(path) as file:
            self.size_bytes = os.fstat(file.fileno()).st_size
        self.headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "content-length": str(len(self._head) + self.size_bytes + len(self._tail)),
        }

    def __iter__(self) -> Iterator[bytes]:
        """The body; exactly as long as the headers say.

        Raises:
            BadFile: the file became shorter or unreadable meanwhile.
        """
        yield self._head
        left = self.size_bytes
        with opened(self._path) as file:
            while left:
                data = _read(file, self._path, min(_CHUNK_BYTES, left))
                if not data:
                    raise BadFile(f"{self._path} became shorter while it was sent", code="file.changed")
                left -= len(data)
                yield data
                if self._progress is not None:
                    self._progress(len(data))
        yield self._tail


def _small(name: str, path: Path, boundary: str) -> bytes:
    with opened(path) as file:
        data = _read(file, path, _MOST_SMALL_BYTES + 1)
    if len(data) > _MOST_SMALL_BYTES:
        raise BadFile(f"{path} has more than {_MOST_SMALL_BYTES >> 10} KiB", code="file.too_large")
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{_quoted(path.name)}"\r\n\r\n'
    return head.encode() + data + b"\r\n"


def _quoted(filename: str) -> str:
    """As browsers write it: quotes and line ends percent-encoded (WHATWG HTML, multipart/form-data encoding).

    Raises:
        BadFile: the name is not UTF-8.
    """
    try:
        filename.encode()
    except UnicodeEncodeError as error:
        raise BadFile(f"the file name {filename!r} is not UTF-8", code="file.name") from error
    return filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
