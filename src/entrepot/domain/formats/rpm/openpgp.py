"""Whether bytes are one OpenPGP signature packet over given data, as far as that shows without a key (RFC 9580)."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hashlib import _Hash

MAX_SIGNATURE_BYTES = 64 << 10

_SIGNATURE_PACKET = 2
_OF_BINARY_DATA = 0
_CREATED, _ISSUER, _FINGERPRINT = 2, 16, 33
_HASHES = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224", 12: "sha3_256", 14: "sha3_512"}
# Integers that a signature consists of, by public-key algorithm; of fixed size (in octets) for Ed25519 and Ed448.
_INTEGERS = {1: 1, 3: 1, 17: 2, 19: 2, 22: 2}
_FIXED = {27: 64, 28: 114}
_V4_HEAD = struct.Struct(">BBBBH")
_V3_HEAD = struct.Struct(">BBBI8sBBH")


class SignatureFault(ValueError):
    """What keeps the bytes from being a signature; becomes a sentence of our own errors."""


class Signature(NamedTuple):
    """What a signature packet says about itself.

    ``suffix`` is what is hashed after the signed data, ``check`` the first two octets of that hash.
    """

    hash_name: str
    suffix: bytes
    check: bytes

    def start(self) -> _Hash:
        """A hash to feed the signed data to."""
        return hashlib.new(self.hash_name, usedforsecurity=False)

    def fits(self, running: _Hash) -> bool:
        """Whether the signature could be one over the data fed to ``running``."""
        running.update(self.suffix)
        return running.digest()[:2] == self.check


def parse_signature(raw: bytes) -> Signature:
    """Take ``raw`` as exactly one signature packet, version 3 or 4; raises SignatureFault."""
    if len(raw) > MAX_SIGNATURE_BYTES:
        raise SignatureFault(f"is longer than {MAX_SIGNATURE_BYTES} bytes")
    try:
        return _parse_body(_packet_body(raw))
    except (struct.error, IndexError):
        raise SignatureFault("is cut short") from None


def _parse_body(body: bytes) -> Signature:
    if not body or body[0] not in (3, 4):
        raise SignatureFault("is no signature of version 3 or 4")
    return _read_v3(body) if body[0] == 3 else _read_v4(body)


def _packet_body(raw: bytes) -> bytes:
    if len(raw) < 3 or not raw[0] & 0x80:
        raise SignatureFault("is no OpenPGP packet")
    if raw[0] & 0x40:
        tag, start, size = raw[0] & 0x3F, *_new_length(raw, 1)
    else:
        tag, width = raw[0] >> 2 & 0xF, (1, 2, 4, 0)[raw[0] & 3]
        start, size = 1 + width, int.from_bytes(raw[1 : 1 + width], "big")
    if tag != _SIGNATURE_PACKET:
        raise SignatureFault("is no OpenPGP signature packet")
    if start + size != len(raw):
        raise SignatureFault("is not exactly one OpenPGP packet")
    return raw[start:]


def _new_length(raw: bytes, at: int, *, two_octets_until: int = 224) -> tuple[int, int]:
    """Where the body begins and how long it is; a partial length, which no signature has, gives -1."""
    first = raw[at]
    if first < 192:
        return at + 1, first
    if first < two_octets_until:
        return at + 2, (first - 192 << 8) + raw[at + 1] + 192
    return (at + 5, int.from_bytes(raw[at + 1 : at + 5], "big")) if first == 255 else (at, -1)


def _read_v3(body: bytes) -> Signature:
    _, hashed, kind, created, _, algorithm, digest, _ = _V3_HEAD.unpack_from(body)
    if hashed != 5 or kind != _OF_BINARY_DATA:
        raise SignatureFault("is no signature over binary data")
    _check_integers(algorithm, body[_V3_HEAD.size :])
    return Signature(_hash_name(digest), struct.pack(">BI", kind, created), body[_V3_HEAD.size - 2 : _V3_HEAD.size])


def _read_v4(body: bytes) -> Signature:
    _, kind, algorithm, digest, hashed_bytes = _V4_HEAD.unpack_from(body)
    if kind != _OF_BINARY_DATA:
        raise SignatureFault("is no signature over binary data")
    hashed_end = _V4_HEAD.size + hashed_bytes
    (loose_bytes,) = struct.unpack_from(">H", body, hashed_end)
    check = hashed_end + 2 + loose_bytes
    kinds = _subpackets(body[_V4_HEAD.size : hashed_end]) | _subpackets(body[hashed_end + 2 : check])
    if _CREATED not in kinds or not kinds & {_ISSUER, _FINGERPRINT}:
        raise SignatureFault("says neither when nor by whom it was made")
    _check_integers(algorithm, body[check + 2 :])
    suffix = body[:hashed_end] + struct.pack(">BBI", 4, 0xFF, hashed_end)
    return Signature(_hash_name(digest), suffix, body[check : check + 2])


def _subpackets(raw: bytes) -> set[int]:
    """The types of the subpackets that fill ``raw`` exactly."""
    kinds, at = set[int](), 0
    while at < len(raw):
        at, size = _new_length(raw, at, two_octets_until=255)
        if size < 1 or at + size > len(raw):
            raise SignatureFault("has subpackets that do not fit")
        kinds.add(raw[at] & 0x7F)
        at += size
    return kinds


def _check_integers(algorithm: int, raw: bytes) -> None:
    """Exactly as many integers as the algorithm has, none zero, each without leading zero bits."""
    if algorithm in _FIXED:
        fits = len(raw) == _FIXED[algorithm]
    elif algorithm in _INTEGERS:
        for _ in range(_INTEGERS[algorithm]):
            raw = _after_integer(raw)
        fits = not raw
    else:
        raise SignatureFault(f"uses the unknown public-key algorithm {algorithm}")
    if not fits:
        raise SignatureFault("does not end where its numbers do")


def _after_integer(raw: bytes) -> bytes:
    (bits,) = struct.unpack_from(">H", raw)
    end = 2 + (bits + 7) // 8
    if not bits or end > len(raw) or int.from_bytes(raw[2:end], "big").bit_length() != bits:
        raise SignatureFault("holds a number that is none")
    return raw[end:]


def _hash_name(algorithm: int) -> str:
    if algorithm not in _HASHES:
        raise SignatureFault(f"uses the unknown hash {algorithm}")
    return _HASHES[algorithm]
