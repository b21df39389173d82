"""ASCII armor: binary OpenPGP data as mail-safe text and back (RFC 9580, 6.2)."""

from __future__ import annotations

import base64
import binascii
import re
from enum import StrEnum

from entrepot.errors import BadSignature

_LINE_CHARACTERS = 64
_MAXIMUM_BLOCKS = 64
_CRC_START = 0xB704CE
_CRC_POLYNOMIAL = 0x1864CFB


class Block(StrEnum):
    """What an armored block holds, as its first line says it."""

    PUBLIC_KEY = "PUBLIC KEY BLOCK"
    PRIVATE_KEY = "PRIVATE KEY BLOCK"
    SIGNATURE = "SIGNATURE"


def _crc_of(octet: int) -> int:
    value = octet << 16
    for _ in range(8):
        value = (value << 1) ^ (_CRC_POLYNOMIAL if value & 0x800000 else 0)
    return value & 0xFFFFFF


_CRC_TABLE = tuple(_crc_of(octet) for octet in range(256))


def crc24(data: bytes) -> bytes:
    """The three check octets (RFC 9580, 6.1): optional by now, but old readers insist."""
    value = _CRC_START
    for octet in data:
        value = ((value << 8) & 0xFFFFFF) ^ _CRC_TABLE[(value >> 16) ^ octet]
    return value.to_bytes(3, "big")


def armor(block: Block, data: bytes) -> bytes:
    """``data`` as one armored block, ending in a line feed."""
    text = base64.b64encode(data).decode()
    lines = [f"-----BEGIN PGP {block}-----", ""]
    lines += [text[start : start + _LINE_CHARACTERS] for start in range(0, len(text), _LINE_CHARACTERS)]
    lines += ["=" + base64.b64encode(crc24(data)).decode(), f"-----END PGP {block}-----", ""]
    return "\n".join(lines).encode()


def dearmor(block: Block, text: bytes) -> bytes:
    """The data of every block of that kind in ``text``, one after the other.

    Raises:
        BadSignature: there is no such block, or one is cut short, not base64, or fails its checksum.
    """
    begin, end = (re.escape(f"-----{edge} PGP {block}-----".encode()) for edge in ("BEGIN", "END"))
    found = re.findall(rb"^" + begin + rb"[ \t\r]*\n(.*?)^" + end, text, re.MULTILINE | re.DOTALL)
    if not found or len(found) > _MAXIMUM_BLOCKS:
        raise BadSignature(
            f"{len(found)} whole armored blocks of kind {block} found where 1 to {_MAXIMUM_BLOCKS} belong"
        )
    return b"".join(_block_data(block, body) for body in found)


def _block_data(block: Block, body: bytes) -> bytes:
    lines = [line.strip() for line in body.split(b"\n")]
    # Headers end at the first empty line; a block without that line has no headers.
    start = lines.index(b"") + 1 if any(b":" in line for line in lines) and b"" in lines else 0
    payload = [line for line in lines[start:] if line]
    checksum = payload.pop() if payload and payload[-1].startswith(b"=") and len(payload[-1]) == 5 else None
    try:
        data = base64.b64decode(b"".join(payload), validate=True)
        expected = None if checksum is None else base64.b64decode(checksum[1:], validate=True)
    except binascii.Error:
        raise BadSignature(f"an armored block of kind {block} is not base64") from None
    if not data or (expected is not None and expected != crc24(data)):
        raise BadSignature(f"an armored block of kind {block} is empty or fails its checksum")
    return data
