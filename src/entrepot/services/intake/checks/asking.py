"""Ask checks one after another; one that fails is an answer, too."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.errors import EntrepotError, ScannerUnavailable
from entrepot.services.intake.checks.base import Check, Selective, Subject, Surroundings
from entrepot.services.intake.steps import Step, StepStatus, ended


def ask(subject: Subject, checks: Sequence[Check], around: Surroundings) -> list[CheckOutcome]:
    """What each of them says; that it begins and how it ends is told to ``around.report``.

    Raises:
        ScannerUnavailable: one of them has to be asked again later.
    """
    outcomes = []
    for check in checks:
        if isinstance(check, Selective) and not check.wanted(subject.suite):
            continue
        around.report(Step(check.name, StepStatus.RUNNING))
        try:
            outcomes.append(check.inspect(subject, around))
        except ScannerUnavailable as error:
            around.report(Step(check.name, StepStatus.RUNNING, f"waits: {error.detail}"))
            raise
        except EntrepotError as error:
            outcomes.append(CheckOutcome(check.name, CheckResult.ERROR, error.detail))
        around.report(ended(outcomes[-1]))
    return outcomes
