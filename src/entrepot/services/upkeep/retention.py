"""Retention: versions that a suite keeps no longer leave it, in small units, as a job that survives any crash.

Nothing is deleted here: a package that left keeps its claim for ever and its bytes as long as a kept generation names
it; the collector frees them afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import structlog

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.catalog.retention import Run
from entrepot.adapters.queue.base import Queue
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.policy.retention import Reason, Rules, Stay, Verdict, groups, judge
from entrepot.errors import EntrepotError
from entrepot.services.upkeep.tally import Leaving, Tally

_log = structlog.get_logger(__name__)

GROUP = "retention"
BY_NUMBER, EVERYTHING = "version-gc", "retention"
_ACTIONS = {BY_NUMBER: "VERSION_GC", EVERYTHING: "RETENTION"}
_PACKAGES_A_UNIT, _MOST_A_UNIT = 200, 500


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run goes by; 0 keeps everything.

    ``given`` says that the number of versions came with the request, and counts in suites that have their own, too;
    ``by_age`` that versions go because of their age as well.
    """

    max_versions: int
    min_age_days: int
    package_days: int = 0
    audit_days: int = 0
    import_days: int = 0
    given: bool = False
    by_age: bool = False

    def to_json(self) -> dict[str, JsonValue]:
        """As a run keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @staticmethod
    def from_json(data: Mapping[str, JsonValue]) -> Limits:
        """As a run kept it."""
        return Limits(**{name: cast("Any", data[name]) for name in Limits.__slots__ if name in data})


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, does or would do; ``outcome`` is empty while it goes on."""

    limits: Limits
    tally: Tally
    at: datetime
    outcome: str = ""
    job: str = EVERYTHING


