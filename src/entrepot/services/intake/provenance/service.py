"""What proves where a package is from, shown and added to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.attestation.base import AttestationVerification
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.provenance import Evidence, EvidenceKind, TrustedKey
from entrepot.adapters.catalog.records import AuditEntry, JsonValue, StoredPackage
from entrepot.adapters.signing.trust import PackageVerification
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.errors import NotFound
from entrepot.services.intake.listing import Listings, Version
from entrepot.services.intake.provenance.attestations import Attested, judged
from entrepot.services.intake.provenance.beside import attested, keep, kept
from entrepot.services.intake.provenance.signatures import Seen, Signed, signatures_of


@dataclass(frozen=True, slots=True)
class Asked:
    """Which file of which version, and before which distribution it is judged."""

    name: str
    version: str
    architecture: str | None = None
    distribution: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Judged now, with the keys that ``suite`` trusts now."""

    package: StoredPackage
    suite: Suite
    signatures: Sequence[Seen]
    attestations: Sequence[tuple[Evidence, Attested]]


class Provenances:
    """For whoever may read packages, or send them."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        listings: Listings,
        signing: PackageVerification,
        attesting: AttestationVerification,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._listings = listings
        self._signing = signing
        self._attesting = attesting
        self._now = now

    def show(self, actor: Actor, asked: Asked) -> Provenance:
        """Signatures and attestations of one file.

        Raises:
            NotFound: there is no such package.
        """
        demand(actor, Permission.PACKAGE_READ)
        package, suite = self._find(actor, asked)
        keys, found = self._known(package, suite)
        file = Signed(
            package.key.format,
            lambda: self._blobs.open(package.digest),
            bool(package.facts.get("signed")),
            [data for _, data in kept(self._blobs, found, EvidenceKind.SIGNATURE)],
        )
        seen = signatures_of(file, keys, self._signing, self._now())
        return Provenance(package, suite, seen, self._judged(package, found, keys))

    def attestations(self, actor: Actor, asked: Asked) -> Provenance:
        """Attestations alone; the file itself is not read for them.

        Raises:
            NotFound: there is no such package.
        """
        demand(actor, Permission.PACKAGE_READ)
        package, suite = self._find(actor, asked)
        keys, found = self._known(package, suite)
        return Provenance(package, suite, (), self._judged(package, found, keys))

    def document(self, actor: Actor, asked: Asked, digest: str) -> Evidence:
        """One of the documents beside a file, for downloading.

        Raises:
            NotFound: there is no such package or document.
        """
        demand(actor, Permission.PACKAGE_READ)
        package, _ = self._find(actor, asked)
        with self._catalog.read() as reading:
            found = [one for one in reading.evidence_of(package.digest) if one.digest == digest.lower()]
        if not found or not self._blobs.has(found[0].digest):
            raise NotFound(f"{package.key} has no document {digest[:64]} beside it")
        return found[0]

    def attach(self, actor: Actor, asked: Asked, data: bytes) -> tuple[Provenance, bool]:
        """Keep an attestation beside a file, and whether it is new; with what it is worth.

        Raises:
            NotFound: there is no such package.
            UnfitEvidence: it is malformed or about another package, or there are too many.
        """
        demand(actor, Permission.PACKAGE_UPLOAD)
        package, suite = self._find(actor, asked)
        demand_suite(actor, suite)
        one = attested(package.digest, data)
        self._blobs.put(data)
        now = self._now()
        evidence = one.evidence(package.digest, actor.name, now)
        key = package.key
        detail: dict[str, JsonValue] = {"sha256": evidence.digest, "architecture": key.architecture, **evidence.facts}
        with self._catalog.write() as unit:
            new = keep(unit, package.digest, [evidence])
            result = "SUCCESS" if new else "DUPLICATE"
            unit.audit(AuditEntry("ATTEST", result, actor, now, key.name, key.version, suite.codename, detail))
        keys, _ = self._known(package, suite)
        return Provenance(package, suite, (), self._judged(package, [evidence], keys)), new

    def _find(self, actor: Actor, asked: Asked) -> tuple[StoredPackage, Suite]:
        found, _ = self._listings.version(actor, asked.name, asked.version, asked.architecture, asked.distribution)
        return found.package, _suite_of(found, asked.distribution)

    def _known(self, package: StoredPackage, suite: Suite) -> tuple[Sequence[TrustedKey], Sequence[Evidence]]:
        with self._catalog.read() as reading:
            return reading.trusted_keys(suite.id), reading.evidence_of(package.digest)

    def _judged(
        self, package: StoredPackage, found: Sequence[Evidence], keys: Sequence[TrustedKey]
    ) -> list[tuple[Evidence, Attested]]:
        documents = kept(self._blobs, found, EvidenceKind.ATTESTATION)
        return [(one, judged(data, Digest(package.digest), keys, self._attesting)) for one, data in documents]


def _suite_of(found: Version, codename: str | None) -> Suite:
    suites = [one.suite for one in found.placements]
    suites += [found.suites[one.suite_id] for one in found.admissions if one.suite_id in found.suites]
    fitting = [suite for suite in suites if codename in {None, suite.codename}]
    if not fitting:
        raise NotFound(f"{found.package.key} is in no distribution")
    return fitting[0]
