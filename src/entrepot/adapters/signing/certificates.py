"""OpenPGP certificates of others, version 4: which of their keys may sign, until when (RFC 9580, 5.5, 10.1).

Only what the primary key itself said counts; third parties' certifications are left out.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from entrepot.adapters.signing.packets import Packet, Tag, read_mpi, read_packets
from entrepot.adapters.signing.signatures import (
    WEAK_HASHES,
    Kind,
    PublicKeyObject,
    SignaturePacket,
    Sub,
    read_signature,
    verifies,
)
from entrepot.errors import BadSignature

MOST_PACKETS = 5000
MOST_CERTIFICATES = 64
_MOST_SELF_SIGNATURES = 200
_USER_ATTRIBUTE = 17
_SIGN = 0x02
_LEAST_BITS = 2048
_FLAGS_ABSENT = b"\x03"
_CURVES: dict[bytes, ec.EllipticCurve] = {
    bytes.fromhex("2a8648ce3d030107"): ec.SECP256R1(),
    bytes.fromhex("2b81040022"): ec.SECP384R1(),
    bytes.fromhex("2b81040023"): ec.SECP521R1(),
    bytes.fromhex("2b2403030208010107"): ec.BrainpoolP256R1(),
    bytes.fromhex("2b240303020801010b"): ec.BrainpoolP384R1(),
    bytes.fromhex("2b240303020801010d"): ec.BrainpoolP512R1(),
}
_ED25519_LEGACY = bytes.fromhex("2b06010401da470f01")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key; ``weakness`` says why it is too weak for today, empty when it is not."""

    body: bytes
    created: int
    fingerprint: bytes
    key: PublicKeyObject | None
    weakness: str

    @property
    def key_id(self) -> bytes:
        """The last eight octets of the fingerprint."""
        return self.fingerprint[-8:]

    def hashed(self) -> bytes:
        """As it is hashed into signatures about it."""
        return b"\x99" + struct.pack(">H", len(self.body)) + self.body


@dataclass(frozen=True, slots=True)
class Signatory:
    """A key that may sign data; ``expires`` is in seconds since 1970, none is never."""

    key: PublicKey
    expires: int | None
    revoked: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """A primary key and what it vouches for.  ``raw`` is as found, without what follows it."""

    raw: bytes
    primary: PublicKey
    uids: tuple[str, ...]
    signatories: tuple[Signatory, ...]
    expires: int | None
    revoked: bool
    weaknesses: tuple[str, ...]


@dataclass(slots=True)
class _Part:
    """A key or a user id, and the signatures behind it."""

    tag: int
    body: bytes
    signatures: list[SignaturePacket] = field(default_factory=list)


def read_certificates(data: bytes, *, weak: bool) -> list[Certificate]:
    """All certificates in binary ``data``; with ``weak``, keys and bindings of old algorithms count.

    Raises:
        BadSignature: there is none, there are private keys, or it is malformed or beyond the bounds.
    """
    groups: list[list[Packet]] = []
    for one in read_packets(data, MOST_PACKETS):
        if one.tag in {Tag.SECRET_KEY, Tag.SECRET_SUBKEY}:
            raise BadSignature("this holds a private key; export the public one, and keep this where nobody sees it")
        if one.tag == Tag.PUBLIC_KEY:
            groups.append([])
        elif not groups:
            raise BadSignature("this does not begin with a public key")
        groups[-1].append(one)
    if not 1 <= len(groups) <= MOST_CERTIFICATES:
        raise BadSignature(f"there are {len(groups)} certificates where 1 to {MOST_CERTIFICATES} belong")
    return [_certificate(group, weak=weak) for group in groups]


