"""Was the package built by somebody from whom its suite takes packages?"""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.adapters.attestation.base import AttestationState, AttestationVerification
from entrepot.adapters.catalog.provenance import EvidenceKind
from entrepot.domain.model.package import Concern
from entrepot.domain.policy.builds import BuildRule, rules_of
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.services.intake.checks.base import Subject, Surroundings
from entrepot.services.intake.provenance.attestations import Attested, judged
from entrepot.services.intake.provenance.beside import kept

INVALID = "provenance.invalid"
MISSING = "provenance.missing"


class ProvenanceCheck:
    """Clean is a package with a verified attestation that meets the rules of its suite, and none that is invalid."""

    name = "provenance"
    slow = False
    anew = True  # whom a suite trusts changes, and keys come to their end

    def __init__(self, verification: AttestationVerification) -> None:
        self._verification = verification

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """Judge what came along, now or before."""
        with around.catalog.read() as reading:
            stored = reading.evidence_of(subject.digest)
            rules = rules_of(reading.build_rules(subject.suite.id))
            keys = reading.trusted_keys(subject.suite.id)
        documents = [data for _, data in kept(around.blobs, stored, EvidenceKind.ATTESTATION)]
        documents += [one.data for one in around.beside if one.kind is EvidenceKind.ATTESTATION]
        found = [judged(data, subject.digest, keys, self._verification) for data in dict.fromkeys(documents)]
        return self._outcome(found, rules)

    def _outcome(self, found: Sequence[Attested], rules: Sequence[BuildRule]) -> CheckOutcome:
        detail = "; ".join(f"attestation {one.report.detail}" for one in found)
        invalid = [one for one in found if one.report.state is AttestationState.INVALID]
        if invalid:
            concerns = tuple(Concern(INVALID, f"the attestation {one.report.detail}") for one in invalid)
            return CheckOutcome(self.name, CheckResult.FINDINGS, concerns[0].detail, detail, concerns)
        meeting = [one for one in found if one.meets(rules)]
        if meeting:
            return CheckOutcome(self.name, CheckResult.CLEAN, f"attestation {meeting[0].report.detail}", detail)
        if rules:
            wanted = " or ".join(rule.sentence() for rule in rules)
            message = f"no verified attestation is there by {wanted}"[:1000]
            return CheckOutcome(self.name, CheckResult.FINDINGS, message, detail, (Concern(MISSING, message),))
        message = found[0].report.detail if found else "no attestation came with it, and none is asked for"
        return CheckOutcome(self.name, CheckResult.SKIPPED, message, detail)
