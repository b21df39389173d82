"""Packages out of suites."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.decisions import HeldFilter
from entrepot.adapters.catalog.records import AdmissionState, AuditEntry, PackageFilter
from entrepot.adapters.queue.base import Queue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.errors import NotFound
from entrepot.services.intake.admit import repeat_lost_races
from entrepot.services.intake.standings import REMOVED
from entrepot.services.intake.targets import find_suite, find_suites

_MOST_BLOCKED = 500
Revisions = Mapping[SuiteId, int]


@dataclass(frozen=True, slots=True)
class Removal:
    """What left which suites."""

    keys: Sequence[PackageKey]
    suites: Sequence[Suite]
    revisions: Revisions


class Movements:
    """Remove.  Identity is exact: format, name, version, architecture."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._now = now

    def remove(
        self,
        actor: Actor,
        name: str,
        version: str | None = None,
        architecture: str | None = None,
        distribution: str | None = None,
        format_: Format | None = None,
    ) -> Removal:
        """Take a package, all its versions or exactly one, out of every suite or one of them.

        The bytes stay until nothing kept names them.

        Raises:
            NotFound: nothing fits.
        """
        demand(actor, Permission.PACKAGE_DELETE)
        removal = repeat_lost_races(
            lambda: self._withdraw(
                actor,
                PackageFilter(name=name, version=version or "", architecture=architecture or "", format=format_),
                distribution,
            )
        )
        self._publish(removal.revisions)
        return removal

    def _withdraw(self, actor: Actor, wanted: PackageFilter, distribution: str | None) -> Removal:
        now = self._now()
        revisions: dict[SuiteId, int] = {}
        with self._catalog.write() as unit:
            suites = None if distribution is None else {suite.id for suite in find_suites(unit, distribution)}
            if distribution is not None and not suites:
                find_suite(unit, distribution)
            found = [place for place in unit.placements(wanted) if suites is None or place.suite.id in suites]
            dropped = self._drop_requests(unit, actor, wanted, suites, now)
            if not found and not dropped:
                spec = " ".join(part for part in (wanted.name, wanted.version, wanted.architecture) if part)
                raise NotFound(f"there is no package {spec[:200]}" + (f" in {distribution}" if distribution else ""))
            for placement in sorted(found, key=lambda place: place.suite.id):  # one order, so that none waits in a ring
                demand_suite(actor, placement.suite)
                suite_id = placement.suite.id
                if suite_id not in revisions:
                    revisions[suite_id] = unit.touch_suite(suite_id)
                unit.withdraw(suite_id, placement.package.id, revisions[suite_id])
            for placement in found:
                key = placement.package.key
                detail = {"architecture": key.architecture, "sha256": placement.package.digest}
                entry = AuditEntry(
                    "DELETE", "SUCCESS", actor, now, key.name, key.version, placement.suite.codename, detail
                )
                unit.audit(entry)
        keys = sorted({*(placement.package.key for placement in found), *dropped})
        by_id = {placement.suite.id: placement.suite for placement in found}
        return Removal(keys, list(by_id.values()), revisions)

    def _drop_requests(
        self, unit: Writing, actor: Actor, wanted: PackageFilter, suites: set[SuiteId] | None, now: datetime
    ) -> list[PackageKey]:
        """Packages that only wait for a suite stop waiting."""
        dropped = []
        for state in (AdmissionState.HELD, AdmissionState.RECEIVED):
            for one in unit.admissions(wanted, state):
                if suites is not None and one.suite_id not in suites:
                    continue
                suite, gone = unit.suite(one.suite_id), AdmissionState.REFUSED
                demand_suite(actor, suite)
                unit.decide_admission(one.id, gone, one.steps, one.reasons, actor, now, REMOVED, None)
                key = unit.package(one.package_id).key
                detail = {"architecture": key.architecture, "was": state.value}
                entry = AuditEntry("DELETE", "SUCCESS", actor, now, key.name, key.version, suite.codename, detail)
                unit.audit(entry)
                dropped.append(key)
        dropped += self._drop_blocked(unit, actor, wanted, suites, now)
        return dropped

    def _drop_blocked(
        self, unit: Writing, actor: Actor, wanted: PackageFilter, suites: set[SuiteId] | None, now: datetime
    ) -> list[PackageKey]:
        """What policy refused can be let in by nobody any more."""
        dropped = []
        for one in unit.held_page(HeldFilter(wanted, blocked=True), 0, _MOST_BLOCKED)[0]:
            if suites is not None and one.suite.id not in suites:
                continue
            demand_suite(actor, one.suite)
            unit.settle_blocked(one.admission.id, AdmissionState.REFUSED, actor.name, now, REMOVED, None)
            key = one.package.key
            detail = {"architecture": key.architecture, "was": "blocked"}
            unit.audit(AuditEntry("DELETE", "SUCCESS", actor, now, key.name, key.version, one.suite.codename, detail))
            dropped.append(key)
        return dropped

    def _publish(self, revisions: Revisions) -> None:
        for suite_id in revisions:
            self._queue.submit(Goal(GoalKind.PUBLISH, suite_id))
