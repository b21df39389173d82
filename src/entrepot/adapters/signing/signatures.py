"""Signature packets, versions 3 and 4, taken apart and compared with a digest (RFC 9580, 5.2).

Unlike ``verification`` this tells why a signature is not good, reads its data as a stream, and knows the algorithms of
old keys, which only count where an administrator allowed that.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, utils

from entrepot.adapters.signing.packets import read_mpi, read_subpackets
from entrepot.errors import BadSignature

if TYPE_CHECKING:
    from hashlib import _Hash

PublicKeyObject = (
    rsa.RSAPublicKey | dsa.DSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
)

WEAK_HASHES = ("md5", "sha1")
_HASHES: Mapping[int, tuple[str, hashes.HashAlgorithm]] = {
    1: ("md5", hashes.MD5()),  # noqa: S303 - recognised, so that it can be named as the fault
    2: ("sha1", hashes.SHA1()),  # noqa: S303 - the same
    8: ("sha256", hashes.SHA256()),
    9: ("sha384", hashes.SHA384()),
    10: ("sha512", hashes.SHA512()),
    11: ("sha224", hashes.SHA224()),
    12: ("sha3_256", hashes.SHA3_256()),
    14: ("sha3_512", hashes.SHA3_512()),
}
_BY_NAME = dict(_HASHES.values())
_V3_HEAD = struct.Struct(">BBBI8sBBH")
_V4_HEAD = struct.Struct(">BBBBH")
_MOST_BYTES = 64 << 10
# Subpackets whose meaning is observed or does not matter here; any other critical one makes a signature no good.
_KNOWN = frozenset({2, 3, 4, 5, 6, 7, 9, 11, 12, 16, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35})


class Kind(IntEnum):
    """Signature types (RFC 9580, 5.2.1)."""

    BINARY = 0x00
    TEXT = 0x01
    CERTIFICATION = 0x10
    POSITIVE_CERTIFICATION = 0x13
    SUBKEY_BINDING = 0x18
    PRIMARY_KEY_BINDING = 0x19
    DIRECT = 0x1F
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28
    CERTIFICATION_REVOCATION = 0x30


class Sub(IntEnum):
    """Signature subpackets (RFC 9580, 5.2.3.7)."""

    CREATED = 2
    EXPIRES = 3
    KEY_EXPIRES = 9
    ISSUER = 16
    KEY_FLAGS = 27
    EMBEDDED = 32
    FINGERPRINT = 33


@dataclass(frozen=True, slots=True)
class SignaturePacket:
    """What one says; times are seconds since 1970, ``lasts`` 0 is for ever.

    ``suffix`` is hashed after the signed data, ``check`` the first two octets of that hash, ``numbers`` what the key
    made.  ``hashed`` are the subpackets that the signature covers itself.
    """

    kind: int
    algorithm: int
    hash_name: str
    created: int
    lasts: int
    key_id: bytes
    fingerprint: bytes
    suffix: bytes
    check: bytes
    numbers: bytes
    hashed: Mapping[int, bytes]
    understood: bool = True

    def start(self) -> _Hash:
        """A hash to feed the signed data to."""
        return hashlib.new(self.hash_name, usedforsecurity=False)

    def digest(self, running: _Hash) -> bytes:
        """What the key signed, if the data fed to ``running`` is what it signed; ``running`` can be used again."""
        copy = running.copy()
        copy.update(self.suffix)
        return copy.digest()


def read_signature(body: bytes) -> SignaturePacket:
    """Take the body of a packet apart.

    Raises:
        BadSignature: it is cut short, of another version, or uses an unknown hash.
    """
    if len(body) > _MOST_BYTES:
        raise BadSignature(f"a signature is longer than {_MOST_BYTES} bytes")
    try:
        if body[0] == 3:
            return _read_v3(body)
        if body[0] == 4:
            return _read_v4(body)
    except (struct.error, IndexError):
        raise BadSignature("a signature is cut short") from None
    raise BadSignature(f"a signature of version {body[0]} is not understood")


def verifies(key: PublicKeyObject, signature: SignaturePacket, digest: bytes) -> bool:
    """Whether the key made the signature of this digest."""
    try:
        _verify(key, signature, digest)
    except (InvalidSignature, UnsupportedAlgorithm, BadSignature, ValueError, TypeError, OverflowError):
        return False
    return True


def _verify(key: PublicKeyObject, signature: SignaturePacket, digest: bytes) -> None:
    prehashed = utils.Prehashed(_BY_NAME[signature.hash_name])
    if isinstance(key, rsa.RSAPublicKey):
        number = _integers(signature.numbers, 1)[0]
        key.verify(number.to_bytes((key.key_size + 7) // 8, "big"), digest, padding.PKCS1v15(), prehashed)
    elif isinstance(key, dsa.DSAPublicKey):
        key.verify(utils.encode_dss_signature(*_integers(signature.numbers, 2)), digest, prehashed)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(utils.encode_dss_signature(*_integers(signature.numbers, 2)), digest, ec.ECDSA(prehashed))
    elif isinstance(key, ed25519.Ed25519PublicKey) and signature.algorithm == 22:
        r, s = _integers(signature.numbers, 2)
        key.verify(r.to_bytes(32, "big") + s.to_bytes(32, "big"), digest)
    else:
        key.verify(signature.numbers, digest)


def _integers(raw: bytes, count: int) -> list[int]:
    """Exactly that many multiprecision integers."""
    found, at = [], 0
    for _ in range(count):
        number, at = read_mpi(raw, at)
        found.append(number)
    if at != len(raw):
        raise BadSignature("a signature does not end where its numbers do")
    return found


def _read_v3(body: bytes) -> SignaturePacket:
    _, hashed, kind, created, key_id, algorithm, digest, _ = _V3_HEAD.unpack_from(body)
    if hashed != 5:
        raise BadSignature("a signature of version 3 is malformed")
    end = _V3_HEAD.size
    return SignaturePacket(
        kind=kind,
        algorithm=algorithm,
        hash_name=_hash_name(digest),
        created=created,
        lasts=0,
        key_id=key_id,
        fingerprint=b"",
        suffix=struct.pack(">BI", kind, created),
        check=body[end - 2 : end],
        numbers=body[end:],
        hashed={},
    )


def _read_v4(body: bytes) -> SignaturePacket:
    _, kind, algorithm, digest, hashed_bytes = _V4_HEAD.unpack_from(body)
    hashed_end = _V4_HEAD.size + hashed_bytes
    (loose_bytes,) = struct.unpack_from(">H", body, hashed_end)
    check = hashed_end + 2 + loose_bytes
    if check + 2 > len(body):
        raise BadSignature("a signature is cut short")
    covered = body[_V4_HEAD.size : hashed_end]
    hashed = dict(read_subpackets(covered))
    loose = dict(read_subpackets(body[hashed_end + 2 : check]))
    fingerprint = hashed.get(Sub.FINGERPRINT) or loose.get(Sub.FINGERPRINT, b"")
    # Of version 4 keys only; the first octet says so.
    known = fingerprint[1:] if fingerprint[:1] == b"\x04" and len(fingerprint) == 21 else b""
    return SignaturePacket(
        kind=kind,
        algorithm=algorithm,
        hash_name=_hash_name(digest),
        created=int.from_bytes(hashed.get(Sub.CREATED, b""), "big"),
        lasts=int.from_bytes(hashed.get(Sub.EXPIRES, b""), "big"),
        key_id=known[-8:] or hashed.get(Sub.ISSUER) or loose.get(Sub.ISSUER, b""),
        fingerprint=known,
        suffix=body[:hashed_end] + struct.pack(">BBI", 4, 0xFF, hashed_end),
        check=body[check : check + 2],
        numbers=body[check + 2 :],
        hashed={**hashed, **_embedded(loose)},
        understood=len(hashed.get(Sub.CREATED, b"")) == 4 and _understood(covered),
    )


def _embedded(loose: Mapping[int, bytes]) -> Mapping[int, bytes]:
    """A signature in a signature proves itself, so it may stand where nothing protects it, as old programs have it."""
    return {Sub.EMBEDDED: loose[Sub.EMBEDDED]} if Sub.EMBEDDED in loose else {}


def _understood(covered: bytes) -> bool:
    """Whether the subpackets fill their room exactly and no critical one is unknown."""
    at = 0
    while at < len(covered):
        first = covered[at]
        if first < 192:
            size, at = first, at + 1
        elif first < 255:
            if at + 2 > len(covered):
                return False
            size, at = (first - 192 << 8) + covered[at + 1] + 192, at + 2
        else:
            size, at = int.from_bytes(covered[at + 1 : at + 5], "big"), at + 5
        if size < 1 or at + size > len(covered):
            return False
        if covered[at] & 0x80 and covered[at] & 0x7F not in _KNOWN:
            return False
        at += size
    return True


def _hash_name(algorithm: int) -> str:
    if algorithm not in _HASHES:
        raise BadSignature(f"a signature uses the hash {algorithm}, which is not known here")
    return _HASHES[algorithm][0]
