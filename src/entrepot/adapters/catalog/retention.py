"""The part of the port about pins, runs of retention, and what is planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.records import JsonValue, PackageFilter
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.policy.retention import Stay


@dataclass(frozen=True, slots=True)
class Pin:
    """A package that retention never takes; ``reason`` is for people."""

    package_id: PackageId
    reason: str
    pinned_by: str
    pinned_at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job: what was asked, by whom, how far it is.  ``outcome`` is empty until it ends."""

    id: int
    job: str
    parameters: Mapping[str, JsonValue]
    requested_by: str
    address: str
    requested_at: datetime
    progress: Mapping[str, JsonValue]
    ended_at: datetime | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job's plan as it was last looked at; every time of it up to ``since`` is settled."""

    name: str
    plan: str
    since: datetime


class RetentionReading(Protocol):
    """What can be asked."""

    def stays(self, suite_id: SuiteId, names: Sequence[str] | None = None) -> Iterator[Stay]:
        """Live packages of a suite, or those of some names, in order of their names; streamed."""
        ...

    def pins(self, package_ids: Sequence[PackageId]) -> Mapping[PackageId, Pin]:
        """Those of some packages that are pinned."""
        ...

    def pinned_packages(self, conditions: PackageFilter) -> list[PackageId]:
        """Pinned packages that meet the conditions, live or not; ``text`` and ``suite`` are not looked at."""
        ...

    def places(self, package_ids: Sequence[PackageId]) -> Mapping[PackageId, int]:
        """In how many suites each is or waits to be; those in none are left out."""
        ...

    def job_run(self, run_id: int) -> Run:
        """Raises ``NotFound``."""
        ...

    def open_runs(self, group: str) -> list[int]:
        """Runs of a group of jobs that have not ended."""
        ...

    def last_run(self, group: str) -> Run | None:
        """The newest of a group that ended."""
        ...

    def schedules(self) -> Mapping[str, Schedule]:
        """By name."""
        ...

    def working_nodes(self, since: datetime) -> int:
        """How many were heard of since a time."""
        ...


class RetentionWriting(RetentionReading, Protocol):
    """What can be changed."""

    def pin(self, pin: Pin) -> bool:
        """False when the package is pinned already; then the first pin stays."""
        ...

    def unpin(self, package_id: PackageId) -> bool:
        """False when it was not pinned."""
        ...

    def add_run(
        self, job: str, group: str, parameters: Mapping[str, JsonValue], actor_name: str, address: str, now: datetime
    ) -> int:
        """Ask for a run; at most one of a group is open.

        Raises:
            AlreadyRunning: another one is.
        """
        ...

    def hold_run(self, run_id: int) -> Run:
        """Have others who change the run wait for this unit to end."""
        ...

    def note_run(self, run_id: int, progress: Mapping[str, JsonValue]) -> None:
        """How far it is."""
        ...

    def end_run(self, run_id: int, outcome: str, now: datetime) -> None:
        """It is over."""
        ...

    def forget_ended_sessions(self, now: datetime) -> int:
        """Those whose credentials have all expired; how many."""
        ...

    def plan(self, schedule: Schedule) -> None:
        """Set or replace."""
        ...

    def claim_slot(self, schedule: Schedule, until: datetime) -> bool:
        """Settle every time up to ``until``; true for the one caller who found the schedule as it says."""
        ...
