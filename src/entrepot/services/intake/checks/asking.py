"""Ask checks one after another; one that fails is an answer, too."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.errors import EntrepotError
from entrepot.services.intake.checks.base import Check, Subject, Surroundings


def ask(subject: Subject, checks: Sequence[Check], around: Surroundings) -> list[CheckOutcome]:
    """What each of them says."""
    outcomes = []
    for check in checks:
        try:
            outcomes.append(check.inspect(subject, around))
        except EntrepotError as error:
            outcomes.append(CheckOutcome(check.name, CheckResult.ERROR, error.detail))
    return outcomes
