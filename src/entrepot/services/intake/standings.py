"""What the policy on promotions is told about packages: checks, requests and decisions so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.decisions import StoredDecision
from entrepot.adapters.catalog.records import Admission, AdmissionState, Placement, StoredPackage
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.gate import CheckOutcome, CheckResult, Verdict
from entrepot.domain.policy.promotion import PromotionVerdict, Standing, judge_promotion
from entrepot.domain.policy.security import GateRules
from entrepot.services.intake.checks.asking import ask
from entrepot.services.intake.checks.base import Check, Surroundings
from entrepot.services.intake.findings import recalled
from entrepot.services.intake.receipts import outcome_of, stored_subject

REMOVED = "removed"
"""The justification of a request that ended because its package was removed: nobody has judged it."""

_WAITING = (AdmissionState.RECEIVED, AdmissionState.HELD)


class Standings:
    """Asks the policy, in batches; quick checks are asked anew, slow ones are taken from the last time they ran."""

    def __init__(
        self, catalog: Catalog, blobs: BlobStore, checks: Sequence[Check], rules: Callable[[Suite], GateRules]
    ) -> None:
        self._catalog = catalog
        self._around = Surroundings(catalog, blobs)
        self._checks = checks
        self._rules = rules

    def verdict(self, placements: Sequence[Placement], target: Suite) -> PromotionVerdict:
        """On packages that go together."""
        return judge_promotion(list(self._of(_asked(placements), target).values()), self._rules(target))

    def verdicts(self, placements: Sequence[Placement], target: Suite) -> dict[PackageId, PromotionVerdict]:
        """On packages that go each for itself."""
        rules = self._rules(target)
        return {number: judge_promotion([one], rules) for number, one in self._of(_asked(placements), target).items()}

    def against(self, packages: Mapping[PackageId, str], target: Suite) -> dict[PackageId, str]:
        """What keeps each of some packages out of the target, for those that it does not simply let in.

        Args:
            packages: with the component that each would be in.
            target: whose rules are asked, and whose people.
        """
        rules = self._rules(target)
        with self._catalog.read() as reading:
            stored = reading.packages(packages)
        standings = self._of([(one, packages[one.id]) for one in stored], target)
        verdicts = {number: judge_promotion([one], rules) for number, one in standings.items()}
        return {
            number: "; ".join(reason.message for reason in found.reasons)
            for number, found in verdicts.items()
            if found.verdict is not Verdict.ACCEPT
        }

    def _of(self, asked: Sequence[tuple[StoredPackage, str]], target: Suite) -> dict[PackageId, Standing]:
        """Each package, in a component, before the target; opens a unit of its own."""
        requests: dict[PackageId, list[Admission]] = {}
        numbers = [package.id for package, _ in asked]
        with self._catalog.read() as reading:
            for admission in reading.admissions_of(numbers):
                requests.setdefault(admission.package_id, []).append(admission)
            decisions = reading.decisions_about(numbers, target.id)
        return {
            package.id: self._standing(
                package, component, target, requests.get(package.id, []), decisions.get((package.id, target.id))
            )
            for package, component in asked
        }

    def _standing(
        self,
        package: StoredPackage,
        component: str,
        target: Suite,
        requests: Sequence[Admission],
        decision: StoredDecision | None,
    ) -> Standing:
        before = [one for one in requests if one.suite_id == target.id]
        decided = decision is not None and decision.ended_at is None
        accepting = decided and decision is not None and decision.action.publishes
        subject = stored_subject(package, target, component)
        outcomes = ask(subject, [check for check in self._checks if not check.slow], self._around)
        outcomes += [self._last(check.name, requests) for check in self._checks if check.slow]
        return Standing(
            key=package.key,
            outcomes=outcomes,
            accepted=frozenset(decision.accepted) if decision and accepting else frozenset(),
            rejected_because=decision.justification if decided and not accepting and decision else None,
            waits=any(one.state in _WAITING for one in before),
        )

    def _last(self, check: str, requests: Sequence[Admission]) -> CheckOutcome:
        """What a slow check said; one that never ran on these bytes does not count as clean."""
        for request in reversed(requests):
            for step in request.steps:
                if step.get("name") == check:
                    outcome = outcome_of(step)
                    if not any(outcome.counts.values()):
                        return outcome
                    with self._catalog.read() as reading:
                        return recalled(reading, request.suite_id, request.package_id, outcome)
        return CheckOutcome(check, CheckResult.INCONCLUSIVE, "it never ran on this package")


def _asked(placements: Sequence[Placement]) -> list[tuple[StoredPackage, str]]:
    return [(one.package, one.component) for one in placements]
