"""What people decided, and what nobody may have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.decisions import DecisionFilter, Quarantine, StoredDecision
from entrepot.adapters.catalog.records import PackageFilter, StoredPackage
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.conditions import conditions_of
from entrepot.adapters.catalog.sql.holding import assigned, assignee_conditions, assignee_of
from entrepot.adapters.catalog.sql.rows import Row, package_of
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.policy.decisions import DecisionAction, Ending
from entrepot.errors import NotFound

_ROW = t.decision.c
_QUARANTINED = sa.select(t.quarantine).where(
    t.quarantine.c.package_id.in_(sa.bindparam("its_packages", expanding=True))
)
_IN_FORCE = _ROW.ended_at.is_(None)
_PUBLISHES = [action.value for action in DecisionAction if action.publishes]


class DecisionQueries:
    """Implements the rest of ``DecisionReading`` and ``DecisionWriting``."""

    _connection: sa.Connection

    def stored_decision(self, decision_id: int) -> StoredDecision:
        """One by id."""
        row = self._connection.execute(_wide().where(_ROW.id == decision_id)).first()
        if row is None:
            raise NotFound("there is no such decision")
        return _decision_of(row)

    def decision_page(self, conditions: DecisionFilter, offset: int, limit: int) -> tuple[list[StoredDecision], int]:
        """A page and the number of all."""
        found = _conditions(conditions)
        total = self._connection.execute(_joined(sa.select(sa.func.count())).where(*found)).scalar_one()
        query = _wide().where(*found).order_by(_ROW.id.desc()).offset(offset).limit(limit)
        return [_decision_of(row) for row in self._connection.execute(query)], int(total)

    def decision_counts(self) -> Mapping[tuple[DecisionAction, bool], int]:
        """Grouped."""
        in_force = sa.case((_IN_FORCE, 1), else_=0)
        query = sa.select(_ROW.action, in_force, sa.func.count()).group_by(_ROW.action, in_force)
        return {(DecisionAction(row[0]), bool(row[1])): int(row[2]) for row in self._connection.execute(query)}

    def decisions_about(
        self, package_ids: Collection[PackageId], suite_id: SuiteId | None = None
    ) -> Mapping[tuple[PackageId, SuiteId], StoredDecision]:
        """Later ones take the place of earlier ones."""
        if not package_ids:
            return {}
        query = _wide().where(_ROW.package_id.in_(list(package_ids)))
        if suite_id is not None:
            query = query.where(_ROW.suite_id == suite_id)
        found = (_decision_of(row) for row in self._connection.execute(query.order_by(_ROW.id)))
        return {(one.package_id, one.suite_id): one for one in found}

    def accepted_findings(self, package_id: PackageId, suite_id: SuiteId, now: datetime) -> frozenset[str]:
        """At most one decision is in force."""
        query = sa.select(_ROW.accepted).where(
            _ROW.package_id == package_id,
            _ROW.suite_id == suite_id,
            _IN_FORCE,
            _ROW.action.in_(_PUBLISHES),
            sa.or_(_ROW.expires_at.is_(None), _ROW.expires_at > now),
        )
        return frozenset(str(one) for ids in self._connection.execute(query).scalars() for one in ids)

    def expired_decisions(self, now: datetime, limit: int) -> list[int]:
        """In the order of their ends."""
        query = sa.select(_ROW.id).where(_IN_FORCE, _ROW.expires_at <= now).order_by(_ROW.expires_at).limit(limit)
        return list(self._connection.execute(query).scalars())

    def expiring_decisions(self, now: datetime, until: datetime, limit: int, *, untold: bool) -> list[StoredDecision]:
        """In the order of their ends."""
        query = _wide().where(_IN_FORCE, _ROW.expires_at > now, _ROW.expires_at <= until)
        if untold:
            query = query.where(_ROW.expiring_told_at.is_(None))
        return [_decision_of(row) for row in self._connection.execute(query.order_by(_ROW.expires_at).limit(limit))]

    def wanted_upgrades(self) -> list[StoredDecision]:
        """Of packages whose suite has another of their name."""
        other = (
            sa.exists()
            .where(t.shelf.c.suite_id == _ROW.suite_id, t.shelf.c.name == t.package.c.name, sa.not_(t.shelf.c.waits))
            .correlate(t.decision, t.package)
        )
        query = _wide().where(_IN_FORCE, _ROW.action == DecisionAction.UPGRADE_REQUIRED.value, other)
        return [_decision_of(row) for row in self._connection.execute(query.order_by(_ROW.id))]

    def quarantined(self, package_ids: Collection[PackageId]) -> Mapping[PackageId, Quarantine]:
        """By id."""
        if not package_ids:
            return {}
        rows = self._connection.execute(_QUARANTINED, {"its_packages": list(package_ids)})
        return {PackageId(row.package_id): _quarantine_of(row) for row in rows}

    def quarantined_named(self, names: Collection[str]) -> list[Quarantine]:
        """By name."""
        query = sa.select(t.quarantine).join(t.package, t.package.c.id == t.quarantine.c.package_id)
        chosen = query.where(t.package.c.name.in_(list(names))).order_by(t.package.c.id)
        return [_quarantine_of(row) for row in self._connection.execute(chosen)]

    def packages_keyed(self, conditions: PackageFilter) -> list[StoredPackage]:
        """In the order in which they came in."""
        query = sa.select(t.package).where(*conditions_of(conditions, sa.literal(conditions.suite)))
        return [package_of(row) for row in self._connection.execute(query.order_by(t.package.c.id))]

    def add_decision(self, decision: StoredDecision) -> int:
        """A new row; the index of those in force lets one in."""
        values = {
            "suite_id": decision.suite_id,
            "package_id": decision.package_id,
            "component": decision.component,
            "action": decision.action.value,
            "justification": decision.justification,
            "decided_by": decision.decided_by,
            "decided_at": decision.decided_at,
            **_changing(decision),
            "accepted": list(decision.accepted),
            "requested_by": decision.requested_by,
        }
        query = sa.insert(t.decision).values(values).returning(_ROW.id)
        return int(self._connection.execute(query).scalar_one())

    def change_decision(self, decision: StoredDecision) -> bool:
        """What may change of one in force."""
        values = {**_changing(decision), "accepted": list(decision.accepted), "justification": decision.justification}
        change = sa.update(t.decision).where(_ROW.id == decision.id, _IN_FORCE)
        return self._one(change.values({**values, "expiring_told_at": None}))

    def resolve_decision(self, decision_id: int, by: str, now: datetime, note: str) -> bool:
        """Once."""
        change = sa.update(t.decision).where(_ROW.id == decision_id, _ROW.resolved_at.is_(None))
        return self._one(change.values(resolved_at=now, resolved_by=by, resolution=note))

    def end_decision(self, decision_id: int, ending: Ending, by: str, now: datetime) -> bool:
        """Compare and set."""
        change = sa.update(t.decision).where(_ROW.id == decision_id, _IN_FORCE)
        if ending is Ending.EXPIRED:  # somebody may have prolonged it meanwhile
            change = change.where(_ROW.expires_at <= now)
        return self._one(change.values(ended_at=now, ending=ending.value, ended_by=by))

    def tell_expiring(self, decision_id: int, now: datetime) -> bool:
        """Compare and set."""
        change = sa.update(t.decision).where(_ROW.id == decision_id, _IN_FORCE, _ROW.expiring_told_at.is_(None))
        return self._one(change.values(expiring_told_at=now))

    def _one(self, change: sa.Update) -> bool:
        return self._connection.execute(change.returning(_ROW.id)).first() is not None

    def seize(self, package_id: PackageId) -> None:
        """Rows that name a package hold a weak lock on it; SQLite has one writer anyway."""
        query = sa.select(t.package.c.id).where(t.package.c.id == package_id).with_for_update()
        self._connection.execute(query)

    def quarantine(self, quarantine: Quarantine) -> bool:
        """Insert, if nobody did."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        row = insert(t.quarantine).values(
            package_id=quarantine.package_id,
            reason=quarantine.reason,
            quarantined_by=quarantine.quarantined_by,
            quarantined_at=quarantine.quarantined_at,
        )
        new = row.on_conflict_do_nothing(index_elements=["package_id"]).returning(t.quarantine.c.package_id)
        return self._connection.execute(new).first() is not None

    def release(self, package_id: PackageId) -> bool:
        """Delete."""
        gone = sa.delete(t.quarantine).where(t.quarantine.c.package_id == package_id)
        return self._connection.execute(gone.returning(t.quarantine.c.package_id)).first() is not None


