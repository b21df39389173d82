"""Feeds: where they stand, asking for them, taking what is sent, and importing one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.catalog.advisories import FeedKind, FeedState
from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.jobs import Begin
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.feeds.base import FeedFiles, Holding
from entrepot.adapters.outbound.fetching import Fetch, Fetched, Fetcher
from entrepot.adapters.outbound.sinks import BlobSink
from entrepot.adapters.outbound.targets import Inside
from entrepot.adapters.storage.base import BlobStore, BlobWriter
from entrepot.domain.jobs.goals import Goal
from entrepot.domain.jobs.work import JobId, Work
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.feeds import FeedSource, is_feed_name
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import EntrepotError, InvalidRequest, Kind, NotFound
from entrepot.services.vulnerabilities.advisories import AdvisoryImport
from entrepot.services.vulnerabilities.exploitation import ExploitationImport

_log = structlog.get_logger(__name__)

JOB = "feed"
MOST_BYTES = 2 << 30
_LOOK_EVERY_SECONDS = 30.0
_RETRY = timedelta(hours=1)
_ACTIONS = {FeedKind.OSV: "ADVISORY_UPDATE", FeedKind.KEV: "KEV_UPDATE", FeedKind.EPSS: "EPSS_UPDATE"}


@dataclass(frozen=True, slots=True)
class FeedReport:
    """A feed as people see it; ``source`` is missing where the settings do not name it, ``state`` before any import.

    ``stale``: older than the settings allow.  ``job`` is the import that runs.
    """

    name: str
    kind: FeedKind
    source: FeedSource | None
    state: FeedState | None
    stale: bool
    job: JobId | None


@dataclass(frozen=True, slots=True)
class Places:
    """Where files come from: sent, lying there, or fetched."""

    blobs: BlobStore
    files: FeedFiles
    fetcher: Fetcher


class Feeds:
    """Every import is a job, one at a time for each feed."""

    def __init__(
        self,
        catalog: Catalog,
        places: Places,
        configuration: Callable[[], Configuration],
        begin: Begin,
        running: Callable[[str, str], JobId | None],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._blobs = places.blobs
        self._files = places.files
        self._fetcher = places.fetcher
        self._configuration = configuration
        self._begin = begin
        self._running = running
        self._now = now
        self._monotonic = monotonic
        self._looked_at = float("-inf")

    def status(self, actor: Actor) -> list[FeedReport]:
        """Those of the settings, and others of which something was sent."""
        demand(actor, Permission.FEED_READ)
        sources = {source.name: source for source in self._configuration().advisories.feeds}
        with self._catalog.read() as reading:
            states = {state.name: state for state in reading.feed_states()}
        return [self._report(name, sources.get(name), states.get(name)) for name in sorted(sources | states)]

    def refresh(self, actor: Actor, names: Sequence[str] = (), *, force: bool = False) -> Mapping[str, JobId]:
        """Begin imports of some feeds, or of all that are enabled and have a location; a job for each.

        Raises:
            NotFound: no such feed in the settings.
            InvalidRequest: it has no location.
        """
        demand(actor, Permission.FEED_REFRESH)
        settings = self._configuration().advisories
        sources = [source for source in settings.feeds if source.enabled and source.location]
        if names:
            sources = []
            for name in dict.fromkeys(names):
                source = settings.feed(name)
                if source is None:
                    raise NotFound(f"the settings have no feed {name[:64]!a}")
                if not source.location:
                    raise InvalidRequest(f"the feed {name} has no location; send its files instead")
                sources.append(source)
        begun: dict[str, JobId] = {}
        with self._catalog.write() as unit:
            for source in sources:
                begun[source.name] = self._begun(unit, source.name, FeedKind(source.kind), actor, force=force)
            detail: dict[str, JsonValue] = {"feeds": sorted(begun), "force": force}
            unit.audit(AuditEntry("FEEDS_REFRESH", "START", actor, self._now(), detail=detail))
        return begun

    def stage(self) -> AbstractContextManager[BlobWriter]:
        """Where a file that is sent goes."""
        return self._blobs.writer()

    def receive(
        self, actor: Actor, name: str, kind: FeedKind | None, writer: BlobWriter, *, force: bool = False
    ) -> JobId:
        """Take a file that was staged whole, and begin its import.

        Raises:
            InvalidRequest: the name is none, or the feed is of another kind.
        """
        demand(actor, Permission.FEED_WRITE)
        if not is_feed_name(name):
            raise InvalidRequest("the name of a feed is 1 to 64 of a-z 0-9 . _ -, and begins with a letter or digit")
        kind = self._kind(name, kind)
        digest = writer.commit()
        with self._catalog.write() as unit:
            state = unit.hold_feed(name, kind)
            unit.note_feed(replace(state, pending=digest, pending_bytes=writer.size_bytes))
            job = self._begun(unit, name, kind, actor, force=force)
            detail: dict[str, JsonValue] = {"feed": name, "sha256": digest, "bytes": writer.size_bytes}
            unit.audit(AuditEntry("FEEDS_REFRESH", "START", actor, self._now(), detail=detail))
        return job

    def _kind(self, name: str, kind: FeedKind | None) -> FeedKind:
        source = self._configuration().advisories.feed(name)
        with self._catalog.read() as reading:
            state = reading.feed_state(name)
        known = FeedKind(source.kind) if source else state.kind if state else None
        if known is not None and kind not in (None, known):
            raise InvalidRequest(f"the feed {name} is of kind {known.value}")
        return known or kind or FeedKind.OSV

    def due(self) -> list[Goal]:
        """Begin imports of feeds that are too old, and of what was sent; the keeper of every working node asks."""
        now = self._monotonic()
        if now - self._looked_at < _LOOK_EVERY_SECONDS:
            return []
        self._looked_at = now
        with self._catalog.read() as reading:
            states = {state.name: state for state in reading.feed_states()}
        settings = self._configuration().advisories
        late = [
            source
            for source in settings.feeds
            if source.enabled and source.location and self._late(source, states.get(source.name))
        ]
        wanted = {source.name: FeedKind(source.kind) for source in late}
        wanted |= {state.name: state.kind for state in states.values() if state.pending and not state.failure}
        for name, kind in wanted.items():
            if self._running(JOB, _subject(name)) is None:
                with self._catalog.write() as unit:
                    self._begun(unit, name, kind, SYSTEM, force=False)
        return []

    def _late(self, source: FeedSource, state: FeedState | None) -> bool:
        now = self._now()
        if state is None:
            return True
        if state.failed_at is not None and now - state.failed_at < _RETRY:
            return False
        return not state.complete or state.checked_at is None or now - state.checked_at >= self._ttl(state.kind)

    def _ttl(self, kind: FeedKind) -> timedelta:
        found = self._configuration()
        hours = {
            FeedKind.OSV: found.advisories.ttl_hours,
            FeedKind.KEV: found.security.kev_ttl_hours,
            FeedKind.EPSS: found.security.epss_ttl_hours,
        }
        return timedelta(hours=hours[kind])

    def _report(self, name: str, source: FeedSource | None, state: FeedState | None) -> FeedReport:
        kind = state.kind if state is not None else FeedKind(source.kind) if source is not None else FeedKind.OSV
        checked = state.checked_at if state is not None else None
        # Twice: one that is fetched as often as it should be is not called old while it is fetched.
        stale = checked is None or self._now() - checked > 2 * self._ttl(kind)
        return FeedReport(name, kind, source, state, stale, self._running(JOB, _subject(name)))

    def _begun(self, unit: Writing, name: str, kind: FeedKind, actor: Actor, *, force: bool) -> JobId:
        unit.hold_feed(name, kind)
        parameters: dict[str, JsonValue] = {"feed": name, "force": force}
        return self._begin(unit, JOB, name, actor, subject=_subject(name), parameters=parameters)

    def pursue(self, work: Work) -> Mapping[str, JsonValue]:
        """Import one feed: what was sent to it, else what its location has.

        Raises:
            EntrepotError: why nothing changed; the feed says it, too.
        """
        name, force = str(work.parameters["feed"]), bool(work.parameters.get("force"))
        source = self._configuration().advisories.feed(name)
        result: Mapping[str, JsonValue] = {"feed": name, "outcome": "nothing to do"}
        while True:
            with self._catalog.read() as reading:
                state = reading.feed_state(name)
            if state is None:
                return result
            try:
                result = self._once(work, state, source, force=force)
            except EntrepotError as error:
                if error.kind not in (Kind.UNAVAILABLE, Kind.FULL):
                    self._failed(state, work, error)
                raise
            with self._catalog.read() as reading:
                later = reading.feed_state(name)
            # Another file may have been sent meanwhile.
            if later is None or not later.pending or work.cancelled():
                return result

    def _once(self, work: Work, state: FeedState, source: FeedSource | None, *, force: bool) -> Mapping[str, JsonValue]:
        if state.pending:
            with self._blobs.open(Digest(state.pending)) as file:
                return self._import(work, state, source, self._files.stored(file, state.pending), None, force=force)
        if source is None or not source.location:
            return {"feed": state.name, "outcome": "nothing to do"}
        if "://" not in source.location:
            with self._files.local(source.location) as holding:
                return self._import(work, state, source, holding, None, force=force)
        with self._fetched(state, source, work) as (holding, fetched):
            if holding is None:
                self._unchanged(state, state.validators)
                return {"feed": state.name, "outcome": "unchanged", "count": state.count}
            return self._import(work, state, source, holding, fetched, force=force)

    @contextmanager
    def _fetched(self, state: FeedState, source: FeedSource, work: Work) -> Iterator[tuple[Holding | None, Fetched]]:
        """What a URL has, unless it is what is there already."""
        known = state.validators if state.complete and state.validators.get("url") == source.location else {}
        fetch = Fetch(
            url=source.location,
            label=f"feed {source.name}",
            most_bytes=MOST_BYTES,
            etag=known.get("etag", ""),
            last_modified=known.get("last_modified", ""),
            line=f"feed:{source.name}",
            inside=Inside.parse(self._configuration().advisories.inside),
        )
        with BlobSink(self._blobs) as sink:
            fetched = self._fetcher.fetch(fetch, sink, lambda size: work.progress(event={"bytes": size}))
            if fetched.not_modified:
                yield None, fetched
                return
            with sink.writer.reopen() as file:
                yield self._files.stored(file, fetched.sha256), fetched

    def _import(
        self,
        work: Work,
        state: FeedState,
        source: FeedSource | None,
        holding: Holding,
        fetched: Fetched | None,
        *,
        force: bool,
    ) -> Mapping[str, JsonValue]:
        validators = {} if fetched is None or source is None else _validators(source, fetched)
        contexts = source.contexts if source is not None else ()
        advisories = AdvisoryImport(self._catalog, state, contexts, force=force)
        digest = advisories.digest_of(holding)
        if state.complete and state.digest == digest:
            self._unchanged(state, validators)
            return {"feed": state.name, "outcome": "unchanged", "count": state.count}

        def told(done: int, total: int) -> bool:
            work.progress(done=done, total=total)
            return not work.cancelled()

        def finish(unit: Writing, final: FeedState) -> None:
            now = self._now()
            unit.note_feed(
                replace(
                    _settled(final, state.pending),
                    digest=digest,
                    validators=validators,
                    imported_at=now,
                    checked_at=now,
                    failure="",
                    failed_at=None,
                )
            )
            unit.audit(self._entry(state, work, "SUCCESS", {"count": final.count}))

        if state.kind is FeedKind.OSV:
            plan = advisories.look(holding, told)
            whole = plan is not None and advisories.write(holding, plan, told, finish)
            changed = 0 if plan is None else len(plan.wanted) + len(plan.gone)
        else:
            whole = ExploitationImport(self._catalog, state, force=force).run(holding, told, finish)
            changed = 0
        outcome = "imported" if whole else "cut off"
        _log.info("feed.imported", feed=state.name, outcome=outcome, changed=changed)
        return {"feed": state.name, "outcome": outcome, "changed": changed}

    def _unchanged(self, state: FeedState, validators: Mapping[str, str] | None = None) -> None:
        with self._catalog.write() as unit:
            now, held = self._now(), unit.hold_feed(state.name, state.kind)
            held = replace(_settled(held, state.pending), checked_at=now, failure="", failed_at=None)
            # Only a publisher who was asked can say that what is there is still what there is to know.
            unit.note_feed(replace(held, validators=validators, imported_at=now) if validators else held)

    def _failed(self, state: FeedState, work: Work, error: EntrepotError) -> None:
        """What is there stays, and its date; the reason is kept beside it."""
        with self._catalog.write() as unit:
            held = _settled(unit.hold_feed(state.name, state.kind), state.pending)
            unit.note_feed(replace(held, failure=error.detail[:1000], failed_at=self._now()))
            unit.audit(self._entry(state, work, "FAILURE", {"reason": error.detail[:1000]}))
        _log.warning("feed.failed", feed=state.name, reason=error.detail)

    def _entry(self, state: FeedState, work: Work, result: str, detail: Mapping[str, JsonValue]) -> AuditEntry:
        actor = Actor(work.begun_by, frozenset(), work.address)
        return AuditEntry(_ACTIONS[state.kind], result, actor, self._now(), detail={"feed": state.name, **detail})


def _subject(name: str) -> str:
    return f"feed:{name}"


def _settled(state: FeedState, pending: str) -> FeedState:
    """Without the file that was looked at; a newer one stays."""
    return replace(state, pending="", pending_bytes=0) if state.pending == pending else state


def _validators(source: FeedSource, fetched: Fetched) -> dict[str, str]:
    return {"url": source.location, "etag": fetched.etag, "last_modified": fetched.last_modified}
