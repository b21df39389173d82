"""The outer container: common ar as deb(5) narrows it, read forward only.

Long names (GNU ``//``, BSD ``#1/``), thin archives and every number that is not plain decimal are refused: dpkg has no
use for them, and other readers of ar disagree about them.
"""

from __future__ import annotations

import re

from entrepot.domain.formats.base import ByteSource
from entrepot.domain.formats.quoting import quote
from entrepot.errors import MalformedPackage

MAGIC = b"!<arch>\n"
HEADER_BYTES = 60
SKIP_BYTES = 64 << 10

_SIZE = re.compile(rb"([0-9]+) *")
# A member name ends at the padding blanks; System V writers put a slash before them, which dpkg takes off.
_NAME = re.compile(rb"([A-Za-z0-9_][A-Za-z0-9._+-]*)/? *")


class ArMember:
    """The bytes of one member; ``read`` gives ``b""`` at its end and raises MalformedPackage if the file ends first."""

    __slots__ = ("_left", "_source", "name", "size_bytes")

    def __init__(self, source: ByteSource, name: str, size_bytes: int) -> None:
        self._source, self.name, self.size_bytes, self._left = source, name, size_bytes, size_bytes

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""
        wanted = min(size, self._left)
        if wanted <= 0:
            return b""
        data = self._source.read(wanted)
        if not data:
            raise MalformedPackage(f"the file ends {self._left} bytes before the end of {self.name}", member=self.name)
        self._left -= len(data)
        return data


class ArReader:
    """Members in file order.  Taking the next one leaves the rest of the one before unread."""

    def __init__(self, source: ByteSource, size_bytes: int) -> None:
        """Read the magic.  ``size_bytes`` is the size of the whole file; members must fill it exactly."""
        self._source = source
        self._left = size_bytes
        self._open: ArMember | None = None
        if self._take(len(MAGIC), "the ar magic") != MAGIC:
            raise MalformedPackage("the file does not begin with the ar magic of a Debian package")

    def next_member(self) -> ArMember | None:
        """The next member, or None where the file ends."""
        if self._open is not None:
            self._finish(self._open)
        self._open = None
        if self._left <= 0:
            if self._source.read(1):
                raise MalformedPackage("the file goes on after its announced end")
            return None
        self._open = self._header(self._take(HEADER_BYTES, "an ar member header"))
        return self._open

    def _header(self, header: bytes) -> ArMember:
        if header[58:] != b"`\n":
            raise MalformedPackage(f"an ar member header ({quote(header[:16].rstrip())}) has a wrong terminator")
        name = _NAME.fullmatch(header, 0, 16)
        if name is None:
            raise MalformedPackage(f"ar member name {quote(header[:16].rstrip())} is not one of a Debian package")
        text = name[1].decode("ascii")
        size = _SIZE.fullmatch(header, 48, 58)
        if size is None:
            raise MalformedPackage(f"ar member {text} has the size {quote(header[48:58].rstrip())}", member=text)
        size_bytes = int(size[1])
        if size_bytes + size_bytes % 2 > self._left:
            raise MalformedPackage(
                f"ar member {text} claims {size_bytes} bytes where the file has {self._left} left", member=text
            )
        self._left -= size_bytes
        return ArMember(self._source, text, size_bytes)

    def _finish(self, member: ArMember) -> None:
        while member.read(SKIP_BYTES):
            pass
        if member.size_bytes % 2 and self._take(1, f"the padding of {member.name}") != b"\n":
            raise MalformedPackage(f"ar member {member.name} is not followed by its padding byte", member=member.name)

    def _take(self, count: int, what: str) -> bytes:
        """Exactly ``count`` bytes."""
        data = self._source.read(count)
        while len(data) < count:
            more = self._source.read(count - len(data))
            if not more:
                raise MalformedPackage(f"the file ends in {what}")
            data += more
        self._left -= count
        return data
