"""One rpm header: index and data, taken only when every entry lies where rpm (4.14 and later) wants it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from entrepot.domain.formats.base import ByteSource
from entrepot.domain.formats.rpm.tags import REGION_IMAGE, REGION_SIGNATURES, SigTag, Tag, Type
from entrepot.errors import AmbiguousPackage, BadPackageField, MalformedPackage, PackageBomb

INTRO_BYTES = 16
MAX_ENTRIES = 0xFFFF  # rpm's own bound
MAX_TAG = 0x7FFFFFFF
MIN_TAG = 100
SIGNATURE_HEADER = "signature header"
MAIN_HEADER = "main header"

_MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"
_ENTRY = struct.Struct(">IIiI")
_REGION_BYTES = 16
_READ_BYTES = 1 << 20
_WIDTH = {Type.CHAR: 1, Type.INT8: 1, Type.INT16: 2, Type.INT32: 4, Type.INT64: 8, Type.BIN: 1}
_LETTER = {Type.CHAR: "B", Type.INT8: "B", Type.INT16: "H", Type.INT32: "I", Type.INT64: "Q"}
_NAMES = ({tag.value: tag.name for tag in Tag}, {tag.value: tag.name for tag in SigTag})
_STRINGS = (Type.STRING, Type.STRING_ARRAY, Type.I18NSTRING)


class Entry(NamedTuple):
    """Where a value lies: offsets into the whole header, and how many values there are."""

    kind: Type
    start: int
    end: int
    length: int


class Header:
    """A header whose structure holds.  Values are decoded when asked for.

    Every getter raises BadPackageField when the value has another type or count than the tag must have.
    """

    __slots__ = ("_entries", "name", "raw")

    def __init__(self, name: str, raw: bytes, region: int) -> None:
        """Check ``raw``, a whole header from its magic to its end.

        Raises:
            MalformedPackage: an entry or the region is not where it must be.
            AmbiguousPackage: one tag is there twice.
        """
        self.name, self.raw = name, raw
        count, size = struct.unpack_from(">II", raw, 8)
        limit = _check_region(name, raw, count, size, region)
        self._entries: dict[int, Entry] = {}
        for tag, entry in _entries(name, raw, count, limit):
            if tag in self._entries:
                raise AmbiguousPackage(f"{name}: the tag {tag} is there twice", member=name)
            self._entries[tag] = entry

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def __iter__(self) -> Iterator[int]:
        return iter(self._entries)

    def count(self, tag: int) -> int:
        """How many values the tag has; 0 when it is absent."""
        entry = self._entries.get(tag)
        return 0 if entry is None else entry.length

    def text(self, tag: int) -> bytes | None:
        """The one string of a tag, or of a translated tag the one in the C locale, which comes first."""
        entry = self._entries.get(tag)
        if entry is None:
            return None
        if entry.kind is Type.STRING_ARRAY and entry.length > 1:
            raise self.bad(tag, f"holds {entry.length} strings, not one")
        return self._strings(tag, entry, first=True)[0]

    def texts(self, tag: int) -> list[bytes]:
        """All strings of a tag; none when it is absent."""
        entry = self._entries.get(tag)
        return [] if entry is None else self._strings(tag, entry, first=False)

    def number(self, tag: int) -> int | None:
        """The one number of a tag."""
        if self.count(tag) > 1:
            raise self.bad(tag, f"holds {self.count(tag)} numbers, not one")
        numbers = self.numbers(tag)
        return numbers[0] if numbers else None

    def numbers(self, tag: int) -> tuple[int, ...]:
        """All numbers of a tag, without sign; none when it is absent."""
        entry = self._entries.get(tag)
        if entry is None:
            return ()
        if entry.kind not in _LETTER:
            raise self.bad(tag, "is not a number")
        return struct.unpack_from(f">{entry.length}{_LETTER[entry.kind]}", self.raw, entry.start)

    def blob(self, tag: int) -> bytes | None:
        """The bytes of a binary tag."""
        entry = self._entries.get(tag)
        if entry is None:
            return None
        if entry.kind is not Type.BIN:
            raise self.bad(tag, "is not binary")
        return self.raw[entry.start : entry.end]

    def bad(self, tag: int, fault: str) -> BadPackageField:
        """The error that says what is wrong with a tag."""
        field = _field(self.name, tag)
        return BadPackageField(f"{self.name}: the tag {field} {fault}", member=self.name, field=field)

    def _strings(self, tag: int, entry: Entry, *, first: bool) -> list[bytes]:
        if entry.kind not in _STRINGS:
            raise self.bad(tag, "is not a string")
        if first:
            return [self.raw[entry.start : self.raw.index(b"\0", entry.start)]]
        return self.raw[entry.start : entry.end - 1].split(b"\0")


def read_header(source: ByteSource, name: str, left_bytes: int, max_bytes: int) -> bytes:
    """A whole header, magic included, its structure unchecked.

    ``left_bytes`` is what the file still has: nothing greater is read or allocated.

    Raises:
        MalformedPackage: no header, or one that does not fit into the file.
        PackageBomb: it needs more than ``max_bytes``.
    """
    intro = read_exactly(source, INTRO_BYTES, name, left_bytes)
    if intro[:8] != _MAGIC:
        raise MalformedPackage(f"{name}: it does not begin with the magic of a version 1 header", member=name)
    count, size = struct.unpack_from(">II", intro, 8)
    if not 1 <= count <= MAX_ENTRIES:
        raise MalformedPackage(f"{name}: it claims {count} entries, not 1 to {MAX_ENTRIES}", member=name)
    rest = count * _ENTRY.size + size
    if rest > left_bytes - INTRO_BYTES:
        raise MalformedPackage(f"{name}: it claims {rest} bytes, more than the file has", member=name)
    if rest > max_bytes:
        raise PackageBomb(f"{name}: it needs more than {max_bytes} bytes", member=name)
    return intro + read_exactly(source, rest, name, left_bytes - INTRO_BYTES)


def read_exactly(source: ByteSource, size: int, name: str, left_bytes: int) -> bytes:
    """``size`` bytes; raises MalformedPackage when the file ends before."""
    pieces, missing = [], size
    while missing and size <= left_bytes:
        piece = source.read(min(missing, _READ_BYTES))
        if not piece:
            break
        pieces.append(piece)
        missing -= len(piece)
    if missing:
        raise MalformedPackage(f"{name}: the file ends before it does", member=name)
    return b"".join(pieces)


def _check_region(name: str, raw: bytes, count: int, size: int, region: int) -> int:
    """The first entry has to span all others, its trailer to end the data; gives where in the data that begins."""
    tag, kind, offset, length = _ENTRY.unpack_from(raw, INTRO_BYTES)
    if (tag, kind, length) != (region, Type.BIN, _REGION_BYTES):
        raise MalformedPackage(f"{name}: its first entry is not a region of tag {region}", member=name)
    if offset < 0 or offset + _REGION_BYTES != size:
        raise MalformedPackage(f"{name}: the trailer of its region is not at the end", member=name)
    trailer = _ENTRY.unpack_from(raw, INTRO_BYTES + count * _ENTRY.size + offset)
    # Signature headers written by old versions of rpm close their region under the tag of an image.
    tags = (region, REGION_IMAGE) if region == REGION_SIGNATURES else (region,)
    if trailer[0] not in tags or trailer[1:] != (Type.BIN, -count * _ENTRY.size, _REGION_BYTES):
        raise MalformedPackage(f"{name}: its region does not span all {count} entries", member=name)
    return size - _REGION_BYTES


def _entries(name: str, raw: bytes, count: int, limit: int) -> Iterator[tuple[int, Entry]]:
    """The entries after the region: in the order of their data, aligned, not overlapping, before ``limit``."""
    reached, base = 0, INTRO_BYTES + count * _ENTRY.size
    for number in range(1, count):
        tag, kind, offset, length = _ENTRY.unpack_from(raw, INTRO_BYTES + number * _ENTRY.size)
        where = f"{name}: entry {number} (tag {tag})"
        if not MIN_TAG <= tag <= MAX_TAG:
            raise MalformedPackage(f"{where} has no tag that a header can have", member=name)
        if not Type.CHAR <= kind <= Type.I18NSTRING:
            raise MalformedPackage(f"{where} has the unknown type {kind}", member=name)
        if offset < reached or offset >= limit:
            raise MalformedPackage(f"{where} overlaps another or lies outside the data", member=name)
        if kind in _WIDTH and offset % _WIDTH[Type(kind)]:
            raise MalformedPackage(f"{where} is not aligned", member=name)
        if not 1 <= length <= limit - offset or (kind == Type.STRING and length != 1):
            raise MalformedPackage(f"{where} has the impossible count {length}", member=name)
        reached = _end_of(raw, Type(kind), base + offset, length, base + limit) - base
        if not offset < reached <= limit:
            raise MalformedPackage(f"{where} runs past the end of the data", member=name)
        yield tag, Entry(Type(kind), base + offset, base + reached, length)


def _end_of(raw: bytes, kind: Type, offset: int, count: int, limit: int) -> int:
    """Where the value ends; 0 when a string does not."""
    if kind in _WIDTH:
        return offset + _WIDTH[kind] * count
    for _ in range(count):
        offset = raw.find(b"\0", offset, limit) + 1
        if not offset:
            return 0
    return offset


def _field(header: str, tag: int) -> str:
    return _NAMES[header == SIGNATURE_HEADER].get(tag, str(tag))
