"""The part of the port about who packages are trusted from, and what came along to prove where they are from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import SuiteId


class TrustKind(StrEnum):
    """What a suite trusts."""

    OPENPGP = "openpgp"
    PUBLIC_KEY = "public-key"
    SIGSTORE = "sigstore"


class EvidenceKind(StrEnum):
    """What came along with a package."""

    SIGNATURE = "signature"
    ATTESTATION = "attestation"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One key of a suite.  ``fingerprint`` is upper-case hexadecimal, of the material's SHA-256 where it has no own."""

    suite_id: SuiteId
    kind: TrustKind
    fingerprint: str
    name: str
    material: bytes
    weak: bool
    expires_at: datetime | None
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """A document beside a package, whose bytes are a blob.  ``facts`` are what it says, believed by nobody."""

    package_digest: Digest
    kind: EvidenceKind
    digest: Digest
    size_bytes: int
    added_by: str
    added_at: datetime
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


class ProvenanceReading(Protocol):
    """What can be asked."""

    def trusted_keys(self, suite_id: SuiteId) -> list[TrustedKey]:
        """In the order in which they were added."""
        ...

    def build_rules(self, suite_id: SuiteId) -> Sequence[Mapping[str, JsonValue]]:
        """What a suite asks of how packages were built; none where it asks nothing."""
        ...

    def evidence_of(self, package_digest: Digest) -> list[Evidence]:
        """What came along with a package, oldest first."""
        ...


class ProvenanceWriting(ProvenanceReading, Protocol):
    """What can be changed."""

    def trust_key(self, key: TrustedKey) -> bool:
        """Add, or put in the place of the one with its fingerprint; whether it is new."""
        ...

    def distrust_key(self, suite_id: SuiteId, fingerprint: str) -> bool:
        """Take away; false when there is none."""
        ...

    def set_build_rules(self, suite_id: SuiteId, rules: Sequence[Mapping[str, JsonValue]]) -> None:
        """Set or replace; none asks nothing."""
        ...

    def add_evidence(self, evidence: Evidence) -> bool:
        """Keep; false when the same document is there."""
        ...
