"""Packages between suites and out of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cmp_to_key

from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.records import AdmissionState, AuditEntry, JsonValue, PackageFilter, Placement
from entrepot.adapters.queue.base import Queue
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.errors import InvalidRequest, NotFound
from entrepot.services.intake.admit import Candidate, live_in, place, repeat_lost_races
from entrepot.services.intake.targets import find_suite, find_suites

Revisions = Mapping[SuiteId, int]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What was promoted; ``present`` were in the target already."""

    source: Suite
    target: Suite
    promoted: Sequence[PackageKey]
    present: Sequence[PackageKey]
    revisions: Revisions


@dataclass(frozen=True, slots=True)
class Removal:
    """What left which suites."""

    keys: Sequence[PackageKey]
    suites: Sequence[Suite]
    revisions: Revisions


class Movements:
    """Promote and remove.  Identity is exact: format, name, version, architecture."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._formats = formats
        self._now = now

    def promote(
        self, actor: Actor, source: str, target: str, name: str, version: str | None, architecture: str | None
    ) -> Promotion:
        """Put one version of a package into another suite of the same format; the newest when none is named.

        Raises:
            UnknownDistribution, InvalidRequest: the suites do not fit.
            NotFound: the source has no such package.
            SameKeyOtherBytes: the target's archive knows the version with other content.
        """
        demand(actor, Permission.PACKAGE_PROMOTE)
        with self._catalog.read() as reading:
            from_suite, to_suite = self._pair(reading, source, target)
            demand_suite(actor, to_suite)
            wanted = PackageFilter(
                name=name, version=version or "", architecture=architecture or "", suite=from_suite.codename
            )
            found = [place for place in reading.placements(wanted) if place.suite.id == from_suite.id]
        if not found:
            spec = " ".join(part for part in (name, version, architecture) if part)
            raise NotFound(f"{spec[:200]} is not in {from_suite.codename}")
        chosen = self._newest(found) if version is None else found
        promotion = repeat_lost_races(lambda: self._copy(actor, from_suite, to_suite, chosen))
        self._publish(promotion.revisions)
        return promotion

    def _pair(self, reading: Reading, source: str, target: str) -> tuple[Suite, Suite]:
        from_suite = find_suite(reading, source)
        fitting = [suite for suite in find_suites(reading, target) if suite.format is from_suite.format]
        to_suite = fitting[0] if fitting else find_suite(reading, target)
        if from_suite.id == to_suite.id:
            raise InvalidRequest("source and target are the same distribution")
        if from_suite.format is not to_suite.format:
            raise InvalidRequest(
                f"{from_suite.codename} holds .{from_suite.format.value} packages, "
                f"{to_suite.codename} .{to_suite.format.value} ones"
            )
        return from_suite, to_suite

    def _newest(self, found: Sequence[Placement]) -> list[Placement]:
        compare = self._formats[found[0].package.key.format].compare
        newest = max((place.package.key.version for place in found), key=cmp_to_key(compare))
        return [place for place in found if place.package.key.version == newest]

    def _copy(self, actor: Actor, source: Suite, target: Suite, chosen: Sequence[Placement]) -> Promotion:
        promoted: list[PackageKey] = []
        present: list[PackageKey] = []
        now, revision = self._now(), None
        with self._catalog.write() as unit:
            for placement in chosen:
                package = placement.package
                if live_in(unit, target, package.id, package.key):
                    present.append(package.key)
                    continue
                component = placement.component
                if component not in target.options.components:
                    component = target.options.components[0]
                format_ = self._formats[target.format]
                revision = place(unit, target, format_, Candidate.of(package), component, actor, now)
                promoted.append(package.key)
            name, version = chosen[0].package.key.name, chosen[0].package.key.version
            detail: dict[str, JsonValue] = {"from": source.codename, "to": target.codename, "count": len(promoted)}
            unit.audit(AuditEntry("PROMOTE", "SUCCESS", actor, now, name, version, target.codename, detail))
        return Promotion(source, target, promoted, present, {} if revision is None else {target.id: revision})

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
                unit.decide_admission(one.id, gone, one.steps, one.reasons, actor, now, "removed", None)
                key = unit.package(one.package_id).key
                detail = {"architecture": key.architecture, "was": state.value}
                entry = AuditEntry("DELETE", "SUCCESS", actor, now, key.name, key.version, suite.codename, detail)
                unit.audit(entry)
                dropped.append(key)
        return dropped

    def _publish(self, revisions: Revisions) -> None:
        for suite_id in revisions:
            self._queue.submit(Goal(GoalKind.PUBLISH, suite_id))
