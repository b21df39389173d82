"""The frame of an .xz file around blocks that are kept apart ("The .xz File Format" 1.2.1).

Many blocks in one stream, not many streams: apt, libsolv and createrepo_c stop at the end of the first stream.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterable

_FLAGS = b"\0\x01"  # CRC32 as the check of every block
STREAM_HEADER = b"\xfd7zXZ\0" + _FLAGS + struct.pack("<I", zlib.crc32(_FLAGS))
_FOOTER_BYTES = 12
MIN_DICTIONARY_BYTES = 4096
MAX_DICTIONARY_BYTES = 8 << 20


def pack_block(text: bytes, preset: int) -> tuple[bytes, int]:
    """One block with its padding, and its unpadded size as the index of the stream wants it."""
    dictionary = 1 << max(0, len(text) - 1).bit_length()
    lzma2 = {
        "id": lzma.FILTER_LZMA2,
        "preset": preset,
        "dict_size": min(max(dictionary, MIN_DICTIONARY_BYTES), MAX_DICTIONARY_BYTES),
    }
    stream = lzma.compress(text, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=[lzma2])
    (backward_size,) = struct.unpack_from("<I", stream, len(stream) - 8)
    index_at = len(stream) - _FOOTER_BYTES - (backward_size + 1) * 4
    # Index: indicator 0, number of records 1, then the unpadded size.
    return stream[len(STREAM_HEADER) : index_at], _read_varint(stream, index_at + 2)


def stream_trailer(blocks: Iterable[tuple[int, int]]) -> bytes:
    """Index and footer of a stream of blocks, each given as (unpadded size, plain length)."""
    records = [_varint(unpadded) + _varint(plain) for unpadded, plain in blocks]
    index = b"\0" + _varint(len(records)) + b"".join(records)
    index += b"\0" * (-len(index) % 4)
    index += struct.pack("<I", zlib.crc32(index))
    sized_flags = struct.pack("<I", len(index) // 4 - 1) + _FLAGS
    return index + struct.pack("<I", zlib.crc32(sized_flags)) + sized_flags + b"YZ"


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> int:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        if data[at] < 0x80:
            return value
        at, shift = at + 1, shift + 7
