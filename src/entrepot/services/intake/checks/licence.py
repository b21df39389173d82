"""Which licence does the package say that it has?"""

from __future__ import annotations

from collections.abc import Callable

from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.domain.policy.security import GateRules
from entrepot.services.intake.checks.base import Subject, Surroundings


class LicenceCheck:
    """Reads it where it matters; the rules say what follows."""

    name = "licence"
    slow = False
    anew = True

    def __init__(self, rules: Callable[[Suite], GateRules]) -> None:
        self._rules = rules

    def wanted(self, suite: Suite) -> bool:
        """Where licences lead to something."""
        return self._rules(suite).licences.asks

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """Always clean; the message is what it says."""
        said = subject.licence.strip()
        message = said[:200] or "the package does not say"
        return CheckOutcome(self.name, CheckResult.CLEAN, message, licence=said)
