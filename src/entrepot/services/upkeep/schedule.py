"""The scheduler: what the settings plan for every day is begun once, by one node.

Nothing is remembered between two looks: each compares the settings of now with what the catalog says is settled.  So a
changed setting counts at once, a time that passed while nothing ran is made up for once, and of many nodes one begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.retention import Schedule
from entrepot.domain.jobs.goals import Goal
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.schedule import Planned, next_run, plan_text
from entrepot.errors import AlreadyRunning
from entrepot.services.upkeep.keeper import DEAD_AFTER_SECONDS

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something that the settings plan.

    ``begin`` notes in the given unit that it has to be done, so that it is found again after any crash, and returns the
    goal; it may raise ``AlreadyRunning`` before it wrote anything.
    """

    section: Callable[[Configuration], Planned]
    begin: Callable[[Writing], Goal]


@dataclass(frozen=True, slots=True)
class NextRun:
    """When a job runs next; ``status`` in the words of contract 4.12."""

    status: str
    at: datetime | None = None


class Scheduler:
    """Plans jobs by name."""

    def __init__(
        self,
        catalog: Catalog,
        configuration: Callable[[], Configuration],
        jobs: Mapping[str, Job],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._configuration = configuration
        self._jobs = jobs
        self._now = now

    def due(self) -> list[Goal]:
        """Begin what has come due; the keeper of every working node asks at each beat."""
        found = self._configuration()
        with self._catalog.read() as reading:
            known = reading.schedules()
        goals = []
        for name, job in self._jobs.items():
            goal = self._look(name, job, job.section(found), known.get(name))
            if goal is not None:
                goals.append(goal)
        return goals

    def _look(self, name: str, job: Job, planned: Planned, known: Schedule | None) -> Goal | None:
        now, text = self._now(), plan_text(planned)
        if known is None or known.plan != text:
            # Times before a plan was made are nothing that was missed.
            with self._catalog.write() as unit:
                unit.plan(Schedule(name, text, now))
            return None
        if not planned.enabled or next_run(planned, known.since) > now:
            return None
        return self._begin(name, job, known, now)

    def _begin(self, name: str, job: Job, known: Schedule, now: datetime) -> Goal | None:
        try:
            with self._catalog.write() as unit:
                if not unit.claim_slot(known, now):
                    return None
                goal = job.begin(unit)
        except AlreadyRunning:
            # Somebody started it by hand: that run does what this one would.
            with self._catalog.write() as unit:
                unit.plan(replace(known, since=now))
            return None
        _log.info("job.begun", job=name, goal=goal.key)
        return goal

    def next(self, name: str) -> NextRun:
        """When a job runs next; the truth, also when there is no such job or nobody who would run it."""
        job = self._jobs.get(name)
        if job is None:
            return NextRun("job_not_found")
        planned, now = job.section(self._configuration()), self._now()
        if not planned.enabled:
            return NextRun("paused")
        with self._catalog.read() as reading:
            working = reading.working_nodes(now - timedelta(seconds=DEAD_AFTER_SECONDS))
        if working == 0:
            return NextRun("scheduler_not_started")
        return NextRun("scheduled", next_run(planned, now))
