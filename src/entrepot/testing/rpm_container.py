"""The container of a .rpm: lead, headers, and the cpio archive of its payload."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from entrepot.testing.payload import FIXED_TIME, file_mode

INT16, INT32, STRING, BIN, STRING_ARRAY, I18N = 3, 4, 6, 7, 8, 9
"""Types of header values."""

REGION_SIGNATURE, REGION_HEADER = 62, 63
_SIG_DSA, _SIG_RSA, _SIG_SHA1, _SIG_SHA256, _SIG_SIZE, _SIG_MD5, _SIG_PAYLOAD_SIZE = (
    267,
    268,
    269,
    273,
    1000,
    1004,
    1007,
)

Value = int | str | bytes | Sequence[int] | Sequence[str]
Entries = dict[int, tuple[int, Value]]
"""Type and value by tag."""


def lead(label: str) -> bytes:
    """Ninety-six octets that nothing but ``file`` reads any more."""
    return struct.pack(">4sBBHH66sHH16x", b"\xed\xab\xee\xdb", 3, 0, 0, 1, label.encode()[:65], 1, 5)


def signature_header(main: bytes, payload: bytes, archive_bytes: int, sign: Callable[[bytes], bytes] | None) -> bytes:
    both = main + payload
    entries: Entries = {
        _SIG_SHA1: (STRING, hashlib.sha1(main, usedforsecurity=False).hexdigest()),
        _SIG_SHA256: (STRING, hashlib.sha256(main).hexdigest()),
        _SIG_SIZE: (INT32, [len(both)]),
        _SIG_MD5: (BIN, hashlib.md5(both, usedforsecurity=False).digest()),
        _SIG_PAYLOAD_SIZE: (INT32, [archive_bytes]),
    }
    if sign is not None:
        packet = sign(main)
        # Octet 2 of a version 4 signature is its algorithm; 1 is RSA, everything else goes under the tag of DSA.
        body = packet[1 + (1 << (packet[0] & 3)) :]
        entries[_SIG_RSA if body[2] == 1 else _SIG_DSA] = (BIN, packet)
    return header(entries, REGION_SIGNATURE)


def header(entries: Entries, region: int) -> bytes:
    """Index and data, the whole of it one immutable region."""
    index, data = b"", b""
    for tag, (kind, value) in sorted(entries.items()):
        raw, count, alignment = _encoded(kind, value)
        data += bytes(-len(data) % alignment)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += raw
    entry_count = len(entries) + 1
    index = struct.pack(">IIII", region, BIN, len(data), 16) + index
    data += struct.pack(">IIiI", region, BIN, -16 * entry_count, 16)
    return b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">II", entry_count, len(data)) + index + data


def _encoded(kind: int, value: Value) -> tuple[bytes, int, int]:
    """Octets, count and alignment of a header value."""
    if isinstance(value, bytes):
        return value, len(value), 1
    if isinstance(value, str):
        return value.encode() + b"\0", 1, 1
    if isinstance(value, int):
        value = [value]
    if kind in {INT16, INT32}:
        return (
            struct.pack(f">{len(value)}{'H' if kind == INT16 else 'I'}", *value),
            len(value),
            2 if kind == INT16 else 4,
        )
    return b"".join(str(each).encode() + b"\0" for each in value), len(value), 1


def cpio(files: Mapping[str, bytes]) -> bytes:
    """The ``newc`` archive, in the order of the header."""
    paths = sorted(PurePosixPath("/" + path) for path in files)
    records = [
        _cpio_record(f".{path}", number, file_mode(data) | 0o100000, data)
        for number, path in enumerate(paths, 1)
        for data in (files[str(path)[1:]],)
    ]
    return b"".join(records) + _cpio_record("TRAILER!!!", 0, 0, b"")


def _cpio_record(path: str, inode: int, mode: int, data: bytes) -> bytes:
    name = path.encode() + b"\0"
    numbers = (inode, mode, 0, 0, 1, FIXED_TIME if inode else 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + "".join(f"{number:08x}" for number in numbers).encode() + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
