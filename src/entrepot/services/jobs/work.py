"""Jobs as the program sees them: begin, do, report, end; across crashes.

How a service gets a kind of job, in four steps:

1.  It takes ``begin: Begin`` (``adapters/catalog/jobs.py``) as an argument.  In the unit that writes the cause and its
    audit entry it calls ``job = begin(unit, "sync", "ubuntu-security", actor, subject="source:7", total=12,
    parameters={"source": 7})``.  While one of the same kind and subject runs, that one comes back: whoever asked
    watches it.  After the unit ``Jobs.wake(job)`` saves the two seconds until the keeper finds it.
2.  It has a method ``pursue(work: Work) -> Mapping`` (``domain/jobs/work.py``) that starts from ``work.parameters`` and
    ``work.position``, and returns the result.  Our own errors end the job as ``error`` with their sentence; when the
    database is away the job is tried again.
3.  Within, ``work.progress(done=n, event={"message": ...}, position={...})`` as often as it likes: it is written a few
    times a second.  ``work.cancelled()`` as often as it likes: when true, leave everything whole and return.
4.  ``main`` calls ``jobs.define(JobKind("sync", read=..., cancel=..., work=service.pursue))``.

A worker may be killed at any point.  Its lease runs out (at once, when the same node comes back), the keeper finds the
job, and ``pursue`` is called again with the last ``position``; so everything before must be repeatable.  A job that was
taken up five times without any progress ends as ``error``.  ``Interrupted`` passes through ``pursue`` when the program
ends; it is no ``Exception`` so that nobody catches it by mistake.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.jobs import Job, JobChange, JobWriting, NewJob
from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.queue.base import Queue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.jobs.work import Interrupted, JobId, JobStatus
from entrepot.domain.model.actor import Actor
from entrepot.errors import CatalogConflict, EntrepotError, Kind
from entrepot.services.jobs.kinds import JobKind, Kinds
from entrepot.services.jobs.pace import Pace

_log = structlog.get_logger(__name__)

LEASE_SECONDS = 15.0
_ASK_SECONDS = 1.0
_MOST_TRIES = 5
_FIRST_EVENTS, _LAST_EVENTS = 100, 900
_PACES = 10_000
_KEPT_FOR = timedelta(days=30)
_KEPT = 2000
_FORGET_EVERY_SECONDS = 3600.0
_FORGET_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Work:
    """Implements ``domain.jobs.work.Work``."""

    jobs: Jobs
    job: Job

    @property
    def id(self) -> JobId:
        return self.job.id

    @property
    def subject(self) -> str:
        return self.job.subject

    @property
    def begun_by(self) -> str:
        return self.job.begun_by

    @property
    def address(self) -> str:
        return self.job.address

    @property
    def parameters(self) -> Mapping[str, JsonValue]:
        return self.job.parameters

    @property
    def position(self) -> Mapping[str, JsonValue]:
        return self.job.position

    def progress(
        self,
        *,
        done: int | None = None,
        errors: int | None = None,
        total: int | None = None,
        position: Mapping[str, JsonValue] | None = None,
        event: Mapping[str, JsonValue] | None = None,
        at_once: bool = False,
    ) -> None:
        self.jobs.progress(
            self.job.id, done=done, errors=errors, total=total, position=position, event=event, at_once=at_once
        )

    def cancelled(self) -> bool:
        return self.jobs.cancelled(self.job.id)


class Jobs:
    """All jobs, as one process of one node sees them."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        node: str,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._holder = f"{node}/{secrets.token_hex(8)}"
        self._now = now
        self._monotonic = monotonic
        self.kinds: Kinds = {}
        self._lock = threading.Lock()
        self._paces: OrderedDict[JobId, Pace] = OrderedDict()
        self._held: dict[JobId, int] = {}
        self._lost: set[JobId] = set()
        self._ends = False
        self._forgot_at = float("-inf")

    def define(self, kind: JobKind) -> None:
        """Add a kind."""
        self.kinds[kind.name] = kind

    def begin(
        self,
        unit: JobWriting,
        kind: str,
        label: str,
        actor: Actor,
        subject: str = "",
        total: int | None = None,
        parameters: Mapping[str, JsonValue] | None = None,
    ) -> JobId:
        """Begin a job in the unit of its cause, or attach to the one of this kind and subject that runs."""
        now = self._now()
        found = self.kinds.get(kind)
        # Work that is done elsewhere is looked after when its first lease would have run out.
        beat_at = now if found is not None and found.elsewhere else None
        new = JobId(secrets.token_hex(12))
        return unit.begin_job(NewJob(new, kind, label, subject, total, parameters or {}, actor, now, beat_at)).id

    def wake(self, job: JobId) -> None:
        """Have it worked on now; call it after the unit."""
        with self._catalog.read() as reading:
            number = reading.job(job).number
        self._queue.submit(Goal(GoalKind.JOB, number))

    def progress(
        self,
        job: JobId,
        *,
        done: int | None = None,
        errors: int | None = None,
        total: int | None = None,
        position: Mapping[str, JsonValue] | None = None,
        event: Mapping[str, JsonValue] | None = None,
        at_once: bool = False,
    ) -> None:
        """Say how far a job is; see ``domain.jobs.work.Progress``.

        Raises:
            Interrupted: the caller worked on it, and has to stop.
        """
        told = None if event is None else (self._now(), event)
        with self._lock:
            self._check(job)
            pace = self._pace(job)
            pace.add(JobChange(done, errors, total, position), told)
            if not (at_once or pace.due(self._monotonic())):
                return
        self._write(job)

    def cancelled(self, job: JobId) -> bool:
        """Whether somebody wants it to end; the catalog is asked about once a second.

        Raises:
            Interrupted: the caller worked on it, and has to stop.
        """
        now = self._monotonic()
        with self._lock:
            self._check(job)
            pace = self._pace(job)
            if pace.wanted or now - pace.asked_at < _ASK_SECONDS:
                return pace.wanted
            pace.asked_at = now
        with self._catalog.read() as reading:
            pace.wanted = reading.job(job).cancelling
        return pace.wanted

    def finish(
        self, job: JobId, status: JobStatus = JobStatus.DONE, result: Mapping[str, JsonValue] | None = None
    ) -> None:
        """End a job; one that has ended stays as it is.  Done for those that are worked on by ``pursue``."""
        self._write(job)
        with self._lock:
            holder = self._holder if job in self._held else None
        with self._catalog.write() as unit:
            unit.end_job(job, status, result or {}, self._now(), holder)
        with self._lock:
            self._paces.pop(job, None)

    def running(self, kind: str, subject: str = "") -> JobId | None:
        """The job of this kind about this subject, if one runs."""
        with self._catalog.read() as reading:
            found = reading.running_job(kind, subject)
        return None if found is None else found.id

    def pursue(self, number: int) -> None:
        """Work on a job until it ends, unless somebody else does.

        Raises:
            CatalogUnavailable, CatalogConflict, StoreUnavailable: it is taken up again later.
        """
        if self._ends:
            return
        now = self._now()
        with self._catalog.write() as unit:
            job = unit.take_job(number, self._holder, now, now - timedelta(seconds=LEASE_SECONDS))
        if job is None:
            return
        kind = self.kinds.get(job.kind)
        if kind is None:
            self.finish(job.id, JobStatus.ERROR, _failure(f"this program knows no jobs of kind {job.kind}"))
        elif job.cancelling and not kind.elsewhere:
            self.finish(job.id, JobStatus.CANCELLED)
        elif job.tries > _MOST_TRIES and not kind.elsewhere:
            why = f"given up: it broke off {_MOST_TRIES} times without coming further; the log says why"
            self.finish(job.id, JobStatus.ERROR, _failure(why))
        else:
            self._hold(job, kind)

    def _hold(self, job: Job, kind: JobKind) -> None:
        with self._lock:
            self._held[job.id] = job.number
            self._lost.discard(job.id)
            self._paces.pop(job.id, None)
        try:
            self._carry_out(job, kind)
        except Interrupted:
            with self._catalog.write() as unit:
                unit.release_job(job.number, self._holder)
            _log.info("job.interrupted", job=job.id, kind=job.kind)
        finally:
            with self._lock:
                self._held.pop(job.id, None)
                self._lost.discard(job.id)
                self._paces.pop(job.id, None)

    def _carry_out(self, job: Job, kind: JobKind) -> None:
        try:
            result = kind.work(_Work(self, job))
        except EntrepotError as error:
            if error.kind is Kind.UNAVAILABLE or isinstance(error, CatalogConflict):
                _log.warning("job.postponed", job=job.id, kind=job.kind, tries=job.tries, reason=error.detail)
                raise
            self.finish(job.id, JobStatus.ERROR, {**_failure(error.detail), "code": error.code})
            return
        except Exception:
            self.finish(job.id, JobStatus.ERROR, _failure("it failed for an unknown reason; the log says more"))
            raise
        if kind.elsewhere and result is None:
            return
        status = JobStatus.CANCELLED if self._wanted(job.id) else JobStatus.DONE
        self.finish(job.id, status, result)
        _log.info("job.ended", job=job.id, kind=job.kind, status=status.value)

    def _wanted(self, job: JobId) -> bool:
        """Whether the work saw that it was to end: what was done to its end before is done."""
        with self._lock:
            return self._pace(job).wanted

    def unmet(self) -> list[Goal]:
        """Running jobs that nobody works on, found in the catalog."""
        if self._ends:
            return []
        with self._catalog.read() as reading:
            numbers = reading.idle_jobs(self._now() - timedelta(seconds=LEASE_SECONDS))
        return [Goal(GoalKind.JOB, number) for number in numbers]

    def keep(self) -> None:
        """Every two seconds: renew leases, write what waits, forget what is old."""
        with self._lock:
            held, waiting = dict(self._held), [job for job, pace in self._paces.items() if pace.waits]
        if held:
            with self._catalog.write() as unit:
                mine = set(unit.renew_jobs(list(held.values()), self._holder, self._now()))
            with self._lock:
                self._lost.update(job for job, number in held.items() if number not in mine and job in self._held)
        for job in waiting:
            self._write(job)
        if self._monotonic() - self._forgot_at >= _FORGET_EVERY_SECONDS:
            with self._catalog.write() as unit:
                count = unit.forget_jobs(self._now() - _KEPT_FOR, _KEPT, _FORGET_AT_ONCE)
            if count < _FORGET_AT_ONCE:
                self._forgot_at = self._monotonic()

    def stop(self) -> None:
        """Have all work of this process stop at its next word; it goes on at the next start, or elsewhere."""
        self._ends = True

    def _check(self, job: JobId) -> None:
        if job in self._held and (self._ends or job in self._lost):
            raise Interrupted(job)

    def _pace(self, job: JobId) -> Pace:
        found = self._paces.get(job)
        if found is None:
            found = self._paces[job] = Pace()
            if len(self._paces) > _PACES:
                self._paces.popitem(last=False)
        return found

    def _write(self, job: JobId) -> None:
        with self._lock:
            pace = self._paces.get(job)
            if pace is None or not pace.waits:
                return
            change, events = pace.take(self._monotonic(), self._now())
            holder = self._holder if job in self._held else None
        with self._catalog.write() as unit:
            if unit.note_job(job, change, holder):
                if events:
                    unit.tell_job(job, events, _FIRST_EVENTS, _LAST_EVENTS)
            elif holder is not None:
                with self._lock:
                    self._lost.add(job)


def _failure(message: str) -> dict[str, JsonValue]:
    return {"error": message}
