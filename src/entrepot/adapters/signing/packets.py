"""OpenPGP packets: the framing, and numbers inside them (RFC 9580, 3.2, 4.2, 5.2.3.7)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from entrepot.errors import BadSignature


class Tag(IntEnum):
    """Packet types met here."""

    SIGNATURE = 2
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    SECRET_SUBKEY = 7
    MARKER = 10
    TRUST = 12
    USER_ID = 13
    PUBLIC_SUBKEY = 14
    PADDING = 21


@dataclass(frozen=True, slots=True, repr=False)
class Packet:
    """One packet; ``raw`` is header and body as found.  No repr: the body may be a private key."""

    tag: int
    body: bytes
    raw: bytes


def packet(tag: Tag, body: bytes) -> bytes:
    """A packet with a header of the old form, which every reader takes (RFC 9580, 4.2.2)."""
    if len(body) < 256:
        return bytes((0x80 | tag << 2, len(body))) + body
    if len(body) < 1 << 16:
        return bytes((0x81 | tag << 2,)) + struct.pack(">H", len(body)) + body
    return bytes((0x82 | tag << 2,)) + struct.pack(">I", len(body)) + body


def read_packets(data: bytes, maximum: int = 1000) -> Iterator[Packet]:
    """The packets of ``data`` in order.

    Raises:
        BadSignature: a malformed header, a length that is partial or runs over the end, more than ``maximum`` packets.
    """
    offset = 0
    for _ in range(maximum):
        if offset == len(data):
            return
        tag, start, length = _header(data, offset)
        if start + length > len(data):
            raise BadSignature(f"the OpenPGP packet at octet {offset} runs over the end of the data")
        yield Packet(tag, data[start : start + length], data[offset : start + length])
        offset = start + length
    if offset != len(data):
        raise BadSignature(f"more than {maximum} OpenPGP packets")


def _header(data: bytes, offset: int) -> tuple[int, int, int]:
    """Tag, offset of the body, length of the body."""
    first = data[offset]
    rest = data[offset + 1 : offset + 6]
    try:
        if first & 0xC0 == 0xC0:
            return first & 0x3F, *_new_length(rest, offset + 1)
        if first & 0x80 and first & 3 != 3:
            size = 1 << (first & 3)
            return first >> 2 & 15, offset + 1 + size, int(struct.unpack_from((">B", ">H", ">I")[first & 3], rest)[0])
    except (struct.error, IndexError):
        raise BadSignature(f"the OpenPGP packet header at octet {offset} is cut short") from None
    raise BadSignature(f"no OpenPGP packet with a definite length begins at octet {offset}")


def _new_length(rest: bytes, start: int) -> tuple[int, int]:
    if rest[0] < 192:
        return start + 1, rest[0]
    if rest[0] < 224:
        return start + 2, (rest[0] - 192 << 8) + rest[1] + 192
    if rest[0] == 255:
        return start + 5, int(struct.unpack_from(">I", rest, 1)[0])
    raise BadSignature(f"the OpenPGP packet with its length at octet {start} has a partial length")


def mpi(value: int | bytes) -> bytes:
    """A multiprecision integer.  Leading zero bits are never written: strict readers refuse them (RFC 9580, 3.2)."""
    number = int.from_bytes(value, "big") if isinstance(value, bytes) else value
    return struct.pack(">H", number.bit_length()) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def read_mpi(data: bytes, offset: int) -> tuple[int, int]:
    """The integer at ``offset`` and the offset behind it.

    Raises:
        BadSignature: it runs over the end.
    """
    end = offset + 2
    if end <= len(data):
        end += (int.from_bytes(data[offset:end], "big") + 7) // 8
    if end > len(data):
        raise BadSignature(f"the integer at octet {offset} of an OpenPGP packet runs over its end")
    return int.from_bytes(data[offset + 2 : end], "big"), end


def subpacket(kind: int, body: bytes) -> bytes:
    """A signature subpacket, never critical: some readers refuse critical ones that they do not know."""
    if len(body) > 190:
        raise ValueError("only subpackets of up to 190 octets are written here")
    return bytes((len(body) + 1, kind)) + body


def read_subpackets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each signature subpacket (RFC 9580, 5.2.3.7); stops where they are malformed."""
    offset = 0
    while offset < len(data):
        try:
            start, length = _new_length(data[offset : offset + 5], offset)
        except (struct.error, IndexError, BadSignature):
            return
        if length == 0 or start + length > len(data):
            return
        yield data[start] & 0x7F, data[start + 1 : start + length]
        offset = start + length
