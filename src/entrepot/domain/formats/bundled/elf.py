"""The two things that have to be known of an ELF file (System V ABI): where its data are, and its sections by name."""

from __future__ import annotations

import struct

MAGIC = b"\x7fELF"
HEAD_BYTES = 4096
"""Enough for the program headers of every linker."""

_MOST_SECTIONS = 4096
_LOAD, _EXECUTABLE, _WRITABLE = 1, 1, 2
_64_LITTLE = MAGIC + b"\x02\x01"


def data_bounds(head: bytes) -> tuple[int, int]:
    """From where to where the writable data reach in the file; everywhere, where that is not to be seen."""
    everywhere = (0, 1 << 62)
    if not head.startswith(_64_LITTLE) or len(head) < 64:
        return everywhere
    (offset,) = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    if size != 56 or not count or offset + size * count > len(head):
        return everywhere
    for number in range(count):
        kind, flags, begin, length = struct.unpack_from("<IIQ16xQ", head, offset + size * number)
        if kind == _LOAD and flags & (_WRITABLE | _EXECUTABLE) == _WRITABLE:
            return begin, begin + length
    return everywhere


def section_of(program: bytes, name: bytes) -> bytes | None:
    """The bytes of a section of a 64-bit little-endian file; none where there is no such section."""
    if not program.startswith(_64_LITTLE) or len(program) < 64:
        return None
    offset, size, count, names_at = struct.unpack_from("<Q10xHHH", program, 40)
    if size != 64 or count > _MOST_SECTIONS or names_at >= count or offset + size * count > len(program):
        return None
    rows = [struct.unpack_from("<I20xQQ", program, offset + size * number) for number in range(count)]
    _, start, length = rows[names_at]
    names = program[start : start + length]
    for label, begin, bytes_count in rows:
        if names[label : label + len(name) + 1] == name + b"\0" and begin + bytes_count <= len(program):
            return program[begin : begin + bytes_count]
    return None
