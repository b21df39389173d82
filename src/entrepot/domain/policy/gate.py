"""May this package be published?  Asked in one place for upload, promotion and approval; fails closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from entrepot.domain.model.finding import Coverage, Finding
from entrepot.domain.model.package import Concern


class Verdict(StrEnum):
    """What becomes of the package."""

    ACCEPT = "accept"
    HOLD = "hold"
    REFUSE = "refuse"


class CheckResult(StrEnum):
    """How a check ended.  Only ``CLEAN`` is clean; ``SKIPPED`` means that there was nobody to ask."""

    CLEAN = "clean"
    FINDINGS = "findings"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What one check says.  ``detail`` is for people, ``concerns`` are what it found.

    ``findings`` are known vulnerabilities, ``coverage`` says how much was looked at, where the check knows that.

    ``waived`` says that an administrator wants packages to pass although this check did not finish; it does not make
    the result a better one.
    """

    name: str
    result: CheckResult
    message: str
    detail: str = ""
    concerns: tuple[Concern, ...] = ()
    waived: bool = False
    findings: tuple[Finding, ...] = ()
    coverage: Coverage | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and the reasons for it, one sentence each."""

    verdict: Verdict
    reasons: tuple[str, ...] = field(default=())


MALWARE = "antivirus.infected"
"""The code of a concern that no person is asked about."""


def judge(outcomes: Sequence[CheckOutcome]) -> Judgement:
    """Refuse malware, hold whatever else a check found or could not finish; accept the rest.

    A check that was skipped for want of a scanner neither helps nor hurts here; it is shown as skipped.
    """
    reasons: list[str] = []
    verdict = Verdict.ACCEPT
    for outcome in outcomes:
        match outcome.result:
            case CheckResult.FINDINGS:
                infected = any(concern.code == MALWARE for concern in outcome.concerns)
                verdict = Verdict.REFUSE if infected or verdict is Verdict.REFUSE else Verdict.HOLD
                reasons.extend(concern.detail for concern in outcome.concerns)
            case CheckResult.INCONCLUSIVE | CheckResult.ERROR:
                if not outcome.waived and verdict is Verdict.ACCEPT:
                    verdict = Verdict.HOLD
                reasons.append(f"{outcome.name}: {outcome.message}")
            case CheckResult.CLEAN | CheckResult.SKIPPED:
                pass
    return Judgement(verdict, tuple(reasons))
