"""Synchronisation as jobs: of one source, of all, of those with security updates; by hand and every night."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.jobs import Begin
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.jobs.work import JobId, Work
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.model.package import Format
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.upstream.source import Source, SourceId
from entrepot.errors import AlreadyRunning, EntrepotError, InvalidRequest, JobFailed, Kind, LostRace
from entrepot.services.upstream.sources import Sources, wanted_source
from entrepot.services.upstream.syncing import Cancelled, Syncing

SYNC_JOB = "sync"
_POSTPONED = (Kind.UNAVAILABLE, Kind.FULL)


@dataclass(frozen=True, slots=True)
class Begun:
    """A job that was begun, or attached to."""

    job: JobId
    label: str
    sources: Sequence[Source]
    already_running: bool


class Syncs:
    """Begins jobs and does them."""

    def __init__(
        self,
        catalog: Catalog,
        sources: Sources,
        syncing: Syncing,
        begin: Begin,
        wake: Callable[[JobId], None],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._sources = sources
        self._syncing = syncing
        self._begin = begin
        self._wake = wake
        self._now = now

    def one(self, actor: Actor, key: str, *, accept_loss: bool = False) -> Begun:
        """Of one source, by number or name, switched on or not; attaches to the one that runs.

        Raises:
            NotFound: there is no such source.
        """
        demand(actor, Permission.SOURCE_SYNC)
        with self._catalog.write() as unit:
            source = wanted_source(unit, key)
            begun = self._ask(unit, actor, [source], f"source:{source.id}", source.name, accept_loss=accept_loss)
        self._wake(begun.job)
        return begun

    def some(self, actor: Actor, keys: Sequence[str] | None = None) -> Begun:
        """Of these, or of all that are switched on.

        Raises:
            NotFound: one of them is not there.
            InvalidRequest: there are none.
        """
        demand(actor, Permission.SOURCE_SYNC)
        with self._catalog.write() as unit:
            found = self._enabled(unit) if keys is None else [wanted_source(unit, key) for key in keys]
            subject = "all" if keys is None else "sources:" + ",".join(sorted(str(source.id) for source in found))
            begun = self._ask(unit, actor, found, subject[:200], "all sources" if keys is None else "some sources")
        self._wake(begun.job)
        return begun

    def security(self, actor: Actor) -> Begun:
        """Of those with security updates that are switched on.

        Raises:
            InvalidRequest: there are none.
        """
        demand(actor, Permission.SOURCE_SYNC)
        with self._catalog.write() as unit:
            found = [source for source in self._enabled(unit) if source.security]
            begun = self._ask(unit, actor, found, "security", "security updates")
        self._wake(begun.job)
        return begun

    def family(self, actor: Actor, format_: Format) -> Begun:
        """Of a format, those that are switched on.

        Raises:
            InvalidRequest: there are none.
        """
        demand(actor, Permission.SOURCE_SYNC)
        with self._catalog.write() as unit:
            found = [source for source in self._enabled(unit) if source.format is format_]
            begun = self._ask(unit, actor, found, f"format:{format_.value}", f"{format_.value} sources")
        self._wake(begun.job)
        return begun

    def begin_planned(self, unit: Writing) -> Goal:
        """What the schedule begins: all that are switched on.

        Raises:
            AlreadyRunning: there are none, so that everything is done.
        """
        found = self._enabled(unit)
        if not found:
            raise AlreadyRunning("no source is switched on")
        begun = self._ask(unit, SYSTEM, found, "all", "all sources")
        return Goal(GoalKind.JOB, unit.job(begun.job).number)

    def _enabled(self, unit: Writing) -> list[Source]:
        return [source for source in map(self._sources.switched, unit.sources()) if source.enabled]

    def _ask(
        self,
        unit: Writing,
        actor: Actor,
        found: Sequence[Source],
        subject: str,
        label: str,
        *,
        accept_loss: bool = False,
    ) -> Begun:
        if not found:
            raise InvalidRequest("no source is switched on that this could be done for; see GET /import/sources")
        running = unit.running_job(SYNC_JOB, subject)
        parameters: dict[str, JsonValue] = {
            "sources": [int(source.id) for source in found],
            "accept_loss": accept_loss,
        }
        job = self._begin(unit, SYNC_JOB, label, actor, subject, len(found), parameters)
        if running is None:
            names: list[JsonValue] = [source.name for source in found]
            detail: dict[str, JsonValue] = {"sources": names, "job": job, "accept_loss": accept_loss}
            unit.audit(AuditEntry(_action(found), "START", actor, self._now(), detail=detail))
        return Begun(job, label, found, running is not None)

    def pursue(self, work: Work) -> Mapping[str, JsonValue]:
        """Do a job: one source after the other.  A fault of one is told, and the others go on.

        Raises:
            JobFailed, EntrepotError: there was one source only, and it failed; or our own store or catalog is away.
        """
        asked = _numbers(work.parameters.get("sources"))
        done, failed = _numbers(work.position.get("done")), _numbers(work.position.get("failed"))
        actor = Actor(work.begun_by, frozenset(), work.address)
        accept_loss = bool(work.parameters.get("accept_loss"))
        for number in asked:
            if number in done:
                continue
            try:
                self._pursue_one(work, number, actor, len(done), accept_loss=accept_loss)
            except Cancelled:
                break
            except EntrepotError as error:
                if error.kind in _POSTPONED or len(asked) == 1:
                    raise
                failed.append(number)
            done.append(number)
            position: dict[str, JsonValue] = {"done": list(done), "failed": list(failed)}
            work.progress(done=len(done), errors=len(failed), position=position, at_once=True)
        if failed and len(failed) == len(asked):
            raise JobFailed("none of the sources could be synchronised; each says why")
        return {"synchronised": len(done) - len(failed), "failed": len(failed)}

    def _pursue_one(self, work: Work, number: int, actor: Actor, before: int, *, accept_loss: bool) -> None:
        with self._catalog.read() as reading:
            name = next((each.name for each in reading.sources() if each.id == number), str(number))

        def tell(status: str, count: int, message: str = "") -> None:
            if work.cancelled():
                raise Cancelled
            if status:
                work.progress(done=before, event=_event(status, count, name, message))

        try:
            outcome = self._syncing.sync(SourceId(number), actor, tell, accept_loss=accept_loss)
        except LostRace:
            message = "another node synchronises it at this moment"
            work.progress(event=_event("done", 0, name, message, level="warning"), at_once=True)
            return
        except EntrepotError as error:
            if error.kind not in _POSTPONED:
                work.progress(
                    event=_event("error", 0, name, error.detail, code=error.code, level="error"), at_once=True
                )
            raise
        count = outcome.package_count
        shown = f"{count} packages" + ("" if outcome.changed else ", as before")
        for note in outcome.notes:
            work.progress(event=_event("indexing", count, name, note, level="warning"))
        work.progress(event=_event("done", count, name, shown), at_once=True)


def _event(status: str, count: int, name: str, message: str, **more: JsonValue) -> dict[str, JsonValue]:
    return {"status": status, "count": count, "source_id": name, "message": message, "level": "info", **more}


def _action(found: Sequence[Source]) -> str:
    return "SECURITY_SYNC" if found and all(source.security for source in found) else "SYNC"


def _numbers(value: object) -> list[int]:
    return [int(each) for each in value] if isinstance(value, (list, tuple)) else []
