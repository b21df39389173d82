"""Shapes of answers about who signed and who built packages."""

from __future__ import annotations

from typing_extensions import TypedDict


class TrustedKeyRow(TypedDict):
    """One key that a distribution trusts; ``kind`` is openpgp, public-key or sigstore."""

    kind: str
    fingerprint: str
    key_id: str
    name: str
    weak: bool
    expires: str | None
    added_by: str
    added_at: str


class TrustedKeyList(TypedDict):
    """``GET /security/keyrings/{codename}/keys``."""

    codename: str
    keys: list[TrustedKeyRow]


class KeyTrusted(TypedDict):
    """``POST /security/keyrings/{codename}/keys``; ``warnings`` say what is put up with."""

    status: str
    codename: str
    keys: list[TrustedKeyRow]
    warnings: list[str]


class KeyDistrusted(TypedDict):
    """``DELETE /security/keyrings/{codename}/keys/{fingerprint}``."""

    status: str
    codename: str
    fingerprint: str


class BuildRuleRow(TypedDict, total=False):
    """What one attestation has to say; an empty word asks nothing."""

    identity: str
    issuer: str
    key: str
    builder: str
    predicate_type: str


class BuildRules(TypedDict):
    """``GET /security/keyrings/{codename}/rules``."""

    codename: str
    rules: list[BuildRuleRow]


class SignatureRow(TypedDict):
    """One signature; only the state ``good`` is good."""

    where: str
    covers: str
    state: str
    detail: str
    key_id: str
    fingerprint: str
    uid: str
    made_at: str | None
    hash: str


class AttestationRow(TypedDict):
    """One attestation; ``state`` is verified, unverified or invalid."""

    sha256: str
    size_bytes: int
    shape: str
    predicate_type: str
    builder: str
    state: str
    detail: str
    key: str
    identity: str
    issuer: str
    added_by: str
    added_at: str


class ProvenanceBody(TypedDict):
    """``GET /artifacts/{name}/{version}/provenance``."""

    name: str
    version: str
    arch: str
    sha256: str
    distribution: str
    signatures: list[SignatureRow]
    attestations: list[AttestationRow]


class AttestationList(TypedDict):
    """``GET /artifacts/{name}/{version}/attestations``."""

    sha256: str
    distribution: str
    attestations: list[AttestationRow]
