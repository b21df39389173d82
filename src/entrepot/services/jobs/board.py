"""Jobs as people see them: those that they may, how far they are, what they told; and an end to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.jobs import Job, JobEvent, JobFilter
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.adapters.queue.base import Queue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.jobs.work import JobId, JobStatus
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand, permitted
from entrepot.errors import JobEnded, NotFound
from entrepot.services.jobs.kinds import Kinds

_MOST_EVENTS = 200


class JobBoard:
    """A job is seen by the account that began it, and by whoever may see its kind."""

    def __init__(self, catalog: Catalog, queue: Queue, kinds: Kinds, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._queue = queue
        self._kinds = kinds
        self._now = now

    def page(
        self,
        actor: Actor,
        offset: int,
        limit: int,
        *,
        kind: str = "",
        status: JobStatus | None = None,
        mine: bool = False,
    ) -> tuple[list[Job], int]:
        """Newest first, and how many there are."""
        demand(actor, Permission.JOB_READ)
        seen = [one.name for one in self._kinds.values() if permitted(actor, one.read)]
        conditions = JobFilter(seen, actor.owner, kind, status, mine)
        with self._catalog.read() as reading:
            return reading.jobs(conditions, offset, limit)

    def one(self, actor: Actor, job_id: JobId) -> Job:
        """How it stands.

        Raises:
            NotFound: there is none, or none for this actor.
        """
        demand(actor, Permission.JOB_READ)
        with self._catalog.read() as reading:
            job = reading.job(job_id)
        self._check_seen(actor, job)
        return job

    def events(self, actor: Actor, job_id: JobId, from_index: int) -> tuple[Job, Sequence[JobEvent]]:
        """How it stands, and what it told from an index on, at most some hundred: ask again behind the last.

        The events are at least as new as the state, so that the ones of a job that has ended are all there.

        Raises:
            NotFound: there is none, or none for this actor.
        """
        demand(actor, Permission.JOB_READ)
        with self._catalog.read() as reading:
            job = reading.job(job_id)
            self._check_seen(actor, job)
            return job, reading.job_events(job.number, from_index, _MOST_EVENTS)

    def cancel(self, actor: Actor, job_id: JobId) -> Job:
        """Ask a job to end; how it stands then.  Asking again changes nothing.

        Raises:
            NotFound: there is none, or none for this actor.
            PermissionDenied: it may be seen, and not cancelled.
            JobEnded: it has ended, or nobody can end jobs of its kind.
        """
        demand(actor, Permission.JOB_CANCEL)
        now = self._now()
        with self._catalog.write() as unit:
            job = unit.job(job_id)
            self._check_seen(actor, job)
            kind = self._kinds.get(job.kind)
            if kind is None or kind.cancel is None:
                raise JobEnded(f"a job of kind {job.kind} cannot be cancelled; it ends by itself")
            if job.owner != actor.owner:
                demand(actor, kind.cancel)
            if job.ended:
                raise JobEnded(f"the job has ended: {job.status.value}")
            if unit.cancel_job(job_id):
                detail = {"job": job.id, "kind": job.kind, "label": job.label}
                unit.audit(AuditEntry("JOB_CANCEL", "SUCCESS", actor, now, detail=detail))
            job = unit.job(job_id)
        self._queue.submit(Goal(GoalKind.JOB, job.number))
        return job

    def version(self) -> int | None:
        """Differs after any change in the catalog; none where only a query can tell."""
        return self._catalog.version()

    def _check_seen(self, actor: Actor, job: Job) -> None:
        kind = self._kinds.get(job.kind)
        if job.owner != actor.owner and (kind is None or not permitted(actor, kind.read)):
            raise NotFound("no such job; it may have been forgotten")
