"""OpenPGP v4 certificates and signatures, as old and new clients alike accept them.

Which subpackets are written, and why none is critical, is in ADR 0003.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import BinaryIO

from entrepot.adapters.signing.armor import Block, armor, dearmor
from entrepot.adapters.signing.base import KeyAlgorithm, KeyInfo, NewKey
from entrepot.adapters.signing.keys import SigningKey, generate, read_secret
from entrepot.adapters.signing.packets import Packet, Tag, packet, read_packets, read_subpackets, subpacket
from entrepot.errors import BadSignature, InvalidRequest, SigningUnavailable

_SHA512 = 10
_PIECE_BYTES = 1 << 20
_UID_MAXIMUM_BYTES = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class _Kind(IntEnum):
    """Signature types (RFC 9580, 5.2.1)."""

    BINARY = 0x00
    TEXT = 0x01
    POSITIVE_CERTIFICATION = 0x13


class _Sub(IntEnum):
    """Signature subpacket types (RFC 9580, 5.2.3.7)."""

    CREATED = 2
    KEY_EXPIRES = 9
    PREFERRED_SYMMETRIC = 11
    ISSUER = 16
    PREFERRED_HASHES = 21
    KEY_SERVER_PREFERENCES = 23
    KEY_FLAGS = 27
    FEATURES = 30
    ISSUER_FINGERPRINT = 33


_CERTIFICATIONS = (b"\x10", b"\x11", b"\x12", b"\x13")
_CERTIFY_AND_SIGN = b"\x03"
_AES = b"\x09\x08\x07"
_SHA512_SHA384_SHA256 = b"\x0a\x09\x08"
_NO_MODIFY = b"\x80"
_INTEGRITY_PROTECTION = b"\x01"


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """A key, the user it is bound to, and the packets that bind them, as they are published."""

    key: SigningKey
    uid: str
    binding: bytes

    def certificate(self) -> bytes:
        """The public certificate, binary."""
        return packet(Tag.PUBLIC_KEY, self.key.public_body()) + self.binding

    def secret(self) -> bytes:
        """Certificate and private key, not encrypted, as ``gpg --import`` takes it.  For the private file only."""
        return packet(Tag.SECRET_KEY, self.key.secret_body()) + self.binding

    def info(self, name: str) -> KeyInfo:
        """Its public facts."""
        fingerprint = self.key.fingerprint().hex().upper()
        return KeyInfo(name, fingerprint, self.key.algorithm, self.uid, self.key.created_at, self.expires_at)

    @property
    def expires_at(self) -> datetime | None:
        """As its newest self-certification says; clients go by that one, too."""
        newest: tuple[int, int] | None = None
        for one in read_packets(self.binding):
            if one.tag == Tag.SIGNATURE and one.body[:1] == b"\x04" and one.body[1:2] in _CERTIFICATIONS:
                found = dict(read_subpackets(one.body[6 : 6 + int.from_bytes(one.body[4:6], "big")]))
                times = (int.from_bytes(found.get(kind, b""), "big") for kind in (_Sub.CREATED, _Sub.KEY_EXPIRES))
                newest = max(newest or (0, 0), (next(times), next(times)))
        return self.key.created_at + timedelta(seconds=newest[1]) if newest and newest[1] else None

    def with_end(self, expires_at: datetime | None, now: datetime) -> Identity:
        """The same key, certified anew."""
        return bind(self.key, self.uid, max(now, self.key.created_at), expires_at)

    def __repr__(self) -> str:
        return f"<Identity {self.uid!r} {self.key!r}>"


def made(new: NewKey) -> Identity:
    """A fresh key with an end of its own.

    Raises:
        InvalidRequest: as ``new_identity``.
    """
    checked_uid(new.uid)
    return bind(generate(new.algorithm, new.created_at), new.uid, expires_at=new.expires_at)


def new_identity(uid: str, algorithm: KeyAlgorithm, created_at: datetime) -> Identity:
    """A fresh key bound to ``uid``.

    Raises:
        InvalidRequest: the uid is empty, too long or holds control characters.
    """
    checked_uid(uid)
    return bind(generate(algorithm, created_at), uid)


def bind(key: SigningKey, uid: str, made_at: datetime | None = None, expires_at: datetime | None = None) -> Identity:
    """The key with a self-certification (RFC 9580, 5.2.1.6): it certifies and signs, until its end if it has one."""
    encoded = uid.encode()
    hashed = (
        subpacket(_Sub.KEY_FLAGS, _CERTIFY_AND_SIGN)
        + subpacket(_Sub.PREFERRED_SYMMETRIC, _AES)
        + subpacket(_Sub.PREFERRED_HASHES, _SHA512_SHA384_SHA256)
        + subpacket(_Sub.FEATURES, _INTEGRITY_PROTECTION)
        + subpacket(_Sub.KEY_SERVER_PREFERENCES, _NO_MODIFY)
    )
    if expires_at is not None:
        seconds = max(1, min(int((expires_at - key.created_at).total_seconds()), 0xFFFFFFFF))
        hashed += subpacket(_Sub.KEY_EXPIRES, struct.pack(">I", seconds))
    covered = (key.hashed_body(), b"\xb4" + struct.pack(">I", len(encoded)), encoded)
    binding = signature_packet(key, _Kind.POSITIVE_CERTIFICATION, covered, made_at or key.created_at, hashed)
    return Identity(key, uid, packet(Tag.USER_ID, encoded) + binding)


def signature_packet(
    key: SigningKey, kind: int, covered: Iterable[bytes], made_at: datetime, extra: bytes = b""
) -> bytes:
    """A version 4 signature packet over ``covered`` (RFC 9580, 5.2.3 and 5.2.4)."""
    hashed = subpacket(_Sub.ISSUER_FINGERPRINT, b"\x04" + key.fingerprint())
    hashed += subpacket(_Sub.CREATED, struct.pack(">I", int(made_at.timestamp()))) + extra
    head = struct.pack(">BBBBH", 4, kind, key.number, _SHA512, len(hashed)) + hashed
    digest = hashlib.sha512()
    for piece in covered:
        digest.update(piece)
    digest.update(head + b"\x04\xff" + struct.pack(">I", len(head)))
    unhashed = subpacket(_Sub.ISSUER, key.fingerprint()[-8:])
    tail = struct.pack(">H", len(unhashed)) + unhashed + digest.digest()[:2]
    return packet(Tag.SIGNATURE, head + tail + key.sign_digest(digest.digest()))


class OpenPGPSigner:
    """Signs with every key of an identity; see ``Signer``."""

    def __init__(self, identities: Sequence[Identity], clock: Callable[[], datetime]) -> None:
        if not identities:
            raise SigningUnavailable("the signing identity has no key")
        self._identities = tuple(identities)
        self._clock = clock

    def clearsign(self, text: bytes) -> bytes:
        """One clear-signed message (RFC 9580, 7)."""
        lines = _clear_lines(text)
        # The line end before the signature is not part of the text (RFC 9580, 7.1), so the lines are joined, not ended.
        signatures = b"".join(self._signatures(_Kind.TEXT, b"\r\n".join(lines)))
        escaped = b"\n".join(b"- " + line if line.startswith(b"-") else line for line in lines)
        head = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
        return head + escaped + b"\n" + armor(Block.SIGNATURE, signatures)

    def detach(self, data: bytes) -> bytes:
        """Armored signatures of the bytes as they are."""
        return self._detached(self._signatures(_Kind.BINARY, data))

    def detach_file(self, file: BinaryIO) -> bytes:
        """Armored signatures of an open file."""
        return self._detached([self._signature(one, _Kind.BINARY, _pieces(file)) for one in self._able()])

    @staticmethod
    def _detached(signatures: Sequence[bytes]) -> bytes:
        # Of several signatures yum looks at the first only, zypper at the last only: the key that every client has
        # is in both places.
        return armor(Block.SIGNATURE, b"".join((*signatures, *signatures[: len(signatures) > 1])))

    def certificate(self) -> bytes:
        """Binary certificates, one after the other."""
        return b"".join(identity.certificate() for identity in self._identities)

    def armored(self) -> bytes:
        """The same in one block."""
        return armor(Block.PUBLIC_KEY, self.certificate())

    def fingerprints(self) -> tuple[str, ...]:
        """Upper-case hexadecimal, in signing order."""
        return tuple(identity.key.fingerprint().hex().upper() for identity in self._identities)

    def _signatures(self, kind: int, covered: bytes) -> list[bytes]:
        return [self._signature(one, kind, (covered,)) for one in self._able()]

    def _able(self) -> list[Identity]:
        """Those that have not expired.  Raises ``SigningUnavailable`` when there is none."""
        now = self._clock()
        able = [one for one in self._identities if one.expires_at is None or one.expires_at > now]
        if not able:
            raise SigningUnavailable("every signing key of this archive has expired; extend them: entrepot key extend")
        return able

    def _signature(self, one: Identity, kind: int, covered: Iterable[bytes]) -> bytes:
        # A signature older than its key is invalid everywhere, so a clock that went back is not believed.
        return signature_packet(one.key, kind, covered, max(self._clock(), one.key.created_at))


def _pieces(file: BinaryIO) -> Iterable[bytes]:
    file.seek(0)
    return iter(lambda: file.read(_PIECE_BYTES), b"")


def without(identities: Sequence[Identity], name: str, fingerprint: str) -> tuple[Identity, ...]:
    """All but one.

    Raises:
        InvalidRequest: nothing would be left.
    """
    kept = tuple(one for one in identities if one.info(name).fingerprint != fingerprint)
    if not kept:
        raise InvalidRequest(f"{name} has no other key; rotate it first", key=name)
    return kept


def write_identities(identities: Iterable[Identity]) -> bytes:
    """The private file: one armored block of transferable secret keys, in signing order."""
    return armor(Block.PRIVATE_KEY, b"".join(identity.secret() for identity in identities))


def read_identities(text: bytes) -> tuple[Identity, ...]:
    """The identities of a private file; also what ``gpg --armor --export-secret-keys`` writes without a passphrase.

    Raises:
        BadSignature: it is damaged, encrypted, or of a kind that is not read here.
    """
    groups: list[list[Packet]] = []
    for one in read_packets(dearmor(Block.PRIVATE_KEY, text)):
        if one.tag == Tag.SECRET_KEY:
            groups.append([])
        elif one.tag in {Tag.SECRET_SUBKEY, Tag.PUBLIC_SUBKEY}:
            raise BadSignature("the private key has subkeys; export its primary key alone")
        if not groups:
            raise BadSignature("the private key file does not begin with a secret key packet")
        if one.tag != Tag.TRUST:
            groups[-1].append(one)
    return tuple(_read_identity(group[0], group[1:]) for group in groups)


def _read_identity(secret: Packet, rest: Sequence[Packet]) -> Identity:
    uids = [one.body for one in rest if one.tag == Tag.USER_ID]
    if not uids or not any(one.tag == Tag.SIGNATURE for one in rest):
        raise BadSignature("the private key is not bound to a user id")
    return Identity(read_secret(secret.body), uids[0].decode(errors="replace"), b"".join(one.raw for one in rest))


def checked_uid(uid: str) -> None:
    """Refuse what would not be one readable line in every client.

    Raises:
        InvalidRequest: naming the fault.
    """
    if not uid.strip() or len(uid.encode(errors="replace")) > _UID_MAXIMUM_BYTES or _CONTROL.search(uid):
        raise InvalidRequest(f"the user id of a key must be one line of 1 to {_UID_MAXIMUM_BYTES} octets", field="uid")
    if not uid.isprintable():
        raise InvalidRequest("the user id of a key must consist of printable characters", field="uid")


def checked_name(name: str) -> None:
    """Refuse names that are no archive names, and with them every path that climbs out.

    Raises:
        InvalidRequest: always naming the rule.
    """
    if not _NAME.fullmatch(name):
        rule = "small letters, digits, dots, dashes and underscores, a letter or digit first, at most 100"
        raise InvalidRequest(f"a signing identity is named with {rule}", field="name")


def _clear_lines(text: bytes) -> list[bytes]:
    """The lines without their ends and trailing blanks (RFC 9580, 7.2)."""
    lines = [line.removesuffix(b"\r").rstrip(b" \t") for line in text.removesuffix(b"\n").split(b"\n")]
    if any(b"\r" in line for line in lines):
        raise InvalidRequest("the text to sign has a carriage return within a line")
    return lines
