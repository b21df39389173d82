"""Imports as jobs: checked whole, then let in behind a closed door, then shown at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.bundles import Bundle, BundleStatus, BundleTarget
from entrepot.adapters.catalog.jobs import Begin
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.queue.base import Queue
from entrepot.domain.bundles.head import Head
from entrepot.domain.bundles.manifest import Content
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.jobs.work import JobId, Work
from entrepot.domain.model.actor import SYSTEM, Actor, Role
from entrepot.domain.model.suite import SuiteId
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyExists, CatalogConflict, EntrepotError, Kind, NotFound
from entrepot.services.bundles.gate import Ways
from entrepot.services.bundles.heads import Heads
from entrepot.services.bundles.placing import Placing, Stop, Tally
from entrepot.services.bundles.shelf import lack_of
from entrepot.services.bundles.targets import Aim, ImportWish, Targets, check_order, check_whole

IMPORT_JOB = "bundle-import"
_PUBLISH_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class BegunImport:
    """A job that was begun, or attached to."""

    job: JobId
    bundle: Bundle
    into: Mapping[str, str]


class BundleImports:
    """Begins jobs and does them."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        heads: Heads,
        targets: Targets,
        ways: Ways,
        begin: Begin,
        wake: Callable[[JobId], None],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._heads = heads
        self._targets = targets
        self._ways = ways
        self._placing = Placing(catalog, heads, ways, now)
        self._begin = begin
        self._wake = wake
        self._now = now

    def begin(self, actor: Actor, bundle_id: str, wish: ImportWish) -> BegunImport:
        """The job that imports a bundle, all of which has arrived.

        Raises:
            NotFound, UnknownDistribution, InvalidRequest: there is no such bundle, or nowhere to go.
            BundleIncomplete, BundleBaseMissing, BundleReplayed: it cannot be imported now.
        """
        demand(actor, Permission.BUNDLE_IMPORT)
        with self._catalog.read() as reading:
            bundle = _came(reading, bundle_id)
        head = self._heads.get(bundle.head)
        check_whole(bundle, lack_of(self._heads, head))
        aims = self._targets.aims(actor, head, wish)
        rows: list[JsonValue] = [{"list": aim.state.list_path, "suite": aim.suite.id} for aim in aims]
        parameters: dict[str, JsonValue] = {"bundle": bundle.id, "targets": rows, "snapshot": wish.snapshot}
        into = {aim.state.reference: aim.suite.path_name for aim in aims}
        with self._catalog.write() as unit:
            check_order(unit, bundle, aims, wish)
            running = unit.running_job(IMPORT_JOB, f"bundle:{bundle.id}")
            label = bundle.label or ", ".join(into)
            job = self._begin(unit, IMPORT_JOB, label[:200], actor, f"bundle:{bundle.id}", None, parameters)
            if running is None:
                detail: dict[str, JsonValue] = {"bundle": bundle.id, "into": dict(into), "job": job}
                unit.audit(AuditEntry("BUNDLE_IMPORT", "START", actor, self._now(), detail=detail))
        self._wake(job)
        return BegunImport(job, bundle, into)

    def pursue(self, work: Work) -> Mapping[str, JsonValue]:
        """Do a job.  Suites that packages go into are not published meanwhile.

        Raises:
            EntrepotError: it cannot be done; then nothing has changed.
        """
        actor = Actor(work.begun_by, frozenset({Role.MAINTAINER}), work.address)
        with self._catalog.read() as reading:
            bundle = _came(reading, str(work.parameters["bundle"]))
            head = self._heads.get(bundle.head)
            aims = [_aim(reading, head, row) for row in _rows(work)]
        tally = Tally()
        try:
            self._bring(work, actor, bundle, head, aims, tally)
        except Stop:
            self._undo(actor, bundle, head, "cancelled")
            return {}
        except EntrepotError as error:
            if error.kind is not Kind.UNAVAILABLE and not isinstance(error, CatalogConflict):
                self._undo(actor, bundle, head, error.detail)
            raise
        result = self._end(actor, bundle, aims, tally)
        self._keep(work, actor, aims)
        return result

    def _bring(self, work: Work, actor: Actor, bundle: Bundle, head: Head, aims: Sequence[Aim], tally: Tally) -> None:
        packages = [aim for aim in aims if aim.state.content is Content.PACKAGES]
        check_whole(bundle, lack_of(self._heads, head))
        for aim in packages:
            self._placing.check(head, aim)
        with self._catalog.write() as unit:
            unit.hold_suites(
                [
                    BundleTarget(
                        bundle.number,
                        aim.suite.id,
                        unit.suite(aim.suite.id).revision,
                        aim.state.list_path,
                        holding=True,
                        done=False,
                    )
                    for aim in aims
                ]
            )
        for aim in packages:
            self._placing.bring(work, actor, bundle.id, head, aim, tally)
        self._placing.settle(work, tally)
        for aim in aims:
            if aim.state.content is Content.VERBATIM:
                self._ways.fill(actor, aim.suite, aim.state, head, _teller(work))
        for aim in packages:
            tally.removed += self._placing.drop(actor, bundle.id, head, aim)

    def _end(self, actor: Actor, bundle: Bundle, aims: Sequence[Aim], tally: Tally) -> Mapping[str, JsonValue]:
        now = self._now()
        result: dict[str, JsonValue] = {
            "bundle": bundle.id,
            **dict(tally.counts),
            "removed": tally.removed,
            "not_taken": list(tally.named),
            "distributions": [aim.suite.full_name for aim in aims],
        }
        with self._catalog.write() as unit:
            unit.release_suites(bundle.number, done=True)
            unit.note_bundle(bundle.number, BundleStatus.IMPORTED, now, result)
            outcome = "PARTIAL" if tally.named else "SUCCESS"
            unit.audit(AuditEntry("BUNDLE_IMPORT", outcome, actor, now, detail=result))
        for aim in aims:
            self._queue.submit(Goal(GoalKind.PUBLISH, aim.suite.id))
        return result

    def _keep(self, work: Work, actor: Actor, aims: Sequence[Aim]) -> None:
        """Under a name, once it is shown."""
        name = str(work.parameters["snapshot"])
        if not name:
            return
        for aim in aims:
            while not self._is_shown(aim.suite.id):
                if work.cancelled():
                    return
                time.sleep(_PUBLISH_SECONDS)
            try:
                self._ways.keep(actor, aim.suite.full_name, name)
            except AlreadyExists as error:
                work.progress(event={"message": error.detail, "level": "warning"})

    def _is_shown(self, suite_id: SuiteId) -> bool:
        with self._catalog.read() as reading:
            suite = reading.suite(suite_id)
        return suite.verbatim or suite.published_revision >= suite.revision

    def _undo(self, actor: Actor, bundle: Bundle, head: Head, why: str) -> None:
        with self._catalog.read() as reading:
            held = [target for target in reading.bundle_targets(bundle.number) if target.holding]
            verbatim = {target.suite_id for target in held if reading.suite(target.suite_id).verbatim}
        for target in held:
            if target.suite_id not in verbatim:
                self._placing.undo(actor, bundle.id, head, target)
        detail: dict[str, JsonValue] = {"bundle": bundle.id, "reason": why[:500]}
        with self._catalog.write() as unit:
            unit.release_suites(bundle.number, done=False)
            unit.audit(AuditEntry("BUNDLE_IMPORT", "FAILURE", actor, self._now(), detail=detail))
        for target in held:
            self._queue.submit(Goal(GoalKind.PUBLISH, target.suite_id))

    def release_abandoned(self) -> None:
        """Suites that are held for an import which has ended without a word; called every few seconds."""
        with self._catalog.read() as reading:
            numbers = {number for _, number in reading.held_suites()}
            if not numbers:
                return
            bundles = [one for one in reading.bundles(0, 1000)[0] if one.number in numbers]
            idle = [one for one in bundles if reading.running_job(IMPORT_JOB, f"bundle:{one.id}") is None]
        for bundle in idle:
            self._undo(SYSTEM, bundle, self._heads.get(bundle.head), "its job has ended")


def _teller(work: Work) -> Callable[[str, int, str], None]:
    def tell(_status: str, count: int, message: str) -> None:
        if work.cancelled():
            raise Stop
        if message:
            work.progress(done=count, event={"message": message, "level": "info"})

    return tell


def _came(reading: Reading, bundle_id: str) -> Bundle:
    found = reading.bundle(bundle_id, made_here=False)
    if found is None:
        raise NotFound(f"no bundle {bundle_id[:40]} came here; POST /bundles/import takes its volumes")
    return found


def _rows(work: Work) -> Sequence[Mapping[str, JsonValue]]:
    return cast("Sequence[Mapping[str, JsonValue]]", work.parameters["targets"])


def _aim(reading: Reading, head: Head, row: Mapping[str, JsonValue]) -> Aim:
    state = next(one for one in head.manifest.states if one.list_path == row["list"])
    return Aim(state, reading.suite(SuiteId(cast("int", row["suite"]))))