def _joined(query: sa.Select[Any]) -> sa.Select[Any]:
    return (
        query.select_from(t.decision)
        .join(t.package, t.package.c.id == _ROW.package_id)
        .join(t.suite, t.suite.c.id == _ROW.suite_id)
    )


def _wide() -> sa.Select[Any]:
    package = t.package.c
    key = (package.format, package.name, package.version, package.architecture, package.digest)
    return _joined(sa.select(t.decision, *key, t.suite.c.codename))


def _conditions(wanted: DecisionFilter) -> list[sa.ColumnElement[bool]]:
    found = conditions_of(wanted.package, t.suite.c.codename)
    if wanted.suites is not None:
        found.append(_ROW.suite_id.in_(list(wanted.suites)))
    found += assignee_conditions(t.decision, wanted.assignees, unassigned=wanted.unassigned)
    if wanted.in_force is not None:
        found.append(_IN_FORCE if wanted.in_force else _ROW.ended_at.is_not(None))
    if wanted.actions:
        found.append(_ROW.action.in_([action.value for action in wanted.actions]))
    if wanted.decided_by:
        found.append(_ROW.decided_by == wanted.decided_by)
    return found


def _changing(decision: StoredDecision) -> dict[str, Any]:
    return {
        "expires_at": decision.expires_at,
        "target_version": decision.target_version,
        "cve_ids": list(decision.cve_ids),
        **assigned(decision.assignee, decision.assigned_at or decision.decided_at),
    }


def _decision_of(row: Row) -> StoredDecision:
    return StoredDecision(
        id=row.id,
        suite_id=SuiteId(row.suite_id),
        package_id=PackageId(row.package_id),
        key=PackageKey(Format(row.format), row.name, row.version, row.architecture),
        codename=row.codename,
        digest=Digest(row.digest),
        component=row.component,
        action=DecisionAction(row.action),
        justification=row.justification,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        expires_at=row.expires_at,
        target_version=row.target_version,
        cve_ids=tuple(row.cve_ids),
        accepted=tuple(row.accepted),
        assignee=assignee_of(row),
        assigned_at=row.assigned_at,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        resolution=row.resolution,
        ended_at=row.ended_at,
        ending=None if row.ending is None else Ending(row.ending),
        ended_by=row.ended_by,
        requested_by=row.requested_by,
    )


def _quarantine_of(row: Row) -> Quarantine:
    return Quarantine(PackageId(row.package_id), row.reason, row.quarantined_by, row.quarantined_at)
