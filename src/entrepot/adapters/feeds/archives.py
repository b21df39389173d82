"""One file: a zip archive of records, a single one, or a compressed text."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

from entrepot.adapters.feeds.base import Member
from entrepot.domain.advisories.exploited import MOST_LINE_BYTES
from entrepot.domain.advisories.osv import MOST_BYTES
from entrepot.errors import MalformedAdvisory

MOST_DIRECTORY_BYTES = 32 << 20
MOST_UNPACKED_BYTES = 16 << 30
MOST_LINES_BYTES = 1 << 30
_MOST_MEMBERS = 500_000
_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_END_BYTES = 22
_MOST_COMMENT = 1 << 16
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError, struct.error)


class ArchiveHolding:
    """Implements ``Holding`` over a seekable file."""

    def __init__(self, file: BinaryIO, digest: str, name: str = "") -> None:
        self._file = file
        self._name = name
        self._digest = digest

    @property
    def digest(self) -> str:
        """As the caller knows it."""
        return self._digest

    def members(self) -> Iterator[Member]:
        """Of the archive; of a single record, itself."""
        if self._begins(4) == b"PK\x03\x04" or self._begins(4) == _END:
            yield from self._zipped()
        else:
            yield Member(self._name or "the file", partial(self.whole, MOST_BYTES))

    def whole(self, most_bytes: int) -> bytes:
        """Read up to the bound."""
        with _translated(self._name), self._unpacked() as file:
            data = file.read(most_bytes + 1)
        if len(data) > most_bytes:
            raise MalformedAdvisory(f"{self._said}it is larger than {most_bytes >> 20} MiB")
        return data

    def lines(self) -> Iterator[bytes]:
        """With a bound on each and on all."""
        total = 0
        with _translated(self._name), self._unpacked() as file:
            while line := file.readline(MOST_LINE_BYTES + 1):
                total += len(line)
                if len(line) > MOST_LINE_BYTES or total > MOST_LINES_BYTES:
                    raise MalformedAdvisory(f"{self._said}a line, or all of them, are too long")
                yield line

    @property
    def _said(self) -> str:
        return f"{self._name}: " if self._name else ""

    def _begins(self, count: int) -> bytes:
        self._file.seek(0)
        return self._file.read(count)

    @contextmanager
    def _unpacked(self) -> Iterator[BinaryIO]:
        packed = self._begins(2) == b"\x1f\x8b"
        self._file.seek(0)
        if not packed:
            yield self._file
            return
        with gzip.GzipFile(fileobj=self._file, mode="rb") as file:
            yield file  # type: ignore[misc]  # reads like any other

    def _zipped(self) -> Iterator[Member]:
        with _translated(self._name):
            _check_directory(self._file)
            archive = zipfile.ZipFile(self._file)
        infos = archive.infolist()
        if len(infos) > _MOST_MEMBERS or sum(info.file_size for info in infos) > MOST_UNPACKED_BYTES:
            raise MalformedAdvisory(f"{self._said}the archive unpacks to more than its bounds")
        for info in infos:
            if info.filename.startswith("/") or ".." in info.filename.replace("\\", "/").split("/"):
                raise MalformedAdvisory(f"{self._said}the archive has a member that climbs: {info.filename[:60]!a}")
        for info in sorted(infos, key=lambda one: one.filename):
            if info.filename.endswith(".json"):
                yield Member(info.filename, partial(self._member, archive, info))

    def _member(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
        name = info.filename[:80]
        if info.file_size > MOST_BYTES:
            raise MalformedAdvisory(f"{self._said}{name!a} is larger than {MOST_BYTES >> 20} MiB")
        with _translated(f"{self._said}{name!a}"), archive.open(info) as member:
            data = member.read(MOST_BYTES + 1)
        if len(data) != info.file_size:
            raise MalformedAdvisory(f"{self._said}{name!a} is not as long as the archive says")
        return data


def _check_directory(file: BinaryIO) -> None:
    """Before the library reads it whole: how large the list of members says it is."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - _MOST_COMMENT - _END_BYTES))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise MalformedAdvisory("the archive has no end: it was cut off, or is none")
    listed = struct.unpack("<L", tail[at + 12 : at + 16])[0]
    locator = tail[at - 20 : at] if at >= 20 else b""
    if locator.startswith(_LOCATOR_64):
        file.seek(min(struct.unpack("<Q", locator[8:16])[0], size))
        end = file.read(56)
        if not end.startswith(_END_64) or len(end) < 56:
            raise MalformedAdvisory("the archive has no end: it was cut off, or is none")
        listed = max(struct.unpack("<Q", end[40:48])[0], listed if listed != 0xFFFFFFFF else 0)
    if listed > MOST_DIRECTORY_BYTES:
        raise MalformedAdvisory("the list of members of the archive is too long")


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        where = f"{name}: " if name else ""
        raise MalformedAdvisory(f"{where}the file is damaged ({str(error)[:100] or type(error).__name__})") from None
