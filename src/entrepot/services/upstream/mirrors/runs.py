"""Runs as jobs: begun by hand, and by themselves when it is time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.jobs import Begin
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.jobs.work import JobId, Work
from entrepot.domain.model.actor import SYSTEM, Actor, Role
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.upstream.mirror import Mirror, MirrorId, MirrorKind
from entrepot.errors import EntrepotError, Kind
from entrepot.services.upstream.mirrors.filling import Tell
from entrepot.services.upstream.mirrors.mirroring import NOTHING, Accepted, Mirroring, MirrorOutcome
from entrepot.services.upstream.mirrors.resigning import Resigning
from entrepot.services.upstream.syncing import Cancelled

MIRROR_JOB = "mirror"


@dataclass(frozen=True, slots=True)
class BegunRun:
    """A job that was begun, or attached to."""

    job: JobId
    mirror: Mirror
    already_running: bool


class MirrorRuns:
    """Begins jobs and does them."""

    def __init__(
        self,
        catalog: Catalog,
        mirroring: Mirroring,
        resigning: Resigning,
        begin: Begin,
        wake: Callable[[JobId], None],
        now: Callable[[], datetime],
        bounded: Callable[[Work], Callable[[], None]] = lambda _: lambda: None,
    ) -> None:
        self._catalog = catalog
        self._bounded = bounded
        self._mirroring = mirroring
        self._resigning = resigning
        self._begin = begin
        self._wake = wake
        self._now = now

    def begin(self, actor: Actor, name: str, accept: Accepted = NOTHING) -> BegunRun:
        """Run a mirror now; attaches to the run that goes on.

        Raises:
            NotFound: there is no such mirror.
        """
        demand(actor, Permission.SOURCE_SYNC)
        with self._catalog.write() as unit:
            begun = self.ask(unit, actor, unit.mirror_called(name), accept)
        self.wake(begun)
        return begun

    def wake(self, begun: BegunRun) -> None:
        """Have it worked on now; after the unit."""
        self._wake(begun.job)

    def begin_due(self) -> None:
        """Those whose time has come; called every few seconds."""
        now = self._now()
        with self._catalog.read() as reading:
            due = [mirror for mirror in reading.mirrors() if _is_due(mirror, now)]
            due = [mirror for mirror in due if reading.running_job(MIRROR_JOB, subject_of(mirror)) is None]
        for mirror in due:
            with self._catalog.write() as unit:
                self.ask(unit, SYSTEM, mirror)

    def ask(
        self,
        unit: Writing,
        actor: Actor,
        mirror: Mirror,
        accept: Accepted = NOTHING,
        bounds: Mapping[str, JsonValue] | None = None,
    ) -> BegunRun:
        """Have a run written down with whatever else the unit changes, or attach to the one that goes on.

        It begins within seconds.  The caller has asked who asks.
        """
        running = unit.running_job(MIRROR_JOB, subject_of(mirror))
        accepted: dict[str, JsonValue] = {"accept_loss": accept.loss, "accept_bad": accept.bad}
        parameters: dict[str, JsonValue] = {"mirror": int(mirror.id), **accepted}
        if bounds:
            parameters["bounds"] = dict(bounds)
        job = self._begin(unit, MIRROR_JOB, mirror.name, actor, subject_of(mirror), None, parameters)
        if running is None:
            detail: dict[str, JsonValue] = {"mirror": mirror.name, "job": job, **accepted}
            unit.audit(AuditEntry("MIRROR_RUN", "START", actor, self._now(), detail=detail))
        return BegunRun(job, mirror, running is not None)

    def pursue(self, work: Work) -> Mapping[str, JsonValue]:
        """Do a job.

        Raises:
            EntrepotError: of the upstream, or our own store or catalog is away.
        """
        actor = Actor(work.begun_by, frozenset({Role.UPLOADER}), work.address)

        look = self._bounded(work)

        def tell(status: str, count: int, message: str) -> None:
            if work.cancelled():
                raise Cancelled
            look()
            if status:
                told: dict[str, JsonValue] = {"status": status, "count": count, "message": message, "level": "info"}
                work.progress(done=count, event=told if message else None)

        try:
            done = self._run(work, actor, tell)
        except Cancelled:
            return {"changed": False}
        except EntrepotError as error:
            if error.kind is not Kind.UNAVAILABLE:
                work.progress(event={"status": "error", "message": error.detail, "level": "error"}, at_once=True)
            raise
        for note in done.notes:
            work.progress(event={"status": "verifying", "message": note, "level": "warning"})
        result: dict[str, JsonValue] = {
            "changed": done.changed,
            "files": done.file_count,
            "fetched": done.tally.fetched,
            "fetched_bytes": done.tally.fetched_bytes,
            **done.figures,
        }
        message = f"{done.file_count} files, {done.tally.fetched} fetched" if done.changed else "as before"
        work.progress(done=done.file_count, event={"status": "done", "message": message, "level": "info"}, at_once=True)
        return result

    def _run(self, work: Work, actor: Actor, tell: Tell) -> MirrorOutcome:
        number = MirrorId(int(str(work.parameters.get("mirror"))))
        accept = Accepted(bool(work.parameters.get("accept_loss")), bool(work.parameters.get("accept_bad")))
        with self._catalog.read() as reading:
            kind = reading.mirror(number).kind
        if kind is MirrorKind.RESIGNED:
            return self._resigning.run(number, actor, str(work.id), tell, accept_loss=accept.loss)
        return self._mirroring.run(number, actor, tell, accept)


def subject_of(mirror: Mirror) -> str:
    """Of its jobs."""
    return f"mirror:{mirror.id}"


def _is_due(mirror: Mirror, now: datetime) -> bool:
    last = mirror.state.attempted_at
    return bool(mirror.every_hours) and last is not None and last + timedelta(hours=mirror.every_hours) <= now
