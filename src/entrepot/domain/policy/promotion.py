"""May this package go into another suite?  Asked alike by promote, migrate and approve; fails closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.domain.model.package import PackageKey
from entrepot.domain.policy.gate import CheckOutcome, Verdict, judge, verdict_of
from entrepot.domain.policy.security import GateRules


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about one package that is to go into a suite.

    ``rejected_because`` is what a person said who kept these very bytes out of the suite; ``waits`` that a request for
    the suite is open.  ``accepted`` are the findings that a person has accepted for it there.
    """

    key: PackageKey
    outcomes: Sequence[CheckOutcome] = ()
    accepted: frozenset[str] = frozenset()
    rejected_because: str | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a package is held or refused; ``code`` is for programs, ``message`` a sentence.

    ``check`` is who saw it, where it was one of the checks.
    """

    key: PackageKey
    verdict: Verdict
    code: str
    message: str
    check: str = ""


@dataclass(frozen=True, slots=True)
class PromotionVerdict:
    """The verdict on packages that move together, with every reason and every check that was asked."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[str, ...] = ()
    standings: tuple[Standing, ...] = ()

    @property
    def codes(self) -> frozenset[str]:
        """Of all reasons."""
        return frozenset(reason.code for reason in self.reasons)

    def summary(self) -> dict[str, str | list[str]]:
        """What is kept of it."""
        reasons = [reason.message for reason in self.reasons]
        return {"verdict": self.verdict.value, "reasons": reasons, "codes": sorted(self.codes)}


def judge_promotion(standings: Sequence[Standing], rules: GateRules) -> PromotionVerdict:
    """Refuse what a person has rejected for the suite or the gate refuses, hold what it holds, accept the rest.

    ``rules`` are those of the target.  Packages that move together share the hardest verdict of any of them.
    """
    judged = [_reasons(standing, rules) for standing in standings]
    reasons = tuple(reason for found, _ in judged for reason in found)
    verdicts = {reason.verdict for reason in reasons}
    hardest = next((one for one in (Verdict.REFUSE, Verdict.HOLD) if one in verdicts), Verdict.ACCEPT)
    warnings = tuple(warning for _, found in judged for warning in found)
    return PromotionVerdict(hardest, reasons, warnings, tuple(standings))


def _reasons(standing: Standing, rules: GateRules) -> tuple[list[Reason], tuple[str, ...]]:
    key, found = standing.key, []
    if standing.rejected_because is not None:
        sentence = f"a person has rejected it for this distribution: {standing.rejected_because}"
        found.append(Reason(key, Verdict.REFUSE, "rejected_by_person", sentence))
    if standing.waits:
        found.append(Reason(key, Verdict.HOLD, "waits_for_review", "it waits for review before this distribution"))
    judgement = judge(standing.outcomes, rules, standing.accepted)
    found += [Reason(key, verdict_of(one.action), one.code, one.message, one.check) for one in judgement.stopping]
    return found, judgement.warnings