def _certificate(packets: Sequence[Packet], *, weak: bool) -> Certificate:
    primary = read_key(packets[0].body)
    head, *parts = _parts(packets, primary)
    raw = b"".join(one.raw for one in packets)
    about_key, weaknesses = primary.hashed(), [primary.weakness] if primary.weakness else []
    direct = _valid(primary, head.signatures, {Kind.DIRECT}, about_key, weak=weak)
    revoked = bool(_valid(primary, head.signatures, {Kind.KEY_REVOCATION}, about_key, weak=True))
    uids, bindings = [], list(direct)
    for part in parts:
        if part.tag != Tag.USER_ID:
            continue
        about = about_key + b"\xb4" + struct.pack(">I", len(part.body)) + part.body
        found = _newest(_valid(primary, part.signatures, _CERTIFICATIONS, about, weak=weak))
        if found is not None and found.kind != Kind.CERTIFICATION_REVOCATION:
            uids.append(part.body.decode("utf-8", "replace"))
            bindings.append(found)
    binding = _newest(bindings)
    if binding is None:
        weaknesses.append("nothing but SHA-1 or MD5 binds its name to it, or nothing does")
    expires = _end(primary, binding)
    signatories = []
    if binding is not None and _flags(bindings) & _SIGN:
        signatories.append(Signatory(primary, expires, revoked))
    for part in parts if binding is not None else ():
        if part.tag == Tag.PUBLIC_SUBKEY:
            signatories += _subkey(primary, part, expires, revoked=revoked, weak=weak)
    usable = [one for one in signatories if weak or not one.key.weakness]
    return Certificate(raw, primary, tuple(uids), tuple(usable), expires, revoked, tuple(weaknesses))


_CERTIFICATIONS = frozenset({0x10, 0x11, 0x12, 0x13, Kind.CERTIFICATION_REVOCATION})


def _parts(packets: Iterable[Packet], primary: PublicKey) -> list[_Part]:
    """Packets with the signatures that the primary key claims to have made; others are not looked at."""
    parts: list[_Part] = []
    count = 0
    for one in packets:
        if one.tag in {Tag.PUBLIC_KEY, Tag.USER_ID, Tag.PUBLIC_SUBKEY, _USER_ATTRIBUTE}:
            parts.append(_Part(one.tag, one.body))
        elif one.tag == Tag.SIGNATURE and (signature := _own(one, primary)) is not None:
            count += 1
            if count > _MOST_SELF_SIGNATURES:
                raise BadSignature(f"a certificate has more than {_MOST_SELF_SIGNATURES} signatures of its own")
            parts[-1].signatures.append(signature)
    return parts


def _own(one: Packet, primary: PublicKey) -> SignaturePacket | None:
    try:
        signature = read_signature(one.body)
    except BadSignature:
        return None
    return signature if signature.key_id in {b"", primary.key_id} else None


def _valid(
    key: PublicKey, signatures: Iterable[SignaturePacket], kinds: Iterable[int], about: bytes, *, weak: bool
) -> list[SignaturePacket]:
    wanted = frozenset(kinds)
    return [one for one in signatures if one.kind in wanted and _holds(key, one, about, weak=weak)]


def _holds(key: PublicKey, signature: SignaturePacket, about: bytes, *, weak: bool) -> bool:
    if key.key is None or not signature.understood or (signature.hash_name in WEAK_HASHES and not weak):
        return False
    running = signature.start()
    running.update(about)
    return verifies(key.key, signature, signature.digest(running))


def _newest(signatures: Sequence[SignaturePacket]) -> SignaturePacket | None:
    return max(signatures, key=lambda one: one.created, default=None)


def _flags(bindings: Sequence[SignaturePacket]) -> int:
    """As the newest says that says any; without, a primary key may do everything."""
    said = _newest([one for one in bindings if one.hashed.get(Sub.KEY_FLAGS)])
    return (said.hashed[Sub.KEY_FLAGS] if said is not None else _FLAGS_ABSENT)[0]


