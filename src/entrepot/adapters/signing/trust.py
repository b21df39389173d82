"""The port: who signed a package, judged with keys that an administrator trusts for a suite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class SignatureState(StrEnum):
    """What became of one signature.  Only ``GOOD`` is good."""

    GOOD = "good"
    BAD = "bad"
    EXPIRED = "expired"
    REVOKED = "revoked"
    WEAK = "weak"
    UNKNOWN_KEY = "unknown_key"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """One signature packet.  ``key_id`` and ``fingerprint`` are upper-case hexadecimal, empty where nothing says them.

    ``fingerprint`` is that of the certificate, whose primary key stands for a person; ``uid`` is its name.
    """

    state: SignatureState
    detail: str
    key_id: str = ""
    fingerprint: str = ""
    uid: str = ""
    created_at: datetime | None = None
    hash_name: str = ""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """Public facts of one certificate; ``weaknesses`` say why clients of today may refuse it."""

    material: bytes
    fingerprint: str
    uids: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked: bool
    weaknesses: tuple[str, ...]
    key_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustedCertificate:
    """One certificate as it was stored; ``weak`` says that its weaknesses are put up with."""

    material: bytes
    weak: bool = False


class PackageVerification(Protocol):
    """The module ``judging`` is one."""

    def describe(self, data: bytes, now: datetime) -> Sequence[CertificateFacts]:
        """The certificates in ``data``, binary or armored.

        Raises:
            BadSignature: it holds none, holds private keys, is too large, or cannot be read.
        """
        ...

    def judge(
        self, trusted: Sequence[TrustedCertificate], signature: bytes, signed: Iterable[bytes], now: datetime
    ) -> Sequence[SignatureReport]:
        """A report for each signature in the block, binary or armored, over the bytes of ``signed``; never raises.

        ``signed`` is read once, and only if there is a signature by a key that is known.
        """
        ...

    def judge_message(
        self, trusted: Sequence[TrustedCertificate], message: bytes, now: datetime
    ) -> tuple[bytes, Sequence[SignatureReport]]:
        """The text of a clear-signed message and a report for each signature; no text where it is none."""
        ...
