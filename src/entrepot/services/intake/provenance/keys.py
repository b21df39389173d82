"""Whom a suite trusts: certificates of those who sign packages, keys of those who attest how they were built."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.attestation.base import AttestationVerification
from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.provenance import TrustedKey, TrustKind
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.signing.trust import CertificateFacts, PackageVerification
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import BadSignature, NotFound, UnfitKey, UnknownDistribution, WeakKey
from entrepot.services.intake.targets import find_suite

MOST_KEYS = 64
MOST_KEY_BYTES = 1 << 20
_MOST_NAME = 500
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{40,64}\Z")


@dataclass(frozen=True, slots=True)
class Trusting:
    """Keys that were just added to a suite; ``warnings`` say what is put up with."""

    suite: Suite
    keys: Sequence[TrustedKey]
    warnings: Sequence[str]


class TrustedKeys:
    """Adds, lists and takes away."""

    def __init__(
        self,
        catalog: Catalog,
        signing: PackageVerification,
        attesting: AttestationVerification,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._signing = signing
        self._attesting = attesting
        self._now = now

    def all(self, actor: Actor, distribution: str) -> tuple[Suite, Sequence[TrustedKey]]:
        """In the order in which they were added.

        Raises:
            NotFound: there is no such distribution.
        """
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            suite = _suite(reading, distribution)
            return suite, reading.trusted_keys(suite.id)

    def add(self, actor: Actor, distribution: str, data: bytes, name: str, *, allow_weak: bool) -> Trusting:
        """Trust the OpenPGP certificates, the public key or the Sigstore root in ``data``, from now on.

        A key that is there already is replaced: so it gets a later end.

        Raises:
            NotFound: there is no such distribution.
            UnfitKey: it is no key, or there are too many.
            WeakKey: it is one that clients of today refuse, and ``allow_weak`` was not said.
        """
        demand(actor, Permission.KEY_WRITE)
        now = self._now()
        with self._catalog.read() as reading:
            suite = _suite(reading, distribution)
        keys, warnings = self._read(suite, data, name.strip()[:_MOST_NAME], now)
        if warnings and not allow_weak:
            raise WeakKey(f"{warnings[0]}; it is not trusted unless weak keys are allowed in the request")
        keys = [replace(key, added_by=actor.name) for key in keys]
        with self._catalog.write() as unit:
            for key in keys:
                unit.trust_key(key)
            if len(unit.trusted_keys(suite.id)) > MOST_KEYS:
                raise UnfitKey(f"a distribution trusts at most {MOST_KEYS} keys; take some away first")
            detail: dict[str, JsonValue] = {
                "kind": keys[0].kind.value,
                "fingerprints": [key.fingerprint for key in keys],
                "names": [key.name for key in keys],
                "weak": bool(warnings),
                "warnings": list(warnings)[:20],
            }
            unit.audit(AuditEntry("TRUST_KEY", "SUCCESS", actor, now, suite=suite.codename, detail=detail))
        return Trusting(suite, keys, warnings)

    def remove(self, actor: Actor, distribution: str, fingerprint: str) -> Suite:
        """Trust a key no longer; packages that are published already stay so.

        Raises:
            NotFound: there is no such distribution, or it has no such key.
        """
        demand(actor, Permission.KEY_WRITE)
        wanted = fingerprint.upper()
        with self._catalog.write() as unit:
            suite = _suite(unit, distribution)
            if not _FINGERPRINT.match(wanted) or not unit.distrust_key(suite.id, wanted):
                raise NotFound(f"distribution {suite.codename} trusts no key with the fingerprint {fingerprint[:64]}")
            detail: dict[str, JsonValue] = {"fingerprint": wanted}
            unit.audit(AuditEntry("DISTRUST_KEY", "SUCCESS", actor, self._now(), suite=suite.codename, detail=detail))
        return suite

    def rules(self, actor: Actor, distribution: str) -> tuple[Suite, Sequence[Mapping[str, JsonValue]]]:
        """Which attestations a suite asks for; one of them is enough.

        Raises:
            NotFound: there is no such distribution.
        """
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            suite = _suite(reading, distribution)
            return suite, reading.build_rules(suite.id)

    def set_rules(self, actor: Actor, distribution: str, rules: Sequence[Mapping[str, JsonValue]]) -> Suite:
        """Ask for other attestations, or for none; holds for what comes in from now on.

        Raises:
            NotFound: there is no such distribution.
        """
        demand(actor, Permission.KEY_WRITE)
        with self._catalog.write() as unit:
            suite = _suite(unit, distribution)
            unit.set_build_rules(suite.id, rules)
            detail: dict[str, JsonValue] = {"rules": [dict(one) for one in rules]}
            unit.audit(AuditEntry("BUILD_RULES", "SUCCESS", actor, self._now(), suite=suite.codename, detail=detail))
        return suite

    def _read(self, suite: Suite, data: bytes, name: str, now: datetime) -> tuple[list[TrustedKey], list[str]]:
        if not 0 < len(data) <= MOST_KEY_BYTES:
            raise UnfitKey(f"a key has 1 to {MOST_KEY_BYTES >> 10} KiB, not {len(data)} bytes")
        found = self._attesting.describe(data)
        if found is None:
            return self._certificates(suite, data, now)
        weaknesses = [f"{found.name}: {one}" for one in found.weaknesses]
        key = TrustedKey(
            suite_id=suite.id,
            kind=found.kind,
            fingerprint=found.fingerprint,
            name=name or found.name,
            material=found.material,
            weak=bool(weaknesses),
            expires_at=None,
            added_by="",
            added_at=now,
        )
        return [key], weaknesses

    def _certificates(self, suite: Suite, data: bytes, now: datetime) -> tuple[list[TrustedKey], list[str]]:
        try:
            found = self._signing.describe(data, now)
        except BadSignature as error:
            raise UnfitKey(
                f"this is neither an OpenPGP certificate, a public key nor a root: {error.detail}"
            ) from error
        keys, warnings = [], []
        for one in found:
            name = (one.uids[0] if one.uids else "")[:_MOST_NAME]
            warnings += [f"{name or one.fingerprint}: {weakness}" for weakness in one.weaknesses]
            keys.append(_trusted(suite, one, name, now))
        return keys, warnings


def _trusted(suite: Suite, found: CertificateFacts, name: str, now: datetime) -> TrustedKey:
    return TrustedKey(
        suite_id=suite.id,
        kind=TrustKind.OPENPGP,
        fingerprint=found.fingerprint,
        name=name,
        material=found.material,
        weak=bool(found.weaknesses),
        expires_at=found.expires_at,
        added_by="",
        added_at=now,
    )


def _suite(reading: Reading, distribution: str) -> Suite:
    try:
        return find_suite(reading, distribution)
    except UnknownDistribution as error:
        raise NotFound(error.detail) from error
