"""A state of packages into a suite: everything through the gate while nobody looks, and back out if it is not to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.bundles import BundleTarget
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.bundles.head import Head
from entrepot.domain.bundles.lists import Entry
from entrepot.domain.jobs.work import Work
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.snapshot import Content
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.errors import CatalogConflict, EntrepotError, Kind, SameKeyOtherBytes
from entrepot.services.bundles.gate import Errand, Ways
from entrepot.services.bundles.heads import Heads
from entrepot.services.bundles.targets import Aim

_POSTPONED = (Kind.UNAVAILABLE, Kind.FULL)
_A_UNIT = 200
_MOST_NAMED = 50
_LOOK_SECONDS = 0.5


class Stop(Exception):
    """Somebody wants the import to end."""


@dataclass(slots=True)
class Tally:
    """What became of packages."""

    counts: dict[str, int] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    removed: int = 0

    def add(self, status: str, entry: Entry, message: str) -> None:
        """One more; those that did not come in are named."""
        self.counts[status] = self.counts.get(status, 0) + 1
        if status not in ("published", "skipped", "publishing") and len(self.named) < _MOST_NAMED:
            self.named.append(f"{entry.name} {entry.version} {entry.architecture}: {status} ({message[:200]})")


class Placing:
    """Works on one suite at a time; may be killed anywhere and be called again."""

    def __init__(self, catalog: Catalog, heads: Heads, ways: Ways, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._heads = heads
        self._ways = ways
        self._now = now

    def check(self, head: Head, aim: Aim) -> None:
        """Whether each package can be what its key says here.

        Raises:
            SameKeyOtherBytes: a version is known with other content.
        """
        live = self._live(aim.suite)
        archive = aim.suite.archive.id
        with self._catalog.read() as reading:
            for entry in head.entries(aim.state):
                if entry.digest in live:
                    continue
                key = PackageKey(aim.suite.format, entry.name, entry.version, entry.architecture)
                known = reading.claimed(archive, key)
                if known is not None and known.digest != entry.digest:
                    raise SameKeyOtherBytes(
                        f"{key} is known in archive {aim.suite.archive.name} with other content; nothing was imported",
                        incoming_sha256=entry.digest,
                        existing_sha256=known.digest,
                    )

    def bring(self, work: Work, actor: Actor, bundle: str, head: Head, aim: Aim, tally: Tally) -> None:
        """Every package through the gate.

        Raises:
            Stop: somebody wants it to end.
        """
        live, errand = self._live(aim.suite), Errand(actor, bundle, work.id, aim.suite)
        total = aim.state.entry_count
        for number, entry in enumerate(head.entries(aim.state), 1):
            if work.cancelled():
                raise Stop
            if entry.digest in live:
                tally.add("skipped", entry, "")
            else:
                self._one(errand, entry, tally)
            if number % 50 == 0 or number == total:
                message = f"{aim.suite.full_name}: {number} of {total}"
                work.progress(done=number, total=total, event={"message": message, "level": "info"})

    def _one(self, errand: Errand, entry: Entry, tally: Tally) -> None:
        try:
            passed = self._ways.let_in(errand, entry)
        except EntrepotError as error:
            if error.kind in _POSTPONED or isinstance(error, CatalogConflict):
                raise
            tally.add("error", entry, error.detail)
            return
        tally.add(passed.status, entry, passed.message)
        if passed.status == "publishing" and passed.admission is not None:
            tally.waiting.append(passed.admission)

    def settle(self, work: Work, tally: Tally) -> None:
        """Wait for what is inspected by others.

        Raises:
            Stop: somebody wants it to end.
        """
        waiting = list(tally.waiting)
        while waiting:
            if work.cancelled():
                raise Stop
            count = len(waiting)
            waiting = [one for one in waiting if self._ways.decided(one) == "publishing"]
            if len(waiting) < count:
                work.progress(event={"message": f"{len(waiting)} packages are being inspected", "level": "info"})
            if waiting:
                time.sleep(_LOOK_SECONDS)

    def drop(self, actor: Actor, bundle: str, head: Head, aim: Aim) -> int:
        """Take out what the bundle before brought and this one has no more; how many there were."""
        with self._catalog.read() as reading:
            last = reading.last_bundle_of(aim.suite.id)
        if last is None:
            return 0
        before = self._heads.get(last[0].head)
        state = next((one for one in before.manifest.states if one.list_path == last[1].list_path), None)
        brought = set() if state is None else {entry.digest for entry in before.entries(state)}
        wanted = {entry.digest for entry in head.entries(aim.state)}
        return self._withdraw(actor, bundle, aim.suite, brought - wanted)

    def undo(self, actor: Actor, bundle: str, head: Head, target: BundleTarget) -> int:
        """Take out what came since the import began; how many there were."""
        state = next(one for one in head.manifest.states if one.list_path == target.list_path)
        with self._catalog.read() as reading:
            suite = reading.suite(target.suite_id)
            before = {Digest(one.digest) for one in reading.contents_at(suite.id, target.before)}
        came = {entry.digest for entry in head.entries(state)} - before
        return self._withdraw(actor, bundle, suite, came)

    def _withdraw(self, actor: Actor, bundle: str, suite: Suite, digests: Collection[Digest]) -> int:
        going = [one for digest, one in self._live(suite).items() if digest in digests]
        for start in range(0, len(going), _A_UNIT):
            with self._catalog.write() as unit:
                revision = unit.touch_suite(suite.id)
                for one in going[start : start + _A_UNIT]:
                    unit.withdraw(suite.id, one.package_id, revision)
                    detail: dict[str, JsonValue] = {
                        "architecture": one.architecture,
                        "sha256": one.digest,
                        "bundle": bundle,
                    }
                    entry = AuditEntry(
                        "DELETE", "SUCCESS", actor, self._now(), one.name, one.version, suite.codename, detail
                    )
                    unit.audit(entry)
        return len(going)

    def _live(self, suite: Suite) -> dict[Digest, Content]:
        with self._catalog.read() as reading:
            now = reading.suite(SuiteId(suite.id))
            return {Digest(one.digest): one for one in reading.contents_at(now.id, now.revision)}
