"""Runs by source and by the settings: which sources have mirrors that run every day, when, and within which bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.jobs import Job, JobFilter
from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.jobs.work import Work
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand, permitted
from entrepot.domain.upstream.mirror import Mirror
from entrepot.domain.upstream.source import Source
from entrepot.errors import AlreadyRunning, InvalidRequest, RunTooLong, StoreFull
from entrepot.services.upstream.mirrors.runs import MIRROR_JOB, BegunRun, MirrorRuns, subject_of
from entrepot.services.upstream.sources import wanted_source

_MOST_RUNS = 500


@dataclass(frozen=True, slots=True)
class MirroredSource:
    """A source, whether its mirrors run by the plan, and which follow it, with the suite of each."""

    source: Source
    planned: bool
    mirrors: Sequence[tuple[Mirror, Suite]]
    last_run: Job | None = None


class MirrorPlans:
    """Begins runs; what a run is, its mirror says."""

    def __init__(self, catalog: Catalog, runs: MirrorRuns, configuration: Callable[[], Configuration]) -> None:
        self._catalog = catalog
        self._runs = runs
        self._configuration = configuration

    def sources(self, actor: Actor) -> list[MirroredSource]:
        """All, by name; runs are seen by those who may see sources."""
        demand(actor, Permission.UPSTREAM_READ)
        switched = self._configuration().mirror.sources
        kinds = (MIRROR_JOB,) if permitted(actor, Permission.SOURCE_READ) else ()
        with self._catalog.read() as reading:
            found = []
            jobs, _ = reading.jobs(JobFilter(kinds, actor.owner, MIRROR_JOB), 0, _MOST_RUNS)
            for source in reading.sources():
                mirrors = [(mirror, reading.suite(mirror.suite_id)) for mirror in reading.mirrors_of(source.id)]
                subjects = {subject_of(mirror) for mirror, _ in mirrors}
                last = next((job for job in jobs if job.subject in subjects), None)
                found.append(MirroredSource(source, switched.get(source.name, False), mirrors, last))
            return found

    def places(self) -> dict[str, tuple[str, str]]:
        """Source and distribution by the name of a mirror: what a run is about that somebody may see."""
        with self._catalog.read() as reading:
            return {
                mirror.name: (reading.source(mirror.source_id).name, reading.suite(mirror.suite_id).codename)
                for mirror in reading.mirrors()
            }

    def check(self, actor: Actor, names: Sequence[str]) -> None:
        """That there are sources of these names.

        Raises:
            InvalidRequest: there is none of one of them.
        """
        demand(actor, Permission.SOURCE_WRITE)
        with self._catalog.read() as reading:
            known = {each.name for each in reading.sources()}
        if unknown := sorted(set(names) - known):
            raise InvalidRequest(f"sources: there is no source {unknown[0][:64]!r}", field="sources")

    def start(self, actor: Actor, key: str) -> list[BegunRun]:
        """Run every mirror of a source now.

        Raises:
            NotFound: there is no such source.
            InvalidRequest: nothing mirrors it.
        """
        demand(actor, Permission.SOURCE_SYNC)
        with self._catalog.write() as unit:
            source = wanted_source(unit, key)
            mirrors = unit.mirrors_of(source.id)
            if not mirrors:
                raise InvalidRequest(f"nothing mirrors {source.name} yet; POST /mirrors makes a mirror of it")
            begun = [self._runs.ask(unit, actor, mirror, bounds=self._bounds()) for mirror in mirrors]
        for each in begun:
            self._runs.wake(each)
        return begun

    def job(self, begun: BegunRun) -> Job:
        """Of a run, for whoever began it."""
        with self._catalog.read() as reading:
            return reading.job(begun.job)

    def begin_planned(self, unit: Writing) -> Goal:
        """What the schedule begins: mirrors of sources that are switched on for it.

        Raises:
            AlreadyRunning: there are none, so that everything is done.
        """
        switched = self._configuration().mirror.sources
        wanted = {source.id for source in unit.sources() if switched.get(source.name, False)}
        found = [mirror for mirror in unit.mirrors() if mirror.source_id in wanted]
        if not found:
            raise AlreadyRunning("no mirror is switched on for the plan")
        begun = [self._runs.ask(unit, SYSTEM, mirror, bounds=self._bounds()) for mirror in found]
        # The keeper finds those that nobody wakes.
        return Goal(GoalKind.JOB, unit.job(begun[0].job).number)

    def _bounds(self) -> dict[str, JsonValue]:
        plan = self._configuration().mirror
        return {"minutes": plan.max_runtime_minutes, "least_free_bytes": plan.min_free_disk_gb << 30}


class Bounds:
    """How long a run may take, and how much room it leaves."""

    def __init__(self, free_bytes: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._free_bytes = free_bytes
        self._monotonic = monotonic

    def watch(self, work: Work) -> Callable[[], None]:
        """To be called often; without bounds it does nothing.  What came stays, and the next run goes on from there."""
        bounds = work.parameters.get("bounds")
        if not isinstance(bounds, dict):
            return lambda: None
        minutes, least = int(str(bounds["minutes"])), int(str(bounds["least_free_bytes"]))
        until = self._monotonic() + 60 * minutes

        def look() -> None:
            if self._monotonic() > until:
                raise RunTooLong(f"it ran for {minutes} minutes; the next run goes on (mirror.max_runtime_minutes)")
            if self._free_bytes() < least:
                raise StoreFull(f"less than {least >> 30} GB would be left on the disk (mirror.min_free_disk_gb)")

        return look
