"""May this package go into another suite?  Asked alike by promote, migrate and approve; fails closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.domain.model.package import PackageKey
from entrepot.domain.policy.gate import CheckOutcome, Verdict, judge


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about one package that is to go into a suite.

    ``rejected_because`` is what a person said who kept these very bytes out of the suite; ``waits`` that a request for
    the suite is open.
    """

    key: PackageKey
    outcomes: Sequence[CheckOutcome] = ()
    rejected_because: str | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a package is held or refused; ``code`` is for programs, ``message`` a sentence."""

    key: PackageKey
    verdict: Verdict
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PromotionVerdict:
    """The verdict on packages that move together, with every reason and every check that was asked."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    standings: tuple[Standing, ...] = ()


def judge_promotion(standings: Sequence[Standing]) -> PromotionVerdict:
    """Refuse what a person has rejected for the suite, hold what the gate would hold, accept the rest.

    Packages that move together share the hardest verdict of any of them.
    """
    reasons = tuple(reason for standing in standings for reason in _reasons(standing))
    verdicts = {reason.verdict for reason in reasons}
    hardest = next((one for one in (Verdict.REFUSE, Verdict.HOLD) if one in verdicts), Verdict.ACCEPT)
    return PromotionVerdict(hardest, reasons, tuple(standings))


def _reasons(standing: Standing) -> list[Reason]:
    key, found = standing.key, []
    if standing.rejected_because is not None:
        sentence = f"a person has rejected it for this distribution: {standing.rejected_because}"
        found.append(Reason(key, Verdict.REFUSE, "rejected_by_person", sentence))
    if standing.waits:
        found.append(Reason(key, Verdict.HOLD, "waits_for_review", "it waits for review before this distribution"))
    judgement = judge(standing.outcomes)
    if judgement.verdict is not Verdict.ACCEPT:
        found += [Reason(key, judgement.verdict, "check", sentence) for sentence in judgement.reasons]
    return found
