"""A volume's container: POSIX ustar with plain files only, as any tar reads it, and as little as possible is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from entrepot.domain.formats.quoting import quote
from entrepot.errors import BundleMalformed

BLOCK = 512
END = bytes(2 * BLOCK)
MOST_MEMBER_BYTES = 0o77777777777
"""What ustar can say."""

_READ_BYTES = 256 << 10
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}\Z")
_OCTAL = re.compile(rb"[0-7]{1,12}[ \0]?\Z")
_MAGIC = b"ustar\x0000"
_SUM = slice(148, 156)


class Source(Protocol):
    """Bytes in order."""

    def read(self, size: int, /) -> bytes:
        """At most so many; none at the end."""
        ...


class Member(NamedTuple):
    """A file of a volume."""

    path: str
    size_bytes: int


def header_of(path: str, size_bytes: int, second: int) -> bytes:
    """The block before a file's bytes; ``second`` is the Unix time that tools show."""
    name = path.encode()
    if len(name) > 100 or size_bytes > MOST_MEMBER_BYTES:
        raise BundleMalformed(f"{path} cannot be part of a bundle: name or size is beyond what the container can say")
    block = bytearray(BLOCK)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = b"%011o\0" % size_bytes
    block[136:148] = b"%011o\0" % second
    block[156:157] = b"0"
    block[257:265] = _MAGIC
    block[_SUM] = b"        "
    block[_SUM] = b"%06o\0 " % sum(block)
    return bytes(block)


def padding_of(size_bytes: int) -> bytes:
    """What follows a file's bytes."""
    return bytes(-size_bytes % BLOCK)


def space_of(size_bytes: int) -> int:
    """What a file takes in a volume."""
    return BLOCK + size_bytes + (-size_bytes % BLOCK)


class Archive:
    """Members of one volume in order.  ``read`` gives the data of the member that was yielded last."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0
        self._left = 0
        self._member = Member("its beginning", 0)

    def members(self) -> Iterator[Member]:
        """Each once; data that was not read is skipped.

        Raises:
            BundleMalformed: it is no such archive, or ends before its end.
        """
        seen: set[str] = set()
        while True:
            block = self._exactly(BLOCK)
            if block == bytes(BLOCK):
                self._expect_end()
                return
            self._member = parse_header(block)
            if self._member.path in seen:
                raise BundleMalformed(f"{self._member.path} is in this volume twice")
            seen.add(self._member.path)
            self._left = self._member.size_bytes
            yield self._member
            while self.read(_READ_BYTES):
                pass
            if any(self._exactly(-self._member.size_bytes % BLOCK)):
                raise BundleMalformed(f"something hides behind {self._member.path}")

    def read(self, size: int, /) -> bytes:
        """At most so many bytes of the member; none at its end."""
        wanted = min(size, self._left)
        if wanted <= 0:
            return b""
        if self._at == len(self._buffer):
            self._fill()
        data = self._buffer[self._at : self._at + wanted]
        self._at += len(data)
        self._left -= len(data)
        return data

    def read_all(self, most_bytes: int) -> bytes:
        """All of the member.

        Raises:
            BundleMalformed: there are more.
        """
        if self._left > most_bytes:
            raise BundleMalformed(f"{self._member.path} has {self._left} bytes; {most_bytes} are the most")
        pieces = []
        while piece := self.read(_READ_BYTES):
            pieces.append(piece)
        return b"".join(pieces)

    def _exactly(self, size: int) -> bytes:
        pieces, missing = [], size
        while missing:
            if self._at == len(self._buffer):
                self._fill()
            piece = self._buffer[self._at : self._at + missing]
            self._at += len(piece)
            missing -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _fill(self) -> None:
        self._buffer, self._at = self._source.read(_READ_BYTES), 0
        if not self._buffer:
            raise BundleMalformed(f"the volume is cut off: it ends in or behind {self._member.path}")

    def _expect_end(self) -> None:
        rest = self._buffer[self._at :]
        count = len(rest)
        while not any(rest):
            rest = self._source.read(_READ_BYTES)
            count += len(rest)
            if not rest:
                if count < BLOCK:
                    raise BundleMalformed("the volume is cut off: its end mark is not whole")
                return
        raise BundleMalformed("something follows behind the end of the volume")


def parse_header(block: bytes) -> Member:
    """What a header block says.

    Raises:
        BundleMalformed: it is none, or not of a plain file.
    """
    name = block[:100].rstrip(b"\0").decode("latin-1")
    said = block[_SUM].strip(b"\0 ")
    counted = sum(block) - sum(block[_SUM]) + 8 * ord(" ")
    if block[257:265] != _MAGIC or not said or not _OCTAL.match(said) or int(said, 8) != counted:
        raise BundleMalformed("this is no volume of a bundle, or it was damaged: a header is not whole")
    if block[156:157] != b"0" or any(block[345:500]):
        raise BundleMalformed(f"{quote(name)} is no plain file; a bundle holds nothing else")
    if not _NAME.match(name) or ".." in name:
        raise BundleMalformed(f"{quote(name)} is no name of a file in a bundle")
    size = block[124:136].rstrip(b"\0 ")
    if not size or not _OCTAL.match(size):
        raise BundleMalformed(f"{name} has no size")
    return Member(name, int(size, 8))
