"""The inner container: tar as dpkg reads it (V7, ustar, GNU long names), forward only, nothing extracted.

Refused: PAX headers (dpkg does not unpack a data.tar with one, and they rename and resize what follows), sparse maps,
sizes on members without data, anything but zeros after the end marker.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.domain.formats.quoting import quote
from entrepot.errors import MalformedPackage, PackageBomb

BLOCK = 512
READ_BYTES = 128 << 10
ADLER_MODULUS = 65521

REGULAR, HARDLINK, SYMLINK, CHARACTER_DEVICE, BLOCK_DEVICE, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
_KINDS = frozenset((REGULAR, HARDLINK, SYMLINK, CHARACTER_DEVICE, BLOCK_DEVICE, DIRECTORY, FIFO))
_ALSO_REGULAR = frozenset((b"\0", b"7"))
_LONG_NAME, _LONG_LINK = b"L", b"K"
_PAX = frozenset((b"x", b"g", b"X"))
_SPARSE = b"S"

_ZEROS = bytes(BLOCK)
_OCTAL = re.compile(rb" *([0-7]+)[ \0]*")
_MAGICS = frozenset((b"ustar\x0000", b"ustar  \0", bytes(8)))
_POSIX_MAGIC = b"ustar\x0000"


class TarMember(NamedTuple):
    """One member as its header describes it; ``kind`` is one of the constants above, ``name`` is as written."""

    name: bytes
    kind: bytes
    mode: int
    size: int
    link: bytes


class TarReader:
    """Members of one tar stream in order.  ``read`` gives the data of the member that was yielded last."""

    def __init__(self, stream: ByteSource, name: str, limits: Limits, *, max_bytes: int, max_members: int) -> None:
        """``name`` stands in the sentences of errors; ``max_bytes`` bounds each member."""
        self._stream, self._name = stream, name
        self._path_bytes, self._max_bytes, self._max_members = limits.path_bytes, max_bytes, max_members
        self._buffer = b""
        self._at = 0
        self._left = 0
        self._padding = 0
        self._current = b""

    def members(self) -> Iterator[TarMember]:
        """Yield every member; data that was not read is skipped.

        Raises:
            MalformedPackage: naming the member and the fault.
            PackageBomb: more members, or a longer name or member, than is allowed.
        """
        long_name = long_link = None
        for _ in range(self._max_members + 1):
            member = self._next_header()
            if member is None:
                if long_name is not None or long_link is not None:
                    raise self._malformed("ends after a long name")
                return
            self._left, self._padding, self._current = member.size, -member.size % BLOCK, member.name
            if member.kind == _LONG_NAME and long_name is None:
                long_name = self._long_text(member)
            elif member.kind == _LONG_LINK and long_link is None:
                long_link = self._long_text(member)
            elif member.kind in _KINDS:
                if long_name is not None or long_link is not None:
                    member = _renamed(member, long_name, long_link)
                    long_name = long_link = None
                    self._current = member.name
                yield self._settled(member)
            else:
                raise self._unreadable(member)
            self._skip_data()
        raise PackageBomb(f"{self._name} has more than {self._max_members} members", member=self._name)

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes of the current member's data, ``b""`` at its end."""
        wanted = min(size, self._left)
        if wanted <= 0:
            return b""
        if self._at == len(self._buffer):
            self._fill()
        data = self._buffer[self._at : self._at + wanted]
        self._at += len(data)
        self._left -= len(data)
        return data

    def read_all(self) -> bytes:
        """All data of the current member; its size was bounded by ``max_bytes``."""
        pieces = []
        while piece := self.read(self._left):
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _next_header(self) -> TarMember | None:
        if self._at == len(self._buffer):
            self._buffer, self._at = self._stream.read(READ_BYTES), 0
            if not self._buffer:
                return None  # no end marker: dpkg and tar take it, and the compressed stream was whole
        block = self._take_block()
        if block == _ZEROS:
            self._expect_zeros()
            return None
        return self._parse(block)

    def _parse(self, block: bytes) -> TarMember:
        name, _, _ = block[:100].partition(b"\0")
        magic = block[257:265]
        self._check_header(block, name, magic)
        if magic == _POSIX_MAGIC and block[345]:
            name = block[345:500].partition(b"\0")[0] + b"/" + name
        kind = block[156:157]
        size = self._number(block[124:136], name, "size")
        if kind in _ALSO_REGULAR:
            kind = REGULAR
        if size > self._max_bytes:
            raise PackageBomb(
                f"{self._name}: member {quote(name)} claims {size} bytes, {self._max_bytes} are allowed",
                member=self._name,
            )
        if not name:
            raise self._malformed("has a member without a name")
        return TarMember(
            name, kind, self._number(block[100:108], name, "mode"), size, block[157:257].partition(b"\0")[0]
        )

    def _check_header(self, block: bytes, name: bytes, magic: bytes) -> None:
        field = block[148:156]
        declared = self._number(field, name, "check sum")
        # The sum counts its own field as blanks.  Adler-32 keeps 1 + the sum of all bytes in its low half.
        if (declared + sum(field) - 255) % ADLER_MODULUS != zlib.adler32(block) & 0xFFFF:
            raise self._malformed(f"has a wrong check sum in the header of {quote(name)}")
        if magic not in _MAGICS:
            raise self._malformed(f"has the unknown tar magic {quote(magic)} in the header of {quote(name)}")

    def _settled(self, member: TarMember) -> TarMember:
        if member.kind == REGULAR:
            if member.name[-1:] != b"/":
                return member
            member = member._replace(kind=DIRECTORY)  # V7 has no type for directories
        if member.size:
            raise self._malformed(f"has data for {quote(member.name)}, which is not a regular file")
        return member

    def _number(self, field: bytes, name: bytes, what: str) -> int:
        match = _OCTAL.fullmatch(field)
        if match is not None:
            return int(match[1], 8)
        if field[0] == 0x80 and len(field) == 12:  # GNU base-256, positive
            return int.from_bytes(field[1:], "big")
        raise self._malformed(f"has the {what} {quote(field)} in the header of {quote(name)}")

    def _long_text(self, member: TarMember) -> bytes:
        if member.size > self._path_bytes + 1:
            raise PackageBomb(f"{self._name} has a name longer than {self._path_bytes} bytes", member=self._name)
        text, _, rest = self.read_all().partition(b"\0")
        if not text or rest.strip(b"\0"):
            raise self._malformed("has a long name that is empty or goes on after its NUL")
        return text

    def _unreadable(self, member: TarMember) -> MalformedPackage | PackageBomb:
        if member.kind == _SPARSE:
            return PackageBomb(f"{self._name}: member {quote(member.name)} is a sparse file", member=self._name)
        if member.kind in _PAX:
            return self._malformed("has a PAX header, which dpkg does not read; write the GNU format")
        return self._malformed(f"has the member {quote(member.name)} of the unknown type {quote(member.kind)}")

    def _take_block(self) -> bytes:
        end = self._at + BLOCK
        if end > len(self._buffer):
            rest = self._buffer[self._at :]
            while len(rest) < BLOCK:
                more = self._stream.read(READ_BYTES)
                if not more:
                    raise self._malformed("ends in the middle of a header")
                rest += more
            self._buffer, self._at, end = rest, 0, BLOCK
        block = self._buffer[self._at : end]
        self._at = end
        return block

    def _skip_data(self) -> None:
        count = self._left + self._padding
        self._left = self._padding = 0
        while count:
            step = min(count, len(self._buffer) - self._at)
            self._at += step
            count -= step
            if count:
                self._fill()

    def _fill(self) -> None:
        self._buffer, self._at = self._stream.read(READ_BYTES), 0
        if not self._buffer:
            raise self._malformed(f"ends in the middle of {quote(self._current)}")

    def _expect_zeros(self) -> None:
        """Drain the stream, so that its check sums are verified, and refuse a second archive behind the first."""
        rest = self._buffer[self._at :]
        while rest:
            if rest.count(0) != len(rest):
                raise self._malformed("has data after its end marker")
            rest = self._stream.read(READ_BYTES)
        self._buffer, self._at = b"", 0

    def _malformed(self, fault: str) -> MalformedPackage:
        return MalformedPackage(f"{self._name} {fault}", member=self._name)


def _renamed(member: TarMember, name: bytes | None, link: bytes | None) -> TarMember:
    return member._replace(name=member.name if name is None else name, link=member.link if link is None else link)
