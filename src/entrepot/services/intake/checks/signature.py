"""Did somebody sign the package whom its suite trusts?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from entrepot.adapters.catalog.provenance import EvidenceKind, TrustedKey, TrustKind
from entrepot.adapters.signing.trust import PackageVerification, SignatureState
from entrepot.domain.model.package import Concern
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.services.intake.checks.base import Subject, Surroundings
from entrepot.services.intake.provenance.beside import kept
from entrepot.services.intake.provenance.signatures import FAULTY, Seen, Signed, signatures_of

INVALID = "signature.invalid"
"""The code of a concern about a signature that is none, or no longer one."""

UNKNOWN = "signature.unknown"
"""The code of a concern about a signature by nobody who is trusted, or one that can be forged."""


class SignatureCheck:
    """Clean is a package with a good signature and no faulty one.

    A signature of somebody who is not trusted is a finding where the suite trusts anybody; elsewhere there is nobody to
    compare it with, and the check is skipped, as it is for unsigned packages.  Whether that is enough, the rules of the
    suite say.
    """

    name = "signature"
    slow = False
    anew = True  # whom a suite trusts changes, and keys come to their end

    def __init__(self, verification: PackageVerification, now: Callable[[], datetime]) -> None:
        self._verification = verification
        self._now = now

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """Look at what it carries, and at what came along."""
        with around.catalog.read() as reading:
            keys = reading.trusted_keys(subject.suite.id)
            stored = reading.evidence_of(subject.digest)
        detached = [data for _, data in kept(around.blobs, stored, EvidenceKind.SIGNATURE)]
        detached += [one.data for one in around.beside if one.kind is EvidenceKind.SIGNATURE]
        if not subject.signed and not detached:
            return CheckOutcome(self.name, CheckResult.SKIPPED, "the package is not signed")
        file = Signed(
            subject.key.format, lambda: around.content(subject), subject.signed, tuple(dict.fromkeys(detached))
        )
        seen = signatures_of(file, keys, self._verification, self._now())
        return self._outcome(seen, keys)

    def _outcome(self, seen: Sequence[Seen], keys: Sequence[TrustedKey]) -> CheckOutcome:
        detail = "; ".join(one.sentence() for one in seen)
        judges = any(key.kind is TrustKind.OPENPGP for key in keys)
        # Package managers ignore what cannot be read there; whoever judges signatures does not.
        faults = FAULTY if judges else FAULTY - {SignatureState.UNREADABLE}
        faulty = [one for one in seen if one.report.state in faults]
        if faulty:
            concerns = tuple(Concern(INVALID, one.sentence()) for one in faulty)
            return CheckOutcome(self.name, CheckResult.FINDINGS, faulty[0].sentence(), detail, concerns)
        good = [one for one in seen if one.report.state is SignatureState.GOOD]
        if good:
            return CheckOutcome(self.name, CheckResult.CLEAN, f"signature {good[0].report.detail}", detail)
        message = seen[0].sentence() if seen else "there is no signature in what should hold one"
        if judges:
            return CheckOutcome(self.name, CheckResult.FINDINGS, message, detail, (Concern(UNKNOWN, message),))
        return CheckOutcome(self.name, CheckResult.SKIPPED, f"not verified; {message}", detail)
