"""The records of a payload: cpio as ``newc`` writes it, and rpm's own form without names for huge files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.domain.formats.quoting import quote
from entrepot.errors import MalformedPackage, PackageBomb

PAYLOAD = "payload"

_TRAILER = b"TRAILER!!!"
_MAGICS = (b"070701", b"070702")
_STRIPPED = b"07070X"
_NUMBERS = re.compile(rb"[0-9A-Fa-f]{104}")
_NUMBER = re.compile(rb"[0-9A-Fa-f]{8}")
_SKIP_BYTES = 256 << 10
_MAX_PADDING = 4096


@dataclass(frozen=True, slots=True)
class Record:
    """The head of one record.  A record with an ``index`` into the header's files has neither name, mode nor size."""

    name: bytes = b""
    mode: int = 0
    size_bytes: int = 0
    links: int = 1
    index: int | None = None


class CpioReader:
    """Walks records in one pass: ``next_record``, then ``read`` or ``skip`` its content.

    Everything raises MalformedPackage for what is no cpio, PackageBomb beyond the limits, and whatever the source
    raises.
    """

    __slots__ = ("_left", "_limits", "_padding", "_records", "_source")

    def __init__(self, source: ByteSource, limits: Limits) -> None:
        self._source, self._limits = source, limits
        self._left = self._padding = self._records = 0

    def next_record(self) -> Record | None:
        """The next record, what was not read of the one before skipped; none after the trailer."""
        self.skip()
        self._records += 1
        if self._records > self._limits.members + 1:
            raise PackageBomb(f"{PAYLOAD}: it has more than {self._limits.members} members", member=PAYLOAD)
        magic = self._exactly(6)
        if magic == _STRIPPED:
            number = self._exactly(10)
            if not _NUMBER.match(number) or number[8:] != b"\0\0":
                raise MalformedPackage(f"{PAYLOAD}: a record has no number of a file", member=PAYLOAD)
            return Record(index=int(number[:8], 16))
        if magic not in _MAGICS:
            raise MalformedPackage(f"{PAYLOAD}: record {self._records} is no cpio record of rpm", member=PAYLOAD)
        return self._named_record()

    def expect(self, size_bytes: int) -> None:
        """Say how long the content of a record with an index is, as the header has it."""
        self._left, self._padding = size_bytes, -size_bytes % 4

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes of the content of this record."""
        if not self._left or size <= 0:
            return b""
        data = self._source.read(min(size, self._left))
        if not data:
            raise MalformedPackage(f"{PAYLOAD}: it ends in the middle of a file", member=PAYLOAD)
        self._left -= len(data)
        return data

    def skip(self) -> None:
        """Pass over the rest of this record."""
        while self._left:
            self.read(_SKIP_BYTES)
        self._pad(self._padding)
        self._padding = 0

    def finish(self) -> None:
        """Verify that only zeros follow the trailer."""
        total = 0
        while data := self._source.read(_SKIP_BYTES):
            total += len(data)
            if data.strip(b"\0") or total > _MAX_PADDING:
                raise MalformedPackage(f"{PAYLOAD}: bytes follow the trailer of the cpio archive", member=PAYLOAD)

    def _named_record(self) -> Record | None:
        numbers = self._exactly(104)
        if not _NUMBERS.fullmatch(numbers):
            raise MalformedPackage(f"{PAYLOAD}: record {self._records} has a number that is none", member=PAYLOAD)
        fields = [int(numbers[at : at + 8], 16) for at in range(0, 104, 8)]
        mode, links, size, name_bytes = fields[1], fields[4], fields[6], fields[11]
        if not 2 <= name_bytes <= self._limits.path_bytes + 3:
            raise MalformedPackage(f"{PAYLOAD}: record {self._records} claims a name of {name_bytes} bytes")
        name = self._exactly(name_bytes)
        self._pad(-(110 + name_bytes) % 4)
        if name.index(b"\0") != name_bytes - 1 if b"\0" in name else True:
            raise MalformedPackage(f"{PAYLOAD}: the name {quote(name)} does not end where it must", member=PAYLOAD)
        if name[:-1] == _TRAILER:
            return None
        self.expect(size)
        return Record(name[:-1], mode, size, links)

    def _exactly(self, size: int) -> bytes:
        data = self._source.read(size)
        while len(data) < size:
            more = self._source.read(size - len(data))
            if not more:
                raise MalformedPackage(f"{PAYLOAD}: the cpio archive ends without its trailer", member=PAYLOAD)
            data += more
        return data

    def _pad(self, size: int) -> None:
        if size and self._exactly(size).strip(b"\0"):
            raise MalformedPackage(f"{PAYLOAD}: the padding of record {self._records} is not zero", member=PAYLOAD)


def records(reader: CpioReader) -> Iterator[Record]:
    """All records up to the trailer, and the check of what follows it."""
    while (record := reader.next_record()) is not None:
        yield record
    reader.finish()
