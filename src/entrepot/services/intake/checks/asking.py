"""Ask checks one after another; one that fails is an answer, too."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.errors import EntrepotError, ScannerUnavailable
from entrepot.services.intake.checks.base import Check, Subject, Surroundings


def ask(subject: Subject, checks: Sequence[Check], around: Surroundings) -> list[CheckOutcome]:
    """What each of them says.

    Raises:
        ScannerUnavailable: one of them has to be asked again later.
    """
    outcomes = []
    for check in checks:
        try:
            outcomes.append(check.inspect(subject, around))
        except ScannerUnavailable:
            raise
        except EntrepotError as error:
            outcomes.append(CheckOutcome(check.name, CheckResult.ERROR, error.detail))
    return outcomes
