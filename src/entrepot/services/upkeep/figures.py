"""Numbers about the whole installation, for monitoring: read from the catalog, and remembered for some seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.figures import Totals
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand

_REMEMBER_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class SuiteFigures:
    """Of one suite; ``is_behind`` means that its generation in force does not show its revision."""

    suite: Suite
    packages: int
    bytes: int
    generations_kept: int
    newest_generation: int
    is_behind: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything, as it was at one moment; ``database_seconds`` is how long it took to ask."""

    totals: Totals
    suites: Sequence[SuiteFigures]
    unpublished: int
    late: int
    database_seconds: float


class Gauges:
    """Asks the catalog at most every fifteen seconds, however often somebody looks."""

    def __init__(self, catalog: Catalog, monotonic: Callable[[], float]) -> None:
        self._catalog = catalog
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: tuple[float, Figures] | None = None

    def figures(self, actor: Actor) -> Figures:
        """Some seconds old at most.

        Raises:
            CatalogUnavailable: there is nothing to say without the database.
        """
        demand(actor, Permission.METRICS_READ)
        with self._lock:
            if self._known is None or self._known[0] < self._monotonic() - _REMEMBER_SECONDS:
                self._known = (self._monotonic(), self._asked())
            return self._known[1]

    def _asked(self) -> Figures:
        began = self._monotonic()
        with self._catalog.read() as reading:
            totals, sizes = reading.totals(), reading.suite_sizes()
            suites, behind, late = reading.suites(), set(reading.unpublished_suites()), reading.late_suites()
        rows = []
        for suite in suites:
            packages, size, _ = sizes.get(suite.id, (0, 0, None))
            kept, newest = totals.generations.get(suite.id, (0, 0))
            rows.append(SuiteFigures(suite, packages, size, kept, newest, suite.id in behind))
        return Figures(totals, rows, len(behind), len(late), self._monotonic() - began)
