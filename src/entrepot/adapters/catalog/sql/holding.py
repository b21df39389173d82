"""What waits for a person: one narrow row for each, kept with the admissions, in the same unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from entrepot.adapters.catalog.decisions import Assignee, HeldFilter, HeldPackage, Rating
from entrepot.adapters.catalog.records import AdmissionState, StoredPackage
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.conditions import conditions_of
from entrepot.adapters.catalog.sql.rows import Row, admission_of, package_of, suite_columns, suite_of
from entrepot.domain.model.finding import SEVERITIES, Severity
from entrepot.domain.model.suite import PackageId, SuiteId

_ROW = t.held.c
_ORDER = (_ROW.severity, _ROW.held_at, _ROW.admission_id)
_UNRATED = len(SEVERITIES)
_BLOCKED = sa.literal(value=True) == _ROW.blocked  # written so that SQLite looks into the index


class Holding:
    """Implements the part of ``DecisionReading`` and ``DecisionWriting`` about what waits."""

    _connection: sa.Connection

    def _hold(
        self, admission_id: int, suite_id: SuiteId, package_id: PackageId, now: datetime, *, blocked: bool = False
    ) -> None:
        row = {
            "admission_id": admission_id,
            "suite_id": suite_id,
            "package_id": package_id,
            "severity": _UNRATED,
            "blocked": blocked,
            "held_at": now,
            "rating": {},
        }
        self._connection.execute(sa.insert(t.held).values(row))

    def _is_held(self, admission_id: int) -> bool:
        known = sa.select(_ROW.admission_id).where(_ROW.admission_id == admission_id)
        return self._connection.execute(known).first() is not None

    def _unhold(self, admission_id: int) -> bool:
        gone = sa.delete(t.held).where(_ROW.admission_id == admission_id).returning(_ROW.admission_id)
        return self._connection.execute(gone).first() is not None

    def held_page(self, conditions: HeldFilter, offset: int, limit: int) -> tuple[list[HeldPackage], int]:
        """Chosen from narrow rows alone; only the page is read in full."""
        found = self._held_conditions(conditions)
        total = int(self._connection.execute(sa.select(sa.func.count()).select_from(t.held).where(*found)).scalar_one())
        page = sa.select(_ROW.admission_id).where(*found).order_by(*_ORDER).offset(offset).limit(limit)
        return self._held_rows(list(self._connection.execute(page).scalars())), total

    def held(self, admission_id: int) -> HeldPackage | None:
        """By admission."""
        return next(iter(self._held_rows([admission_id])), None)

    def _held_rows(self, numbers: list[int]) -> list[HeldPackage]:
        if not numbers:
            return []
        rows = self._connection.execute(sa.select(t.held).where(_ROW.admission_id.in_(numbers)).order_by(*_ORDER)).all()
        admissions = {
            int(row.id): admission_of(row)
            for row in self._connection.execute(sa.select(t.admission).where(t.admission.c.id.in_(numbers)))
        }
        chosen = {row.package_id for row in rows}
        packages: dict[int, StoredPackage] = {
            int(row.id): package_of(row)
            for row in self._connection.execute(sa.select(t.package).where(t.package.c.id.in_(chosen)))
        }
        query = sa.select(*suite_columns).join(t.archive, t.archive.c.id == t.suite.c.archive_id)
        of_page = query.where(t.suite.c.id.in_({row.suite_id for row in rows}))
        suites = {int(row.suite_id): suite_of(row) for row in self._connection.execute(of_page)}
        return [
            HeldPackage(
                admission=admissions[row.admission_id],
                package=packages[row.package_id],
                suite=suites[row.suite_id],
                blocked=row.blocked,
                held_at=row.held_at,
                rating=_rating_of(row),
                assignee=assignee_of(row),
                assigned_at=row.assigned_at,
            )
            for row in rows
        ]

    def held_counts(self) -> tuple[int, int]:
        """All, and those that the index of blocked ones has; there are few."""
        every = sa.select(sa.func.count()).select_from(t.held)
        total, blocked = (int(self._connection.execute(query).scalar_one()) for query in (every, every.where(_BLOCKED)))
        return total - blocked, blocked

    def held_severities(self) -> Mapping[Severity | None, int]:
        """By the rows."""
        query = sa.select(_ROW.severity, sa.func.count()).group_by(_ROW.severity)
        return {_severity(number): int(count) for number, count in self._connection.execute(query)}

    def overdue(self, severity: Severity, held_before: datetime, limit: int) -> list[int]:
        """In the order of the queue."""
        query = sa.select(_ROW.admission_id).where(
            _ROW.severity == SEVERITIES.index(severity), _ROW.held_at <= held_before, _ROW.overdue_told_at.is_(None)
        )
        return list(self._connection.execute(query.order_by(*_ORDER).limit(limit)).scalars())

    def forgotten_blocks(self, blocked_before: datetime, limit: int) -> list[int]:
        """By the time of the block."""
        query = sa.select(_ROW.admission_id).where(_BLOCKED, _ROW.held_at <= blocked_before)
        return list(self._connection.execute(query.order_by(_ROW.held_at).limit(limit)).scalars())

    def forget_block(self, admission_id: int) -> None:
        """Without its row it waits no longer; the admission says refused already."""
        self._connection.execute(sa.delete(t.held).where(_ROW.admission_id == admission_id, _ROW.blocked))

    def rate_held(self, admission_id: int, rating: Rating) -> None:
        """The place in the queue, and what is shown of it."""
        change = sa.update(t.held).where(_ROW.admission_id == admission_id)
        self._connection.execute(
            change.values(
                severity=_UNRATED if rating.worst is None else SEVERITIES.index(rating.worst),
                rating={
                    "counts": dict(rating.counts or {}),
                    "kev_count": rating.kev_count,
                    "high_epss_count": rating.high_epss_count,
                    "findings": list(rating.findings),
                },
            )
        )

    def block(self, admission_id: int, rating: Rating, now: datetime) -> None:
        """A row for one that was refused."""
        query = sa.select(t.admission.c.suite_id, t.admission.c.package_id).where(t.admission.c.id == admission_id)
        row = self._connection.execute(query).one()
        # The same bytes may have been blocked before; the newest request speaks for them.
        same = (_ROW.suite_id == row.suite_id, _ROW.package_id == row.package_id, _ROW.blocked)
        self._connection.execute(sa.delete(t.held).where(*same))
        self._hold(admission_id, row.suite_id, row.package_id, now, blocked=True)
        self.rate_held(admission_id, rating)

    def settle_blocked(
        self, admission_id: int, state: AdmissionState, by: str, now: datetime, justification: str, revision: int | None
    ) -> bool:
        """Of several who end the wait, the one who removes the row."""
        if not self._unhold(admission_id):
            return False
        values = {"state": state.value, "decided_by": by, "decided_at": now, "justification": justification}
        change = sa.update(t.admission).where(t.admission.c.id == admission_id)
        self._connection.execute(change.values(**values, revision=revision))
        return True

    def note_revision(self, admission_id: int, revision: int) -> None:
        """After the package was placed."""
        change = sa.update(t.admission).where(t.admission.c.id == admission_id)
        self._connection.execute(change.values(revision=revision))

    def assign_held(self, admission_id: int, assignee: Assignee | None, now: datetime) -> bool:
        """In place."""
        change = sa.update(t.held).where(_ROW.admission_id == admission_id).values(**assigned(assignee, now))
        return self._connection.execute(change.returning(_ROW.admission_id)).first() is not None

    def tell_overdue(self, admission_id: int, now: datetime) -> bool:
        """Compare and set."""
        change = sa.update(t.held).where(_ROW.admission_id == admission_id, _ROW.overdue_told_at.is_(None))
        told = change.values(overdue_told_at=now).returning(_ROW.admission_id)
        return self._connection.execute(told).first() is not None

    def _held_conditions(self, wanted: HeldFilter) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        if wanted.blocked is not None:
            found.append(_ROW.blocked == sa.literal(wanted.blocked))
        if wanted.severity is not None:
            found.append(_ROW.severity <= SEVERITIES.index(wanted.severity))
        found += assignee_conditions(t.held, wanted.assignees, unassigned=wanted.unassigned)
        chosen = wanted.package
        if chosen.suite:
            suites = sa.select(t.suite.c.id).where(t.suite.c.codename == chosen.suite)
            found.append(_ROW.suite_id.in_(list(self._connection.execute(suites).scalars())))
        of_package = conditions_of(replace(chosen, suite=""), sa.literal(""))
        if wanted.digest:
            of_package.append(t.package.c.digest == wanted.digest)
        if of_package:
            found.append(_ROW.package_id.in_(sa.select(t.package.c.id).where(*of_package)))
        return found


def assignee_conditions(
    table: sa.Table, assignees: tuple[Assignee, ...] | None, *, unassigned: bool
) -> list[sa.ColumnElement[bool]]:
    """For a table that names who looks after its rows."""
    row = table.c
    found: list[sa.ColumnElement[bool]] = []
    if unassigned:
        found.append(row.assigned_to.is_(None))
    if assignees is not None:
        either = [sa.and_(row.assigned_to == one.name, row.assigned_kind == kind_of(one)) for one in assignees]
        found.append(sa.or_(sa.false(), *either))
    return found


def kind_of(assignee: Assignee) -> str:
    """As it is stored."""
    return "group" if assignee.is_group else "user"


def assigned(assignee: Assignee | None, now: datetime) -> dict[str, Any]:
    """The columns of an assignment."""
    if assignee is None:
        return {"assigned_to": None, "assigned_kind": None, "assigned_at": None}
    return {"assigned_to": assignee.name, "assigned_kind": kind_of(assignee), "assigned_at": now}


def assignee_of(row: Row) -> Assignee | None:
    """The reverse."""
    return None if row.assigned_to is None else Assignee(row.assigned_to, row.assigned_kind == "group")


def _severity(number: int) -> Severity | None:
    return SEVERITIES[number] if number < _UNRATED else None


def _rating_of(row: Row) -> Rating:
    known: Mapping[str, Any] = row.rating
    return Rating(
        worst=_severity(row.severity),
        counts=known.get("counts") or {},
        kev_count=int(known.get("kev_count") or 0),
        high_epss_count=int(known.get("high_epss_count") or 0),
        findings=tuple(known.get("findings") or ()),
    )
