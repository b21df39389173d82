"""How decisions stand, for somebody who audits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.decisions import DecisionFilter, HeldFilter, HeldPackage, StoredDecision
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import Configuration, DecisionRules
from entrepot.domain.model.finding import Severity
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.domain.policy.permissions import Permission, demand

_MOST = 200


@dataclass(frozen=True, slots=True)
class Report:
    """Counts, and the first of what needs a look."""

    at: datetime
    waiting: int
    blocked: int
    waiting_by_severity: Mapping[Severity | None, int]
    first_waiting: Sequence[HeldPackage]
    unassigned: int
    decisions: Mapping[tuple[DecisionAction, bool], int]
    exceptions: Sequence[StoredDecision]
    expiring: Sequence[StoredDecision]
    quarantined: Sequence[StoredDecision]
    latest: Sequence[StoredDecision]
    rules: DecisionRules


class Reports:
    """Read in one unit, so that the numbers fit together."""

    def __init__(
        self, catalog: Catalog, configuration: Callable[[], Configuration], now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._configuration = configuration
        self._now = now

    def report(self, actor: Actor) -> Report:
        """As of now; lists name at most 200."""
        demand(actor, Permission.REVIEW_READ)
        now, rules = self._now(), self._configuration().decisions
        soon = now + timedelta(days=rules.warning_days)
        with self._catalog.read() as reading:
            waiting, blocked = reading.held_counts()

            def in_force(*actions: DecisionAction) -> list[StoredDecision]:
                return reading.decision_page(DecisionFilter(in_force=True, actions=actions), 0, _MOST)[0]

            return Report(
                at=now,
                waiting=waiting,
                blocked=blocked,
                waiting_by_severity=reading.held_severities(),
                first_waiting=reading.held_page(HeldFilter(), 0, 10)[0],
                unassigned=reading.held_page(HeldFilter(unassigned=True), 0, 1)[1],
                decisions=reading.decision_counts(),
                exceptions=in_force(DecisionAction.EXCEPTION),
                expiring=reading.expiring_decisions(now, soon, _MOST, untold=False),
                quarantined=in_force(DecisionAction.QUARANTINE, DecisionAction.REJECT),
                latest=reading.decision_page(DecisionFilter(), 0, 20)[0],
                rules=rules,
            )
