"""The port: what an attestation is worth to a suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from entrepot.adapters.catalog.provenance import TrustedKey, TrustKind
from entrepot.domain.formats.attestation import Attestation


class AttestationState(StrEnum):
    """Only ``VERIFIED`` is verified; ``INVALID`` is contradicted by what it carries or by a key that is trusted."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class AttestationReport:
    """Who made it.  ``identity`` and ``issuer`` are those of a Sigstore certificate, ``key`` a fingerprint."""

    state: AttestationState
    detail: str
    key: str = ""
    identity: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """A public key or a root, as it is stored."""

    kind: TrustKind
    fingerprint: str
    name: str
    material: bytes
    weaknesses: tuple[str, ...] = ()


class AttestationVerification(Protocol):
    """The module ``judging`` is one."""

    def describe(self, data: bytes) -> KeyMaterial | None:
        """A public key in PEM, or a Sigstore root in JSON; none when it is neither.

        Raises:
            UnfitKey: it is one of them, but malformed, private, or of an algorithm that is not known.
        """
        ...

    def judge(self, attestation: Attestation, package: str, keys: Sequence[TrustedKey]) -> AttestationReport:
        """Who signed it; never raises.  That it is about ``package``, a SHA-256, is part of it."""
        ...
