"""The snapshot that every page of the dashboard is cut from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from entrepot.adapters.catalog.auditing import ChainedEntry
from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.overview import Decisions, Done, Ranking, Stock, Waiting
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand, permitted

IMPORTS = ("UPLOAD", "IMPORT", "VALIDATE")
DECISIONS = ("SECURITY_DECISION", "SECURITY_DECISION_UPDATE", "CLIENT_DECISION")
SCANS = ("RESCAN", "CVE_REMATCH")
_WATCHED = (*IMPORTS, *DECISIONS, *SCANS)
_FAILED = frozenset({"FAILURE", "ERROR", "BLOCKED", "CONFLICT"})
_ALERTS = 10
_RECENT_IMPORTS = 8
_RECENT = 20
_WEEK = 7
_MOST_LISTED = 100
_REMEMBER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day (UTC)."""

    day: date
    imports: int = 0
    failures: int = 0
    decisions: int = 0
    scans: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment; ``week`` ends today."""

    at: datetime
    stock: Stock
    suites: Sequence[tuple[Suite, int]]
    week: Sequence[Day]
    decisions: Decisions
    waiting: Sequence[Waiting]
    recent_imports: Sequence[ChainedEntry]
    recent: Sequence[ChainedEntry]

    @property
    def today(self) -> Day:
        """The last day of the week."""
        return self.week[-1]


class Dashboard:
    """Sums over packages are made again only when some suite has another revision; ended days are remembered."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now
        self._lock = threading.Lock()
        self._stock: tuple[object, Stock] | None = None
        self._ranking: tuple[object, Ranking] | None = None
        self._ended: tuple[date, date, datetime, Mapping[date, Day]] | None = None

    def snapshot(self, actor: Actor) -> Snapshot:
        """What anybody sees; entries that are not about packages are for those who may read the audit log."""
        demand(actor, Permission.DASHBOARD_READ)
        now = self._now()
        today = now.astimezone(UTC).date()
        with self._lock, self._catalog.read() as reading:  # whoever comes meanwhile finds the sums made
            suites = reading.suites()
            counts = reading.live_counts()
            return Snapshot(
                at=now,
                stock=self._sums(reading, suites),
                suites=[(suite, counts.get(suite.id, 0)) for suite in suites],
                week=self._days(reading, today - timedelta(days=_WEEK - 1), today),
                decisions=reading.decisions(),
                waiting=reading.waiting(_ALERTS),
                recent_imports=reading.last_done(IMPORTS[:2], _RECENT_IMPORTS),
                recent=reading.last_recorded(_RECENT, about_packages=not permitted(actor, Permission.AUDIT_READ)),
            )

    def history(self, actor: Actor, days: int) -> list[Day]:
        """Oldest first, today last; days without anything are there as well."""
        demand(actor, Permission.DASHBOARD_READ)
        today = self._now().astimezone(UTC).date()
        with self._lock, self._catalog.read() as reading:
            return self._days(reading, today - timedelta(days=days - 1), today)

    def ranking(self, actor: Actor, limit: int) -> Ranking:
        """At most a hundred of each."""
        demand(actor, Permission.DASHBOARD_READ)
        with self._lock, self._catalog.read() as reading:
            revisions = _revisions(reading.suites())
            if self._ranking is None or self._ranking[0] != revisions:
                self._ranking = (revisions, reading.ranking(_MOST_LISTED))
        found = self._ranking[1]
        return Ranking(found.names[:limit], found.heaviest[:limit], found.newest[:limit])

    def _sums(self, reading: Reading, suites: Sequence[Suite]) -> Stock:
        revisions = _revisions(suites)
        if self._stock is None or self._stock[0] != revisions:
            self._stock = (revisions, reading.stock())
        return self._stock[1]

    def _days(self, reading: Reading, first: date, today: date) -> list[Day]:
        """The audit log grows at its end: only yesterday and today are looked at each time."""
        now, yesterday = self._now(), today - timedelta(days=1)
        known = self._ended
        if known is None or known[0] > first or known[1] != yesterday or now - known[2] > _REMEMBER:
            ended = _by_day(reading.done(_WATCHED, first, yesterday - timedelta(days=1)))
            known = self._ended = (first, yesterday, now, ended)
        found = {**known[3], **_by_day(reading.done(_WATCHED, yesterday, today))}
        count = (today - first).days + 1
        return [found.get(day, Day(day)) for day in (first + timedelta(days=number) for number in range(count))]


def _revisions(suites: Sequence[Suite]) -> object:
    """Differs after any change of what some suite contains."""
    return tuple((suite.id, suite.revision) for suite in suites)


def _by_day(done: Sequence[Done]) -> dict[date, Day]:
    sums: dict[date, list[int]] = {}
    for one in done:
        row = sums.setdefault(one.day, [0, 0, 0, 0])
        if one.action in IMPORTS:
            row[0] += one.count if one.result == "SUCCESS" else 0
            row[1] += one.count if one.result in _FAILED else 0
        else:
            row[2 if one.action in DECISIONS else 3] += one.count
    return {day: Day(day, *row) for day, row in sums.items()}
