"""The attestations beside a package, and what each of them is worth to a suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.adapters.attestation.base import AttestationReport, AttestationState, AttestationVerification
from entrepot.adapters.catalog.provenance import TrustedKey
from entrepot.domain.formats.attestation import Attestation, read_attestation
from entrepot.domain.model.digest import Digest
from entrepot.domain.policy.builds import BuildRule
from entrepot.errors import UnfitEvidence


@dataclass(frozen=True, slots=True)
class Attested:
    """One attestation, judged; none where the document cannot be read any more."""

    attestation: Attestation | None
    report: AttestationReport

    def said(self) -> BuildRule:
        """What it says, to be compared with what a suite asks for."""
        found = self.attestation
        return BuildRule(
            identity=self.report.identity,
            issuer=self.report.issuer,
            key=self.report.key,
            builder=found.builder if found else "",
            predicate_type=found.predicate_type if found else "",
        )

    def meets(self, rules: Sequence[BuildRule]) -> bool:
        """Whether it is verified and meets one of the rules, or there are none."""
        if self.report.state is not AttestationState.VERIFIED:
            return False
        return not rules or any(rule.takes(self.said()) for rule in rules)


def judged(data: bytes, package: Digest, keys: Sequence[TrustedKey], verification: AttestationVerification) -> Attested:
    """What a document is worth."""
    try:
        found = read_attestation(data)
    except UnfitEvidence as error:
        return Attested(None, AttestationReport(AttestationState.INVALID, error.detail))
    return Attested(found, verification.judge(found, package, keys))
