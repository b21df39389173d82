"""Archives inside of packages, read leniently and forward only, for whoever wants to look into them.

Names are for people and may be any bytes.  Here it matters that no content is passed over, not that two readers agree:
headers that rename what follows are skipped, whatever cannot be read further is said to be malformed.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from entrepot.domain.formats.base import ByteSource
from entrepot.domain.formats.compression import Codec
from entrepot.errors import MalformedPackage, PackageBomb

HEAD_BYTES = 512
_BLOCK = 512
_SKIP_BYTES = 128 << 10
_MOST_PAX_BYTES = 1 << 20
_FILES = frozenset((b"0", b"\0", b"7"))
_SPARSE = b"S"
_AR_HEADER_BYTES = 60
_MAGICS = (
    (b"\x1f\x8b\x08", Codec.GZ),
    (b"\xfd7zXZ\0", Codec.XZ),
    (b"\x28\xb5\x2f\xfd", Codec.ZST),
)
_BZIP2, _BZIP2_BLOCK, _BZIP2_END = b"BZh", b"1AY&SY", b"\x17rE8P\x90"


class Container(StrEnum):
    """An archive of several files."""

    TAR = "tar"
    DEB = "deb"
    RPM = "rpm"


def layer_of(head: bytes) -> Codec | Container | None:
    """What a file is by its first ``HEAD_BYTES``; none for what has no files inside that are known here."""
    for magic, codec in _MAGICS:
        if head.startswith(magic):
            return codec
    if head.startswith(_BZIP2) and head[4:10] in (_BZIP2_BLOCK, _BZIP2_END):
        return Codec.BZ2
    if head.startswith(b"!<arch>\ndebian-binary"):
        return Container.DEB
    if head.startswith(b"\xed\xab\xee\xdb"):
        return Container.RPM
    if head[257:262] == b"ustar":
        return Container.TAR
    return None


class Begun:
    """A source whose first bytes were looked at; ``read`` gives all of it."""

    __slots__ = ("_pending", "_source", "head")

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.head = read_up_to(source, HEAD_BYTES)
        self._pending = self.head

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""
        if self._pending:
            data, self._pending = self._pending[:size], self._pending[size:]
            return data
        return self._source.read(size)


class _Section:
    """The next ``size`` bytes of a source."""

    __slots__ = ("_left", "_source")

    def __init__(self, source: ByteSource, size: int) -> None:
        self._source, self._left = source, size

    def read(self, size: int, /) -> bytes:
        data = self._source.read(min(size, self._left)) if self._left else b""
        if self._left and not data and size:
            raise MalformedPackage("the archive ends in the middle of a member")
        self._left -= len(data)
        return data

    def skip(self) -> None:
        while self.read(_SKIP_BYTES):
            pass


def read_up_to(source: ByteSource, size: int) -> bytes:
    """``size`` bytes, or fewer where the source ends."""
    data = b""
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    return data


def tar_files(source: ByteSource, most_members: int) -> Iterator[tuple[bytes, ByteSource]]:
    """Every regular file of a tar up to its end marker; its bytes can be read until the next one is taken.

    Raises:
        MalformedPackage: it cannot be read to its end, or holds a sparse file.
        PackageBomb: too many members, or a header without end.
    """
    size_from_pax: int | None = None
    for _ in range(most_members):
        block = read_up_to(source, _BLOCK)
        if not block.strip(b"\0"):
            _expect_zeros(source)
            return
        if len(block) < _BLOCK:
            raise MalformedPackage("the tar ends in the middle of a header")
        _check_sum(block)
        kind, size = block[156:157], _number(block[124:136])
        if kind == _SPARSE:
            raise MalformedPackage("the tar holds a sparse file, which is not unpacked here")
        if kind in _FILES and size_from_pax is not None:
            size = size_from_pax
        section = _Section(source, size)
        if kind == b"x":
            size_from_pax = _size_in(_whole(section, size))
        elif kind in _FILES:
            size_from_pax = None
            yield block[:100].partition(b"\0")[0], section
        section.skip()
        _Section(source, -size % _BLOCK).skip()
    raise PackageBomb(f"the tar has more than {most_members} members")


def ar_files(source: ByteSource, most_members: int) -> Iterator[tuple[bytes, ByteSource]]:
    """Every member of an ar; as ``tar_files``."""
    read_up_to(source, 8)
    for _ in range(most_members):
        header = read_up_to(source, _AR_HEADER_BYTES)
        if not header:
            return
        if len(header) < _AR_HEADER_BYTES or header[58:] != b"`\n" or not header[48:58].strip().isdigit():
            raise MalformedPackage("the ar has a header that is none")
        size = int(header[48:58])
        section = _Section(source, size)
        yield header[:16].rstrip(b" /"), section
        section.skip()
        read_up_to(source, size % 2)
    raise PackageBomb(f"the ar has more than {most_members} members")


def _expect_zeros(source: ByteSource) -> None:
    while data := source.read(_SKIP_BYTES):
        if data.count(0) != len(data):
            raise MalformedPackage("the tar has data after its end marker")


def _check_sum(block: bytes) -> None:
    if sum(block[:148]) + 8 * 32 + sum(block[156:]) != _number(block[148:156]):
        raise MalformedPackage("the tar has a header with a wrong check sum")


def _number(field: bytes) -> int:
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    text = field.strip(b" \0")
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise MalformedPackage("the tar has a header with a number that is none") from None


def _whole(section: _Section, size: int) -> bytes:
    if size > _MOST_PAX_BYTES:
        raise PackageBomb(f"the tar has an extended header of more than {_MOST_PAX_BYTES} bytes")
    return read_up_to(section, size)


def _size_in(records: bytes) -> int | None:
    """The size that an extended header gives to the file after it: ``length size=number`` and a line feed."""
    found = None
    at = 0
    while at < len(records):
        digits, blank, _ = records[at : at + 20].partition(b" ")
        if not blank or not digits.isdigit() or not int(digits):
            raise MalformedPackage("the tar has an extended header that is none")
        record = records[at + len(digits) + 1 : at + int(digits)]
        key, _, value = record.rstrip(b"\n").partition(b"=")
        if key == b"size" and value.isdigit() and len(value) < 20:
            found = int(value)
        if key.startswith(b"GNU.sparse."):
            raise MalformedPackage("the tar holds a sparse file, which is not unpacked here")
        at += int(digits)
    return found
