"""What was held for its age and need not wait any more: found in the catalog, again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.promotions import StoredPromotion
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.policy.security import GateRules

_EVERY = timedelta(seconds=20)
_MOST = 200


class Cooling:
    """Looks every twenty seconds; what it finds is a goal, so that nothing hangs on this process.

    When the rules become shorter or go, packages come earlier.
    """

    def __init__(self, catalog: Catalog, rules: Callable[[Suite], GateRules], now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._rules = rules
        self._now = now
        self._looked_at: datetime | None = None
        self._after = 0

    def unmet(self) -> list[Goal]:
        """Admissions and promotions to judge anew; some hundred at a time."""
        now = self._now()
        if self._looked_at is not None and timedelta() <= now - self._looked_at < _EVERY:
            return []
        with self._catalog.read() as reading:
            latest = {suite.id: self._rules(suite).cooldown.latest for suite in reading.suites()}
            waiting = [
                number
                for suite_id, until in latest.items()
                for number in reading.cooling_admissions(suite_id, until, _MOST)
            ]
            page = reading.cooling_promotions(self._after, _MOST)
            due = self._due(reading, page, latest)
        self._after = page[-1].id if len(page) == _MOST else 0
        self._looked_at = now
        return [Goal(GoalKind.RECONSIDER, one) for one in waiting] + [Goal(GoalKind.RESUME, one) for one in due]

    def _due(self, reading: Reading, page: Sequence[StoredPromotion], latest: dict[SuiteId, datetime]) -> list[int]:
        numbers = {number for one in page for number in one.packages}
        received = {one.id: one.received_at for one in reading.packages(numbers)} if numbers else {}
        return [
            one.id
            for one in page
            if all(number in received and received[number] <= latest[one.target_id] for number in one.packages)
        ]
