"""Decisions that end: found by the keeper, done once, told before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.decisions import HeldPackage, StoredDecision
from entrepot.adapters.catalog.records import AuditEntry, JsonValue, PackageFilter
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.finding import Severity
from entrepot.domain.model.package import Format
from entrepot.domain.policy.decisions import Ending, review_days
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.services.intake.admit import repeat_lost_races
from entrepot.services.intake.decisions import acts

_BATCH = 200
_PRESSING = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)


@dataclass(slots=True)
class Turn:
    """What one look did.  ``expiring`` are all that end soon; ``told`` counts messages."""

    expired: list[StoredDecision] = field(default_factory=list)
    expiring: list[StoredDecision] = field(default_factory=list)
    resolved: list[StoredDecision] = field(default_factory=list)
    overdue: list[HeldPackage] = field(default_factory=list)
    told: int = 0


class Waivers:
    """Brings the goal about that no decision outlives its end, and that people hear of it in time."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._queue = queue
        self._formats = formats
        self._configuration = configuration
        self._now = now
        self._compared: object = None

    def unmet(self) -> list[Goal]:
        """Whether anything has come to its end, is about to, or is late; a few look-ups in narrow indexes."""
        now = self._now()
        with self._catalog.read() as reading:
            due = (
                reading.expired_decisions(now, 1)
                or self._expiring(reading, now, 1, untold=True)
                or self._overdue(reading, now, 1)
                or reading.forgotten_blocks(self._blocked_before(now), 1)
                or self._upgraded(reading, lazily=True)
            )
        return [Goal(GoalKind.REVIEW)] if due else []

    def pursue(self) -> Turn:
        """End what has come to its end, in a unit for each; tell of what is about to, and of what is late."""
        turn, now = Turn(), self._now()
        while True:
            with self._catalog.read() as reading:
                numbers = reading.expired_decisions(now, _BATCH)
            for number in numbers:
                self._expire(turn, number, now)
            if len(numbers) < _BATCH:
                break
        self._resolve(turn, now)
        self._tell(turn, now)
        with self._catalog.write() as unit:
            for number in unit.forgotten_blocks(self._blocked_before(now), _BATCH):
                unit.forget_block(number)
        return turn

    def check(self, actor: Actor) -> Turn:
        """The same, because somebody asks; and everything that ends soon."""
        demand(actor, Permission.REVIEW_OVERRIDE)
        turn, now = self.pursue(), self._now()
        with self._catalog.read() as reading:
            turn.expiring = self._expiring(reading, now, _BATCH, untold=False)
        detail: dict[str, JsonValue] = {
            "expired": len(turn.expired),
            "expiring": len(turn.expiring),
            "overdue": len(turn.overdue),
        }
        with self._catalog.write() as unit:
            unit.audit(AuditEntry("SLA_CHECK", "SUCCESS", actor, now, detail=detail))
        return turn

    def _expire(self, turn: Turn, number: int, now: datetime) -> None:
        with self._catalog.read() as reading:
            decision = reading.stored_decision(number)
        kept = self._blobs.has(decision.digest)
        if repeat_lost_races(lambda: self._end(decision, now, kept=kept)):
            turn.expired.append(decision)
            turn.told += 1
            self._queue.submit(Goal(GoalKind.PUBLISH, decision.suite_id))

    def _end(self, decision: StoredDecision, now: datetime, *, kept: bool) -> bool:
        until = f" of {decision.expires_at:%Y-%m-%d}" if decision.expires_at else ""
        reason = f"the decision{until} by {decision.decided_by} has come to its end: {decision.justification}"
        with self._catalog.write() as unit:
            done, revision = acts.end(unit, decision, Ending.EXPIRED, SYSTEM, reason, now, kept=kept)
            if done:
                more: dict[str, JsonValue] = {"decided_by": decision.decided_by, "withdrawn": revision is not None}
                unit.audit(acts.audit_of("SLA_EXPIRED", "WARNING", SYSTEM, decision, now, more))
        return done

    def _upgraded(self, reading: Reading, *, lazily: bool) -> list[tuple[StoredDecision, str]]:
        """Decisions whose newer version clients can have, with that version; ``lazily`` unless nothing changed."""
        wanted = reading.wanted_upgrades()
        if not wanted:
            return []
        suites = {suite.id: suite.published_revision for suite in reading.suites(removed=True)}
        seen = ([one.id for one in wanted], [suites[one.suite_id] for one in wanted])
        if lazily and seen == self._compared:
            return []
        found = [(one, version) for one in wanted if (version := self._newer(reading, one)) is not None]
        self._compared = None if found else seen
        return found

    def _newer(self, reading: Reading, decision: StoredDecision) -> str | None:
        key = decision.key
        compare = self._formats[key.format].compare
        for placement in reading.placements(PackageFilter(name=key.name, format=key.format)):
            there = placement.package.key
            if placement.suite.id != decision.suite_id or there.architecture != key.architecture:
                continue
            if placement.package.id == decision.package_id or not placement.published:
                continue
            target = decision.target_version
            if compare(there.version, target) >= 0 if target else compare(there.version, key.version) > 0:
                return there.version
        return None

    def _resolve(self, turn: Turn, now: datetime) -> None:
        with self._catalog.read() as reading:
            found = self._upgraded(reading, lazily=False)
        for decision, version in found:
            note = f"{version} is published"
            with self._catalog.write() as unit:
                if unit.end_decision(decision.id, Ending.RESOLVED, SYSTEM.name, now):
                    unit.resolve_decision(decision.id, SYSTEM.name, now, note)
                    unit.audit(acts.audit_of("DECISION_RESOLVED", "SUCCESS", SYSTEM, decision, now, {"note": note}))
                    turn.resolved.append(decision)

    def _tell(self, turn: Turn, now: datetime) -> None:
        with self._catalog.read() as reading:
            expiring = self._expiring(reading, now, _BATCH, untold=True)
            overdue = self._overdue(reading, now, _BATCH)
        for decision in expiring:
            left = _days(decision, now)
            with self._catalog.write() as unit:
                if unit.tell_expiring(decision.id, now):
                    unit.audit(acts.audit_of("SLA_EXPIRING", "WARNING", SYSTEM, decision, now, {"days_left": left}))
                    turn.told += 1
        for number in overdue:
            with self._catalog.write() as unit:
                one = unit.held(number)
                if one is not None and unit.tell_overdue(number, now):
                    unit.audit(_late(one, now))
                    turn.overdue.append(one)
                    turn.told += 1

    def _expiring(self, reading: Reading, now: datetime, limit: int, *, untold: bool) -> list[StoredDecision]:
        until = now + timedelta(days=self._configuration().decisions.warning_days)
        return reading.expiring_decisions(now, until, limit, untold=untold)

    def _overdue(self, reading: Reading, now: datetime, limit: int) -> Sequence[int]:
        policy = self._configuration().cve_policy
        found: list[int] = []
        for severity in _PRESSING:
            days = review_days(severity, policy)
            if days is not None:
                found += reading.overdue(severity, now - timedelta(days=days), limit)
        return found

    def _blocked_before(self, now: datetime) -> datetime:
        return now - timedelta(days=self._configuration().decisions.blocked_days)


def _days(decision: StoredDecision, now: datetime) -> int:
    return 0 if decision.expires_at is None else max(0, (decision.expires_at - now).days)


def _late(one: HeldPackage, now: datetime) -> AuditEntry:
    key, worst = one.package.key, one.rating.worst
    detail: dict[str, JsonValue] = {
        "architecture": key.architecture,
        "severity": worst.value if worst else None,
        "held_at": one.held_at.isoformat(),
        "assigned_to": one.assignee.name if one.assignee else None,
        "reason": f"it has waited for a decision since {one.held_at:%Y-%m-%d}",
    }
    return AuditEntry("SLA_OVERDUE", "WARNING", SYSTEM, now, key.name, key.version, one.suite.codename, detail)
