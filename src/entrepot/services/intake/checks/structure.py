"""Does the package do something that a person should see first?"""

from __future__ import annotations

from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.services.intake.checks.base import Subject, Surroundings


class StructureCheck:
    """Reports what the format reader noticed: set-uid files, device nodes, paths that climb out, take-overs."""

    name = "structure"
    slow = False
    anew = False

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """The reader has looked already; this turns its concerns into a finding."""
        if not subject.concerns:
            return CheckOutcome(self.name, CheckResult.CLEAN, "well-formed")
        message = f"{len(subject.concerns)} thing(s) a person should look at"
        return CheckOutcome(self.name, CheckResult.FINDINGS, message, concerns=subject.concerns)