class Retention:
    """Previews, asks for runs, and brings them about."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
        forget_audit: Callable[[Actor, datetime], tuple[int, int]],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._formats = formats
        self._configuration = configuration
        self._now = now
        self._forget_audit = forget_audit

    def preview(self, actor: Actor, job: str, max_versions: int | None, min_age_days: int | None) -> Report:
        """What a run would do now; the given numbers instead of those of the settings."""
        demand(actor, Permission.RETENTION_RUN)
        limits, tally = self._limits(job, max_versions, min_age_days), Tally()
        found: dict[PackageId, list[tuple[Stay, Reason]]] = {}
        with self._catalog.read() as reading:
            suites = reading.suites()
        for suite in suites:
            with self._catalog.read() as reading:
                for _, verdicts in self._judged(reading.stays(suite.id), suite, limits):
                    gone = [one for verdict in verdicts for one in verdict.leaving]
                    for one in gone:
                        found.setdefault(one[0].package_id, []).append(one)
                    tally = tally.with_looked(len(verdicts), sum(len(verdict.spared) for verdict in verdicts))
                    tally = tally.with_leaving([Leaving.of(*one, suite.codename) for one in gone])
        return Report(limits, self._with_freed(tally, found), self._now(), job=job)

    def _with_freed(self, tally: Tally, found: Mapping[PackageId, list[tuple[Stay, Reason]]]) -> Tally:
        """With the bytes of what would be in no suite any more."""
        numbers = list(found)
        for start in range(0, len(numbers), _MOST_A_UNIT):
            with self._catalog.read() as reading:
                places = reading.places(numbers[start : start + _MOST_A_UNIT])
            for number, count in places.items():
                if count == len(found[number]):
                    tally = tally.with_freed(found[number][-1:])
        return tally

    def _limits(self, job: str, max_versions: int | None = None, min_age_days: int | None = None) -> Limits:
        found = self._configuration()
        number = found.versioning.max_versions_per_package if max_versions is None else max_versions
        least = found.versioning.min_version_age_days if min_age_days is None else min_age_days
        given = max_versions is not None
        if job == BY_NUMBER:
            return Limits(number, least, given=given)
        kept = found.retention
        days = (kept.package_days, kept.audit_days, kept.import_cleanup_days)
        return Limits(number, least, *days, given, by_age=True)

    def ask(self, actor: Actor, job: str, max_versions: int | None, min_age_days: int | None) -> int:
        """Have it run soon; the number of the run.

        Raises:
            AlreadyRunning: one is under way.
        """
        demand(actor, Permission.RETENTION_RUN)
        limits = self._limits(job, max_versions, min_age_days)
        with self._catalog.write() as unit:
            goal = self._add(unit, job, limits, actor)
        self._queue.submit(goal)
        return goal.subject

    def begin(self, unit: Writing) -> Goal:
        """Note in a unit that a run is due by the plan.  Raises ``AlreadyRunning``."""
        return self._add(unit, EVERYTHING, self._limits(EVERYTHING), SYSTEM)

    def _add(self, unit: Writing, job: str, limits: Limits, actor: Actor) -> Goal:
        number = unit.add_run(job, GROUP, limits.to_json(), actor.name, actor.address, self._now())
        return Goal(GoalKind.RETAIN, number)

    def report(self, actor: Actor, run_id: int) -> Report:
        """How far a run is."""
        demand(actor, Permission.RETENTION_RUN)
        with self._catalog.read() as reading:
            return _report(reading.job_run(run_id))

    def last(self, actor: Actor) -> Report | None:
        """The last one that ended."""
        demand(actor, Permission.RETENTION_RUN)
        with self._catalog.read() as reading:
            found = reading.last_run(GROUP)
        return None if found is None else _report(found)

    def running(self, actor: Actor) -> bool:
        """Whether one is under way."""
        demand(actor, Permission.RETENTION_RUN)
        with self._catalog.read() as reading:
            return bool(reading.open_runs(GROUP))

    def unmet(self) -> list[Goal]:
        """Runs that have not ended, found in the catalog."""
        with self._catalog.read() as reading:
            return [Goal(GoalKind.RETAIN, number) for number in reading.open_runs(GROUP)]

    def pursue(self, run_id: int) -> None:
        """Go on with a run until it ends; cut off anywhere, it is taken up where it was.

        Raises:
            CatalogUnavailable, CatalogConflict: try again later.
        """
        with self._catalog.read() as reading:
            run = reading.job_run(run_id)
            suites = reading.suites()
        if run.ended_at is not None:
            return
        try:
            self._carry_out(run, suites)
        except EntrepotError:
            raise
        except Exception:
            self._end(run, "failed")
            raise
        self._end(run, "done")

    def _carry_out(self, run: Run, suites: Sequence[Suite]) -> None:
        limits = Limits.from_json(run.parameters)
        checked = spared = 0
        for suite in suites:
            waiting: list[tuple[str, int]] = []
            with self._catalog.read() as reading:
                for name, verdicts in self._judged(reading.stays(suite.id), suite, limits):
                    checked += len(verdicts)
                    spared += sum(len(verdict.spared) for verdict in verdicts)
                    count = sum(len(verdict.leaving) for verdict in verdicts)
                    if count:
                        waiting.append((name, count))
            for names in _batches(waiting):
                while self._withdraw(run, suite, limits, names):
                    pass
            if waiting:
                self._queue.submit(Goal(GoalKind.PUBLISH, suite.id))
        gone, kept = self._shorten_audit(run, limits)
        with self._catalog.write() as unit:
            tally = Tally.from_json(unit.hold_run(run.id).progress)
            tally = replace(tally, audit_deleted=tally.audit_deleted + gone, audit_kept=kept)
            if run.job == EVERYTHING:
                forgotten = unit.forget_ended_sessions(self._now())
                tally = replace(tally, sessions_forgotten=tally.sessions_forgotten + forgotten)
            unit.note_run(run.id, replace(tally, checked=checked, spared=spared).to_json())

    def _shorten_audit(self, run: Run, limits: Limits) -> tuple[int, int]:
        """How many entries went, and how many stay."""
        if run.job != EVERYTHING or not limits.audit_days:
            return 0, 0
        return self._forget_audit(SYSTEM, self._now() - timedelta(days=limits.audit_days))

    def _judged(self, stays: Iterable[Stay], suite: Suite, limits: Limits) -> Iterable[tuple[str, list[Verdict]]]:
        rules, compare, now = _rules(suite, limits), self._formats[suite.format].compare, self._now()
        for name, by_architecture in groups(stays):
            yield name, [judge(stays, compare, rules, now) for stays in by_architecture]

    def _withdraw(self, run: Run, suite: Suite, limits: Limits, names: Sequence[str]) -> bool:
        """One unit: judge these names again under the lock of their suite, and take out what has to go.

        True when that was too much for a unit, and there is more.
        """
        now = self._now()
        actor = Actor(run.requested_by, frozenset(), run.address)
        with self._catalog.write() as unit:
            held = unit.hold_run(run.id)
            if held.ended_at is not None:
                return False
            revision = unit.touch_suite(suite.id)
            judged = self._judged(list(unit.stays(suite.id, names)), unit.suite(suite.id), limits)
            found = [one for _, verdicts in judged for verdict in verdicts for one in verdict.leaving]
            more, found = len(found) > _MOST_A_UNIT, found[:_MOST_A_UNIT]
            for stay, _ in found:
                unit.withdraw(suite.id, stay.package_id, revision)
            elsewhere = unit.places([stay.package_id for stay, _ in found])
            tally = Tally.from_json(held.progress)
            tally = tally.with_leaving([Leaving.of(*one, suite.codename) for one in found])
            tally = tally.with_freed([one for one in found if one[0].package_id not in elsewhere])
            unit.note_run(run.id, tally.to_json())
            for stay, reason in found:
                detail: dict[str, JsonValue] = {
                    "architecture": stay.architecture,
                    "reason": reason.value,
                    "imported": stay.imported,
                    "run": run.id,
                }
                action, version = _ACTIONS[run.job], stay.version
                unit.audit(AuditEntry(action, "SUCCESS", actor, now, stay.name, version, suite.codename, detail))
        return more

    def _end(self, run: Run, outcome: str) -> None:
        now = self._now()
        with self._catalog.write() as unit:
            held = unit.hold_run(run.id)
            if held.ended_at is not None:
                return
            tally = Tally.from_json(held.progress)
            detail: dict[str, JsonValue] = {
                "run": run.id,
                "checked": tally.checked,
                "deleted": tally.by_number + tally.by_age,
                "freed_bytes": tally.bytes_by_number + tally.bytes_by_age,
                **run.parameters,
            }
            actor = Actor(run.requested_by, frozenset(), run.address)
            result = "SUCCESS" if outcome == "done" else "FAILURE"
            unit.audit(AuditEntry(_ACTIONS[run.job], result, actor, now, detail=detail))
            unit.end_run(run.id, outcome, now)
        _log.info("retention.ended", run=run.id, outcome=outcome, deleted=tally.by_number + tally.by_age)


def _rules(suite: Suite, limits: Limits) -> Rules:
    """The limits of a run, unless the suite has its own."""
    number, days, import_days = limits.max_versions, limits.package_days, limits.import_days
    if suite.options.max_versions is not None and not limits.given:
        number = suite.options.max_versions
    if suite.options.package_days is not None:
        days = import_days = suite.options.package_days
    if not limits.by_age:
        days = import_days = 0
    ages = (timedelta(days=each) if each else None for each in (days, import_days))
    return Rules(number, timedelta(days=limits.min_age_days), *ages)


def _batches(waiting: Sequence[tuple[str, int]]) -> Iterable[list[str]]:
    """Names, so many together that a unit takes out about the same number of packages."""
    batch: list[str] = []
    count = 0
    for name, leaving in waiting:
        batch.append(name)
        count += leaving
        if count >= _PACKAGES_A_UNIT:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch


def _report(run: Run) -> Report:
    return Report(
        Limits.from_json(run.parameters),
        Tally.from_json(run.progress),
        run.requested_at,
        run.outcome,
        run.job,
    )
