"""Packages that nobody may have, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.decisions import HeldFilter, Quarantine, StoredDecision
from entrepot.adapters.catalog.records import (
    Admission,
    AdmissionState,
    AuditEntry,
    JsonValue,
    PackageFilter,
    Placement,
    StoredPackage,
)
from entrepot.adapters.queue.base import Queue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.suite import PackageId, Suite, SuiteId
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import CatalogConflict, NotFound
from entrepot.services.intake.admit import repeat_lost_races
from entrepot.services.intake.decisions import acts

_MOST = 500
_OPEN = (AdmissionState.RECEIVED, AdmissionState.HELD)


@dataclass(slots=True)
class Taken:
    """What was taken out of reach, and the revisions that no longer show it."""

    packages: Sequence[StoredPackage]
    suites: dict[SuiteId, Suite] = field(default_factory=dict)
    revisions: dict[SuiteId, int] = field(default_factory=dict)
    changed: int = 0
    at: datetime | None = None


@dataclass(slots=True)
class _Stay:
    """Where a package is, or asks to be."""

    suite: Suite
    component: str
    requested_by: str


class Quarantines:
    """Bytes in quarantine are in no suite, at no address, and come into none until somebody decides to release them."""

    def __init__(self, catalog: Catalog, queue: Queue, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._queue = queue
        self._now = now

    def quarantine(self, actor: Actor, name: str, version: str, architecture: str | None, reason: str) -> Taken:
        """Every file of a version, or that of one architecture.  Once more changes nothing.

        Raises:
            InvalidRequest: the reason is too long.
            NotFound: no such package ever came in.
        """
        demand(actor, Permission.REVIEW_DECIDE)
        text = acts.justified(reason or "taken out of reach by hand")
        wanted = acts.keyed(name, version, architecture)
        taken = repeat_lost_races(lambda: self._take(actor, wanted, text))
        for suite_id in taken.revisions:
            self._queue.submit(Goal(GoalKind.PUBLISH, suite_id))
        return taken

    def _take(self, actor: Actor, wanted: PackageFilter, reason: str) -> Taken:
        now = self._now()
        with self._catalog.write() as unit:
            chosen = _chosen(unit, wanted)
            taken = Taken(list(chosen.values()), at=now)
            # Suites first and in one order, as everybody does who places packages; then the packages themselves.
            suites = sorted({one.suite.id for one in _placements(unit, wanted, chosen)})
            touched = {suite_id: unit.touch_suite(suite_id) for suite_id in suites}
            for number in sorted(chosen):
                unit.seize(number)
            placements = _placements(unit, wanted, chosen)
            if not {one.suite.id for one in placements} <= set(touched):
                raise CatalogConflict("the package came into another distribution at this moment; try again")
            for number, package in sorted(chosen.items()):
                here = [one for one in placements if one.package.id == number]
                for one in here:
                    unit.withdraw(one.suite.id, number, touched[one.suite.id])
                    taken.suites[one.suite.id] = one.suite
                    taken.revisions[one.suite.id] = touched[one.suite.id]
                self._set_apart(unit, actor, taken, package, here, reason, now)
        return taken

    def _set_apart(
        self,
        unit: Writing,
        actor: Actor,
        taken: Taken,
        package: StoredPackage,
        here: Sequence[Placement],
        reason: str,
        now: datetime,
    ) -> None:
        stays = {one.suite.id: _Stay(one.suite, one.component, one.added_by) for one in here}
        requests = unit.admissions_of([package.id])
        for request in requests:
            if request.state in _OPEN:
                unit.decide_admission(
                    request.id, AdmissionState.REFUSED, request.steps, request.reasons, actor, now, reason, None
                )
                stays.setdefault(request.suite_id, _asked(unit, request))
        for blocked in unit.held_page(HeldFilter(PackageFilter(name=package.key.name), blocked=True), 0, _MOST)[0]:
            if blocked.package.id == package.id:
                unit.settle_blocked(
                    blocked.admission.id, AdmissionState.REFUSED, actor.name, now, reason, blocked.admission.revision
                )
                stays.setdefault(blocked.suite.id, _asked(unit, blocked.admission))
        if not unit.quarantine(Quarantine(package.id, reason, actor.name, now)):
            return
        if not stays and requests:
            stays[requests[-1].suite_id] = _asked(unit, requests[-1])
        taken.changed += 1
        for stay in stays.values():
            acts.supersede(unit, _decision(package, stay, actor, reason, now), actor, now)
        codenames = sorted(stay.suite.codename for stay in stays.values())
        detail: dict[str, JsonValue] = {
            "architecture": package.key.architecture,
            "sha256": package.digest,
            "reason": reason,
            "distributions": codenames,
        }
        key = package.key
        home = codenames[0] if len(codenames) == 1 else None
        unit.audit(AuditEntry("QUARANTINE", "SUCCESS", actor, now, key.name, key.version, home, detail))


def _chosen(unit: Writing, wanted: PackageFilter) -> Mapping[PackageId, StoredPackage]:
    """Those that are somewhere, or ask to be; all of that key where none is."""
    known = {one.id: one for one in unit.packages_keyed(wanted)}
    if not known:
        raise NotFound(f"there is no package {wanted.name[:200]} {wanted.version[:100]}")
    somewhere = {one.package.id for one in unit.placements(wanted)}
    somewhere |= {one.package_id for state in _OPEN for one in unit.admissions(wanted, state)}
    somewhere |= {one.package.id for one in unit.held_page(HeldFilter(wanted), 0, _MOST)[0]}
    return {number: one for number, one in known.items() if number in somewhere} or known


def _placements(unit: Writing, wanted: PackageFilter, chosen: Mapping[PackageId, StoredPackage]) -> list[Placement]:
    return [one for one in unit.placements(wanted) if one.package.id in chosen]


def _asked(unit: Writing, request: Admission) -> _Stay:
    return _Stay(unit.suite(request.suite_id), request.component, request.requested_by)


def _decision(package: StoredPackage, stay: _Stay, actor: Actor, reason: str, now: datetime) -> StoredDecision:
    return StoredDecision(
        id=0,
        suite_id=stay.suite.id,
        package_id=package.id,
        key=package.key,
        codename=stay.suite.codename,
        digest=package.digest,
        component=stay.component,
        action=DecisionAction.QUARANTINE,
        justification=reason,
        decided_by=actor.name,
        decided_at=now,
        requested_by=stay.requested_by,
    )
