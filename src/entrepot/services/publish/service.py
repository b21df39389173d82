"""The publisher: makes a suite's current generation show its revision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.domain.formats.manifest import Manifest
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Change, Suite, SuiteId
from entrepot.errors import LostRace
from entrepot.services.publish.documents import Documents, Twins, crowded, seal
from entrepot.services.publish.drafts import Built, Draft, Drafts, PublisherParts, affordable
from entrepot.services.publish.pace import Pace
from entrepot.services.publish.packs import PackWriter
from entrepot.services.publish.trees import DocumentPlan, TreeWriter

_log = structlog.get_logger(__name__)

_PACKS_PER_GENERATION = 48
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Published:
    """What a pursuit did.  ``changed`` is false when the goal was met already."""

    suite_id: SuiteId
    revision: int
    changed: bool
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """Documents that were gathered at a revision and wait for a generation to take them along."""

    revision: int
    documents: Mapping[str, Built]


Listener = Callable[[Published], None]
Settle = Callable[[SuiteId], object]
"""Waits for what is just arriving, a moment at most."""


class Publisher:
    """Builds, checks and switches.  Any number of publishers may run; the catalog lets one win."""

    def __init__(
        self, catalog: Catalog, parts: PublisherParts, trees: Mapping[Format, TreeWriter], now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._blobs = parts.blobs
        self._manifests = parts.manifests
        self._trees = trees
        self._documents = Documents(parts.blobs, parts.map_jobs)
        self._drafts = Drafts(parts, trees, self._documents)
        self._now = now
        self._listeners: list[Listener] = []
        self._settle: Settle | None = None
        self._settled: Listener | None = None
        self._pace = Pace()

    def on_switch(self, listener: Listener) -> None:
        """Have ``listener`` called, in the publishing thread, after every switch of this process."""
        self._listeners.append(listener)

    def gather(self, settle: Settle, settled: Listener) -> None:
        """Have publications wait a moment for packages that are just being taken in, and take them along.

        ``settled`` is told of a switch before those who wait for it.
        """
        self._settle, self._settled = settle, settled

    def unmet(self) -> list[Goal]:
        """Suites that have to be published or signed anew, found in the catalog."""
        with self._catalog.read() as reading:
            suites = {*reading.unpublished_suites(), *reading.suites_to_refresh(self._now())}
            held = {suite_id for suite_id, _ in reading.held_suites()}
            late = [suite_id for suite_id in reading.late_suites() if suite_id not in held]
        due = self._pace.due(late)
        return [
            *(Goal(GoalKind.PUBLISH, suite_id) for suite_id in sorted(suites - held)),
            *(Goal(GoalKind.PUBLISH_LATE, suite_id) for suite_id in sorted(due)),
        ]

    def publish(self, suite_id: SuiteId) -> Published:
        """Bring the goal about; a goal that is met costs one look-up.

        Raises:
            GenerationRefused: the new generation would have tripped clients; the old one stays in force.
            SigningUnavailable, StoreFull, StoreUnavailable, CatalogUnavailable: try again later.
        """
        if self._settle is not None:
            self._settle(suite_id)
        return self._until_won(suite_id, None)

    def publish_late(self, suite_id: SuiteId) -> Published:
        """Bring the documents up to date that are made later than the others.

        They are made first, for as long as it takes; only then a generation with them is built and switched, which is
        quick, so that a suite with many uploads neither waits for this nor starves it.

        Raises:
            As ``publish``.
        """
        with self._catalog.read() as reading:
            suite = reading.suite(suite_id)
            if suite.late_revision >= suite.published_revision or suite.generation_id is None:
                return Published(suite_id, suite.revision, changed=False)
            old = self._manifests.get(reading.generation(suite.generation_id).manifest)
            with self._pace.measured(suite_id), PackWriter(self._blobs) as writer:
                built = self._gather(reading, suite, old, writer)
                pack = writer.close()
        gathered = {each.plan.name: replace(each, document=seal(each.document, pack)) for each in built}
        return self._until_won(suite_id, Late(suite.revision, gathered))

    def _until_won(self, suite_id: SuiteId, late: Late | None) -> Published:
        for _ in range(_TRIES):
            try:
                done = self._publish_once(suite_id, late)
            except LostRace:
                continue
            if done.changed:
                for listener in (*filter(None, (self._settled,)), *self._listeners):
                    listener(done)
            return done
        raise LostRace("other publishers kept coming first")

    def _publish_once(self, suite_id: SuiteId, late: Late | None) -> Published:
        with self._catalog.read() as reading:
            suite = reading.suite(suite_id)
            if suite.verbatim:
                return self._confirm(reading, suite)
            if suite.settling:
                return Published(suite_id, suite.revision, changed=False)
            if any(suite_id == held for held, _ in reading.held_suites()):
                return Published(suite_id, suite.revision, changed=False)  # whole, or not at all: see services/bundles
            due = late is not None or suite_id in reading.suites_to_refresh(self._now())
            if suite.generation_id is not None and suite.revision == suite.published_revision and not due:
                return Published(suite_id, suite.revision, changed=False)
            old_generation = None if suite.generation_id is None else reading.generation(suite.generation_id)
            old = None if old_generation is None else self._manifests.get(old_generation.manifest)
            with PackWriter(self._blobs) as writer:
                built = self._build(reading, suite, old, {} if late is None else late.documents, writer)
                told = (reading.errata(suite_id), reading.documents(suite_id))
                count, extras = reading.package_count(suite_id), self._drafts.extras(suite, *told)
                pack = writer.close()
        now = self._monotone(old_generation)
        documents = {each.plan.name: replace(each, document=seal(each.document, pack)) for each in built}
        draft = self._drafts.write(suite, documents, (count, extras), old, now)
        if all(plan.later is None for plan in self._trees[suite.format].plan(suite)):
            return self._switch(suite, draft, now, late_revision=suite.revision)
        return self._switch(suite, draft, now, late_revision=None if late is None else late.revision)

    def _confirm(self, reading: Reading, suite: Suite) -> Published:
        """A suite that shows an upstream's files goes on showing them, whatever was said about it here."""
        if suite.generation_id is None or suite.revision == suite.published_revision:
            return Published(suite.id, suite.revision, changed=False)
        old = reading.generation(suite.generation_id)
        digests = list(self._manifests.get(old.manifest).hashed)
        draft = Draft(old.manifest, old.package_count, digests, None)
        return self._switch(suite, draft, self._monotone(old), late_revision=suite.revision)

    def _monotone(self, old: Generation | None) -> datetime:
        """Now, but never before the generation in force: clients refuse a Release older than the one they hold."""
        now = self._now()
        return now if old is None else max(now, old.published_at)

    def _build(
        self,
        reading: Reading,
        suite: Suite,
        old: Manifest | None,
        gathered: Mapping[str, Built],
        writer: PackWriter,
    ) -> list[Built]:
        changes = [] if old is None else reading.changes(suite.id, old.revision)
        known = {} if old is None else old.documents
        built: list[Built] = []
        twins = Twins(known.values())
        for plan in self._trees[suite.format].plan(suite):
            stored = known.get(plan.name)
            if plan.later is None:
                changed = _keys_for(plan, changes)
                document = self._documents.refresh(reading, suite, plan, stored, changed, twins, writer)
                built.append(Built(plan, document, suite.revision))
            elif plan.name in gathered:
                built.append(gathered[plan.name])
            elif stored is not None:
                built.append(Built(plan, stored.document, stored.revision))
        merge = crowded((each.document for each in built), _PACKS_PER_GENERATION)
        if merge:
            built = [replace(each, document=self._documents.move(each.document, merge, writer)) for each in built]
        return built

    def _gather(self, reading: Reading, suite: Suite, old: Manifest, writer: PackWriter) -> list[Built]:
        twins = Twins(old.documents.values())
        return [
            Built(plan, self._documents.gather(reading, suite, plan, plan.later, twins, writer), suite.revision)
            for plan in self._trees[suite.format].plan(suite)
            if plan.later is not None and affordable(reading, suite, plan)
        ]

    def _switch(self, suite: Suite, draft: Draft, now: datetime, *, late_revision: int | None) -> Published:
        for blob in (draft.manifest, *self._manifests.get(draft.manifest).packs()):
            if not self._blobs.has(blob):  # this process was stopped for longer than the collector waits
                raise LostRace("what was written for this generation is gone; it has to be built again")
        with self._catalog.write() as unit:
            generation = unit.switch(
                suite,
                suite.revision,
                draft.manifest,
                draft.package_count,
                draft.digests,
                draft.refresh_at,
                now,
                late_revision,
            )
            detail = {
                "generation": generation.number,
                "revision": suite.revision,
                "packages": draft.package_count,
                "suite_id": suite.id,
                "since": suite.published_revision,
            }
            unit.audit(AuditEntry("PUBLISH", "SUCCESS", SYSTEM, now, suite=suite.codename, detail=detail))
        _log.info(
            "suite.published",
            suite=suite.codename,
            generation=generation.number,
            revision=suite.revision,
            packages=draft.package_count,
        )
        return Published(suite.id, suite.revision, changed=True, generation=generation)


def _keys_for(plan: DocumentPlan, changes: Sequence[Change]) -> frozenset[bytes]:
    return frozenset(
        change.key for change in changes if change.component == plan.component and change.architecture in plan.trees
    )
