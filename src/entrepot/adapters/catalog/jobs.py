"""The part of the port about work that people watch: jobs, their leases, and what they tell."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.jobs.work import JobId, JobStatus
from entrepot.domain.model.actor import Actor


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work.

    ``owner`` is the account that answers for it.  ``holder`` works on it, and renewed its lease at ``beat_at``.
    ``tries`` counts how often it was taken up without coming further; ``event_count`` is the next event's index.
    """

    number: int
    id: JobId
    kind: str
    label: str
    subject: str
    status: JobStatus
    total: int | None
    done_count: int
    error_count: int
    parameters: Mapping[str, JsonValue]
    position: Mapping[str, JsonValue]
    result: Mapping[str, JsonValue]
    started_at: datetime
    finished_at: datetime | None
    begun_by: str
    owner: str
    address: str
    cancelling: bool
    holder: str
    beat_at: datetime | None
    tries: int
    event_count: int

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.status is not JobStatus.RUNNING


@dataclass(frozen=True, slots=True)
class JobEvent:
    """What a job told; indexes go up by one, and what was forgotten leaves a gap."""

    index: int
    at: datetime
    data: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to begin; ``beat_at`` is set when it should not be taken up at once."""

    id: JobId
    kind: str
    label: str
    subject: str
    total: int | None
    parameters: Mapping[str, JsonValue]
    actor: Actor
    started_at: datetime
    beat_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Conditions on a list of jobs; all must hold.

    ``kinds`` are those that whoever asks may see, besides the jobs of ``owner``; ``only_own`` leaves just these.
    """

    kinds: Collection[str]
    owner: str
    kind: str = ""
    status: JobStatus | None = None
    only_own: bool = False


@dataclass(frozen=True, slots=True)
class JobChange:
    """What becomes of a job's row; ``None`` stays as it is."""

    done_count: int | None = None
    error_count: int | None = None
    total: int | None = None
    position: Mapping[str, JsonValue] | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return self == JobChange()


class JobReading(Protocol):
    """What can be asked."""

    def job(self, job_id: JobId) -> Job:
        """Raises ``NotFound``."""
        ...

    def jobs(self, conditions: JobFilter, offset: int, limit: int) -> tuple[list[Job], int]:
        """A page, newest first, and the number of all."""
        ...

    def running_job(self, kind: str, subject: str) -> Job | None:
        """There is at most one."""
        ...

    def idle_jobs(self, before: datetime) -> list[int]:
        """Numbers of running jobs that nobody works on, or whose lease was not renewed since a time."""
        ...

    def job_events(self, number: int, from_index: int, limit: int) -> list[JobEvent]:
        """Those that are kept, in order."""
        ...


class JobWriting(JobReading, Protocol):
    """What can be changed."""

    def begin_job(self, new: NewJob) -> Job:
        """A new one, or the one of its kind and subject that runs already."""
        ...

    def take_job(self, number: int, holder: str, now: datetime, before: datetime) -> Job | None:
        """Take the lease of a running job; ``None`` when there is nothing to take.

        It can be taken when nobody has it, when it is older than ``before``, or when its holder was an earlier life of
        this node: a holder is ``node/life``.
        """
        ...

    def renew_jobs(self, numbers: Collection[int], holder: str, now: datetime) -> list[int]:
        """Renew leases; numbers of those that the holder still has."""
        ...

    def release_job(self, number: int, holder: str) -> None:
        """Give the lease back."""
        ...

    def note_job(self, job_id: JobId, change: JobChange, holder: str | None) -> bool:
        """False when it has ended, or somebody else than ``holder`` has it; ``None`` is nobody in particular."""
        ...

    def tell_job(
        self, job_id: JobId, events: Sequence[tuple[datetime, Mapping[str, JsonValue]]], first: int, last: int
    ) -> None:
        """Add events, and keep only so many of the first and the last."""
        ...

    def end_job(
        self,
        job_id: JobId,
        status: JobStatus,
        result: Mapping[str, JsonValue],
        now: datetime,
        holder: str | None = None,
    ) -> bool:
        """False when it had ended already; then the first end stays.  With a holder only if that has the lease."""
        ...

    def cancel_job(self, job_id: JobId) -> bool:
        """Ask a running job to end; false when that was done before, or it has ended."""
        ...

    def forget_jobs(self, before: datetime, keep: int, limit: int) -> int:
        """Drop at most ``limit`` jobs that ended before a time, or are the oldest beyond a number; how many."""
        ...


class Begin(Protocol):
    """Begins a job in the unit of what causes it; ``Jobs.begin`` is one, handed to services that have long work."""

    def __call__(
        self,
        unit: JobWriting,
        kind: str,
        label: str,
        actor: Actor,
        subject: str = "",
        total: int | None = None,
        parameters: Mapping[str, JsonValue] | None = None,
    ) -> JobId:
        """The one of this kind and subject that runs already, or a new one."""
        ...
