"""Findings that were not there when a package was let in: whoever decided is asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.decisions import StoredDecision
from entrepot.adapters.catalog.records import JsonValue, Placement, StoredPackage
from entrepot.adapters.queue.base import Queue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.decisions import DecisionAction, Ending
from entrepot.domain.policy.gate import CheckOutcome, Judgement, Verdict, judge
from entrepot.domain.policy.security import GateRules
from entrepot.services.intake.admit import repeat_lost_races
from entrepot.services.intake.decisions import acts


class Reopening:
    """A decision covers what was known when it was made; what the policy stops beyond that wants another one."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        rules: Callable[[Suite], GateRules],
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._rules = rules
        self._configuration = configuration
        self._now = now

    def act(self, package: StoredPackage, suite: Suite, outcomes: Sequence[CheckOutcome]) -> bool:
        """Take a package back for review, if what the checks say now is more than somebody accepted.

        What the gate let in by itself stays, and is only told of, unless the settings say otherwise.  May be repeated.
        """
        rules, how = self._rules(suite), self._configuration().decisions.new_findings
        done = how != "notify" and repeat_lost_races(lambda: self._act(package, suite, outcomes, rules, how))
        if done:
            self._queue.submit(Goal(GoalKind.PUBLISH, suite.id))
        return done

    def _act(
        self, package: StoredPackage, suite: Suite, outcomes: Sequence[CheckOutcome], rules: GateRules, how: str
    ) -> bool:
        now = self._now()
        with self._catalog.write() as unit:
            found = unit.decisions_about([package.id], suite.id).get((package.id, suite.id))
            decision = found if found is not None and found.ended_at is None and found.action.publishes else None
            if decision is None and how != "withdraw":
                return False
            accepted = unit.accepted_findings(package.id, suite.id, now)
            judgement = _of_findings(judge(outcomes, rules, accepted, pending=rules.expected()))
            if judgement.verdict is Verdict.ACCEPT:
                return False
            place = next(iter(unit.placements_of(suite.id, [package.id])), None)
            if place is None or acts.take_out(unit, suite, package) is None:
                return False
            if decision is not None:
                unit.end_decision(decision.id, Ending.REOPENED, SYSTEM.name, now)
            before = decision or _by_the_gate(place, now)
            number = acts.back_to_queue(unit, before, suite, package, "; ".join(judgement.reasons)[:2000], now)
            if number is not None:
                unit.rate_held(number, acts.rating_of(outcomes))
            more: dict[str, JsonValue] = {"reasons": list(judgement.reasons), "reason": "new findings"}
            unit.audit(acts.audit_of("DECISION_REOPENED", "PENDING_REVIEW", SYSTEM, before, now, more))
        return True


def _of_findings(judgement: Judgement) -> Judgement:
    """Without what is not about vulnerabilities: that was judged when the package came in."""
    grounds = (one for one in judgement.grounds if one.finding or one.code == "cve.more")
    return Judgement(tuple(grounds))


def _by_the_gate(place: Placement, now: datetime) -> StoredDecision:
    """What nobody has decided about, in the form of what somebody has."""
    return StoredDecision(
        id=0,
        suite_id=place.suite.id,
        package_id=place.package.id,
        key=place.package.key,
        codename=place.suite.codename,
        digest=place.package.digest,
        component=place.component,
        action=DecisionAction.ACCEPT_RISK,
        justification="",
        decided_by=SYSTEM.name,
        decided_at=now,
        requested_by=place.added_by,
    )
