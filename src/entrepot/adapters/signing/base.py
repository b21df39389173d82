"""The port: who signs for an archive, and what a valid signature is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Protocol


class KeyAlgorithm(StrEnum):
    """What a new key is made of."""

    RSA4096 = "rsa4096"
    ED25519 = "ed25519"


DEFAULT_ALGORITHM = KeyAlgorithm.RSA4096
"""Every client in use verifies it, those whose rpm or crypto policy knows no Ed25519 included."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """The public facts of one key; ``fingerprint`` is upper-case hexadecimal, times are aware UTC.

    After ``expires_at`` clients refuse what it signs; none is never.
    """

    name: str
    fingerprint: str
    algorithm: KeyAlgorithm
    uid: str
    created_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made; ``uid`` is ``Name <address>``."""

    uid: str
    algorithm: KeyAlgorithm
    created_at: datetime
    expires_at: datetime | None = None


class Signer(Protocol):
    """One archive's signing identity: one or more keys, all of which sign everything."""

    def clearsign(self, text: bytes) -> bytes:
        """``text`` as a clear-signed message (``InRelease``), one signature a key; keys that have expired do not sign.

        Lines end in LF or CRLF and come out ending in LF, without trailing blanks: what is delivered is exactly what
        is signed (RFC 9580, 7.2).

        Raises:
            InvalidRequest: a carriage return stands inside a line; readers disagree on what that means.
            SigningUnavailable: all keys have expired.
        """
        ...

    def detach(self, data: bytes) -> bytes:
        """Armored detached signatures of ``data`` (``Release.gpg``, ``repomd.xml.asc``), all keys in one block.

        With several keys the first one's signature is also the last: see ADR 0003 on clients that read only one.
        """
        ...

    def detach_file(self, file: BinaryIO) -> bytes:
        """The same over everything in an open file, which is read once for each key and never whole in memory."""
        ...

    def certificate(self) -> bytes:
        """The public certificates in binary form, one after the other."""
        ...

    def armored(self) -> bytes:
        """The same in one armored block (``key.asc``)."""
        ...

    def fingerprints(self) -> tuple[str, ...]:
        """Upper-case hexadecimal; the key that signs first is first."""
        ...


class Keyring(Protocol):
    """Where the identities of archives live.  Safe for many threads and, on disk, for many processes."""

    def create(self, name: str, uid: str, algorithm: KeyAlgorithm, created_at: datetime) -> KeyInfo:
        """Make the first key of identity ``name``, or return the one that is there; never replaces.

        ``uid`` is ``Name <address>``.  When this returns, a power cut does not lose the key.

        Raises:
            InvalidRequest: the name is no archive name, or the uid is empty, too long or holds control characters.
            SigningUnavailable: the key cannot be stored or, being there, not read.
        """
        ...

    def add(self, name: str, new: NewKey, most: int | None = None) -> KeyInfo:
        """Give identity ``name`` one more key, which signs after those that are there.

        Raises:
            InvalidRequest: as ``create``.
            KeyOverlap: the identity has ``most`` keys already.
            SigningUnavailable: there is no such identity, or it cannot be read or stored.
        """
        ...

    def retire(self, name: str, fingerprint: str) -> None:
        """Take a key away, for good; nothing happens when it is not there.

        Raises:
            InvalidRequest: it is the only one.
            SigningUnavailable: as ``add``.
        """
        ...

    def retired(self, name: str) -> bytes:
        """The public certificates of keys that were taken away, binary: what they signed is still to be verified."""
        ...

    def extend(self, name: str, expires_at: datetime | None, now: datetime) -> tuple[KeyInfo, ...]:
        """Give all keys of an identity another end, or none; they stay the same keys.

        Raises:
            SigningUnavailable: as ``add``.
        """
        ...

    def mark(self, name: str) -> str:
        """Something that is another whenever the identity is; cheaper than to read it.

        Raises:
            SigningUnavailable: the identity is absent.
        """
        ...

    def keys(self, name: str) -> tuple[KeyInfo, ...]:
        """Public facts of an identity's keys, in signing order.

        Raises:
            SigningUnavailable: the identity is absent or unreadable.
        """
        ...

    def signer(self, name: str) -> Signer:
        """The identity as it is now.

        Raises:
            SigningUnavailable: the identity is absent or unreadable.
        """
        ...

    def names(self) -> tuple[str, ...]:
        """Every identity, sorted."""
        ...


class Verification(Protocol):
    """What a client would say of a signature.  The module ``verification`` is one."""

    def verify_clearsigned(self, certificate: bytes, signed: bytes) -> bytes:
        """Exactly the text that a key of ``certificate`` signed: lines without trailing blanks, each ending in LF.

        ``certificate`` is one or more certificates, binary or armored.  Nothing outside the signed text is returned.

        Raises:
            BadSignature: no key of ``certificate`` signed it, or it is no clear-signed message.
        """
        ...

    def verify_detached(self, certificate: bytes, data: bytes, signature: bytes) -> None:
        """Return when a key of ``certificate`` made one of the signatures over ``data``.

        Raises:
            BadSignature: none did, or ``signature`` holds no signature.
        """
        ...

    def fingerprints(self, certificate: bytes) -> tuple[str, ...]:
        """Fingerprints of the primary keys of one or more certificates, upper-case hexadecimal.

        Raises:
            BadSignature: they cannot be read.
        """
        ...