def _end(key: PublicKey, binding: SignaturePacket | None) -> int | None:
    lasts = int.from_bytes(binding.hashed.get(Sub.KEY_EXPIRES, b""), "big") if binding is not None else 0
    return key.created + lasts if lasts else None


def _subkey(primary: PublicKey, part: _Part, end: int | None, *, revoked: bool, weak: bool) -> Iterator[Signatory]:
    """The subkey, if it may sign: it says itself that it belongs to the primary key, too."""
    try:
        key = read_key(part.body)
    except BadSignature:
        return
    about = primary.hashed() + key.hashed()
    binding = _newest(_valid(primary, part.signatures, {Kind.SUBKEY_BINDING}, about, weak=weak))
    if binding is None or not (binding.hashed.get(Sub.KEY_FLAGS) or b"\0")[0] & _SIGN:
        return
    try:
        answer = read_signature(binding.hashed.get(Sub.EMBEDDED, b""))
    except BadSignature:
        return
    if answer.kind != Kind.PRIMARY_KEY_BINDING or not _holds(key, answer, about, weak=weak):
        return
    gone = revoked or bool(_valid(primary, part.signatures, {Kind.SUBKEY_REVOCATION}, about, weak=True))
    ends = [one for one in (end, _end(key, binding)) if one is not None]
    yield Signatory(key, min(ends, default=None), gone)


def read_key(body: bytes) -> PublicKey:
    """The body of a public key packet.

    Raises:
        BadSignature: it is of another version, or cut short.
    """
    if len(body) < 7 or body[0] != 4:
        version = body[0] if body else "none"
        raise BadSignature(f"a key of version {version} is not understood; version 4 is")
    created = int.from_bytes(body[1:5], "big")
    fingerprint = hashlib.sha1(b"\x99" + struct.pack(">H", len(body)) + body, usedforsecurity=False).digest()
    bare = PublicKey(body, created, fingerprint, None, "")
    try:
        key = _material(body[5], body[6:])
    except (BadSignature, ValueError, IndexError, UnsupportedAlgorithm):
        return replace(bare, weakness="its algorithm is not understood")
    return replace(bare, key=key, weakness=_weakness(key))


def _material(algorithm: int, raw: bytes) -> PublicKeyObject:
    match algorithm:
        case 1 | 3:
            modulus, exponent = _integers(raw, 2)
            return rsa.RSAPublicNumbers(exponent, modulus).public_key()
        case 17:
            p, q, g, y = _integers(raw, 4)
            return dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()
        case 19 | 22:
            return _on_curve(raw[1 : 1 + raw[0]], raw[1 + raw[0] :], edwards=algorithm == 22)
        case 27:
            return ed25519.Ed25519PublicKey.from_public_bytes(raw)
        case 28:
            return ed448.Ed448PublicKey.from_public_bytes(raw)
    raise BadSignature(f"the key algorithm {algorithm} is not understood")


def _on_curve(oid: bytes, rest: bytes, *, edwards: bool) -> PublicKeyObject:
    (point,) = _integers(rest, 1)
    encoded = point.to_bytes((point.bit_length() + 7) // 8, "big")
    if edwards:
        if oid != _ED25519_LEGACY or encoded[:1] != b"\x40":
            raise BadSignature("the curve is not understood")
        return ed25519.Ed25519PublicKey.from_public_bytes(encoded[1:])
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES.get(oid) or _no_curve(), encoded)


def _no_curve() -> ec.EllipticCurve:
    raise BadSignature("the curve is not understood")


def _integers(raw: bytes, count: int) -> list[int]:
    found, at = [], 0
    for _ in range(count):
        number, at = read_mpi(raw, at)
        found.append(number)
    return found


def _weakness(key: PublicKeyObject) -> str:
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_BITS:
        return f"its RSA modulus has {key.key_size} bits, fewer than {_LEAST_BITS}"
    if isinstance(key, dsa.DSAPublicKey):
        return "it is a DSA key, which clients no longer accept"
    return ""
