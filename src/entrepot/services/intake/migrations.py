"""All packages of one suite, or some, into another one: in batches, each a unit, with one publication in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.records import AuditEntry, JsonValue, Placement
from entrepot.adapters.queue.base import Queue
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import PackageId
from entrepot.domain.policy.gate import Verdict
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.domain.policy.promotion import PromotionVerdict
from entrepot.errors import AlreadyDecided, PackageQuarantined, SameKeyOtherBytes
from entrepot.services.intake.admit import repeat_lost_races
from entrepot.services.intake.movements import Revisions
from entrepot.services.intake.pairs import Pair, copy, find_pair
from entrepot.services.intake.promotions import PromotionRequest, record
from entrepot.services.intake.standings import Standings

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Unmoved:
    """A package that did not go, and why; ``promotion`` is the number under which it waits for a person."""

    name: str
    key: PackageKey | None
    code: str
    message: str
    promotion: int | None = None


@dataclass(slots=True)
class Migration:
    """What became of it; ``present`` were in the target already."""

    pair: Pair
    moved: list[PackageKey] = field(default_factory=list)
    present: int = 0
    pending: list[Unmoved] = field(default_factory=list)
    errors: list[Unmoved] = field(default_factory=list)
    revision: int | None = None

    @property
    def revisions(self) -> Revisions:
        """What clients have to see before it is done."""
        return {} if self.revision is None else {self.pair.target.id: self.revision}


class Migrations:
    """Every version that the source has goes, each past the same policy as a single promotion."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        standings: Standings,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._formats = formats
        self._standings = standings
        self._now = now

    def migrate(self, actor: Actor, source: str, target: str, names: Sequence[str] | None) -> Migration:
        """Copy all packages of a suite, or those of some names; what cannot go does not stop the others.

        A batch is whole or not at all.  What was copied stays copied when a later batch fails: ask again to go on.

        Raises:
            UnknownDistribution, InvalidRequest: the suites do not fit.
        """
        demand(actor, Permission.PACKAGE_PROMOTE)
        with self._catalog.read() as reading:
            pair = find_pair(reading, source, target)
            demand_suite(actor, pair.target)
            found = reading.shelved_in(pair.source.id, None if names is None else set(names))
        migration = Migration(pair)
        present = {name for _, name in found}
        for absent in dict.fromkeys(names or ()):
            if absent not in present:
                sentence = f"{absent[:200]} is not in {pair.source.codename}"
                migration.errors.append(Unmoved(absent, None, "not_found", sentence))
        try:
            for numbers in _batches([number for number, _ in found]):
                self._move(actor, migration, numbers)
            self._conclude(actor, migration)
        finally:
            if migration.revision is not None:
                self._queue.submit(Goal(GoalKind.PUBLISH, pair.target.id))
        return migration

    def _move(self, actor: Actor, migration: Migration, numbers: Sequence[PackageId]) -> None:
        pair = migration.pair
        with self._catalog.read() as reading:
            there = reading.live_among(pair.target.id, numbers)
            placements = reading.placements_of(pair.source.id, [one for one in numbers if one not in there])
        migration.present += len(there)
        if not placements:
            return
        placements.sort(key=lambda one: one.package.key)
        verdicts = self._standings.verdicts(placements, pair.target)
        batch = repeat_lost_races(lambda: self._move_batch(actor, pair, placements, verdicts))
        migration.moved += batch.moved
        migration.present += batch.present
        migration.pending += batch.pending
        migration.errors += batch.errors
        migration.revision = batch.revision or migration.revision

    def _move_batch(
        self, actor: Actor, pair: Pair, placements: Sequence[Placement], verdicts: Mapping[PackageId, PromotionVerdict]
    ) -> Migration:
        done, now = Migration(pair), self._now()
        numbers = [one.package.id for one in placements]
        with self._catalog.write() as unit:
            here, there = unit.live_among(pair.source.id, numbers), unit.live_among(pair.target.id, numbers)
            done.present = len(there)
            for one in placements:
                if one.package.id in here and one.package.id not in there:
                    self._move_one(unit, actor, done, one, verdicts[one.package.id], now)
        return done

    def _move_one(
        self, unit: Writing, actor: Actor, done: Migration, one: Placement, verdict: PromotionVerdict, now: datetime
    ) -> None:
        key, pair = one.package.key, done.pair
        if verdict.verdict is not Verdict.ACCEPT:
            request = PromotionRequest(key.name, pair.source.codename, pair.target.codename, key.version)
            number = record(unit, actor, request, pair, [one], verdict, now)
            reasons = "; ".join(reason.message for reason in verdict.reasons)
            held = verdict.verdict is Verdict.HOLD
            unmoved = Unmoved(key.name, key, "pending_review" if held else "policy_blocked", reasons, number)
            (done.pending if held else done.errors).append(unmoved)
            return
        try:
            outcomes = verdict.standings[0].outcomes
            done.revision = copy(unit, self._formats, one, pair.target, actor, now, outcomes)
        except (SameKeyOtherBytes, AlreadyDecided, PackageQuarantined) as error:  # raised before anything was written
            done.errors.append(Unmoved(key.name, key, error.code, error.detail))
            return
        done.moved.append(key)
        detail = {"from": pair.source.codename, "architecture": key.architecture, "sha256": one.package.digest}
        unit.audit(AuditEntry("MIGRATE", "SUCCESS", actor, now, key.name, key.version, pair.target.codename, detail))

    def _conclude(self, actor: Actor, migration: Migration) -> None:
        pair, counts = migration.pair, Counter[str]()
        counts.update(moved=len(migration.moved), present=migration.present)
        counts.update(pending=len(migration.pending), errors=len(migration.errors))
        result = "PARTIAL" if migration.pending or migration.errors else "SUCCESS"
        detail: dict[str, JsonValue] = {"from": pair.source.codename, "to": pair.target.codename, **counts}
        with self._catalog.write() as unit:
            unit.audit(AuditEntry("MIGRATE", result, actor, self._now(), suite=pair.target.codename, detail=detail))


def _batches(numbers: Sequence[PackageId]) -> Iterator[Sequence[PackageId]]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]
