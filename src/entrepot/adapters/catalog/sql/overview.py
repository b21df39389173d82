"""Sums over everything, each from an index that has all it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from entrepot.adapters.catalog.auditing import ChainedEntry
from entrepot.adapters.catalog.overview import Decisions, Done, Heavy, Ranking, Stock, Waiting
from entrepot.adapters.catalog.records import AdmissionState, AuditEntry
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import SuiteId

_DAY_MICROSECONDS = 86_400_000_000
_FIRST_DAY = date(1970, 1, 1)
_LOOKED_THROUGH = 1000
_LISTED = sa.exists().where(t.content.c.package_id == t.package.c.id, t.content.c.removed_revision.is_(None))
_KEY = (t.package.c.format, t.package.c.name, t.package.c.version, t.package.c.architecture)


class OverviewQueries:
    """Implements ``OverviewReading``."""

    _connection: sa.Connection

    def stock(self) -> Stock:
        """Sums by name come sorted out of an index."""
        by_name = _by_name()
        sums = sa.select(sa.func.count(), sa.func.sum(by_name.c.versions), sa.func.sum(by_name.c.size_bytes))
        name_count, package_count, size_bytes = self._connection.execute(sums.select_from(by_name)).one()
        return Stock(int(name_count), int(package_count or 0), int(size_bytes or 0))

    def ranking(self, limit: int) -> Ranking:
        """By index; few rows are looked at."""
        by_name = _by_name()
        most = sa.select(by_name.c.name, by_name.c.versions).order_by(by_name.c.versions.desc(), by_name.c.name)
        names = [(row.name, int(row.versions)) for row in self._connection.execute(most.limit(limit))]
        return Ranking(names, self._weighed(limit), self._last_arrived(limit))

    def _weighed(self, limit: int) -> list[Heavy]:
        package = t.package
        ids = sa.select(package.c.id).where(_LISTED).order_by(package.c.size_bytes.desc(), package.c.id).limit(limit)
        query = sa.select(*_KEY, package.c.size_bytes).where(package.c.id.in_(ids.subquery().select()))
        rows = self._connection.execute(query.order_by(package.c.size_bytes.desc(), package.c.id))
        return [Heavy(_key(row), row.size_bytes) for row in rows]

    def _last_arrived(self, limit: int) -> list[tuple[PackageKey, datetime]]:
        """By their number: packages are numbered as they come."""
        package = t.package
        query = sa.select(*_KEY, package.c.received_at).where(_LISTED).order_by(package.c.id.desc()).limit(limit)
        return [(_key(row), row.received_at) for row in self._connection.execute(query)]

    def live_counts(self) -> Mapping[SuiteId, int]:
        """Over the index of live content."""
        content = t.content
        query = sa.select(content.c.suite_id, sa.func.count().label("live")).where(content.c.removed_revision.is_(None))
        rows = self._connection.execute(query.group_by(content.c.suite_id))
        return {SuiteId(row.suite_id): int(row.live) for row in rows}

    def done(self, actions: Sequence[str], first: date, last: date) -> list[Done]:
        """Grouped in the order of ``ix_audit_activity``."""
        audit = t.audit
        day = (sa.type_coerce(audit.c.at, sa.BigInteger) // _DAY_MICROSECONDS).label("day")
        query = (
            sa.select(audit.c.action, day, audit.c.result, sa.func.count().label("number"))
            .where(
                audit.c.action.in_(actions), audit.c.at >= _midnight(first), audit.c.at < _midnight(last + timedelta(1))
            )
            .group_by(audit.c.action, day, audit.c.result)
        )
        return [
            Done(_FIRST_DAY + timedelta(days=int(row.day)), row.action, row.result, int(row.number))
            for row in self._connection.execute(query)
        ]

    def last_done(self, actions: Sequence[str], limit: int) -> list[ChainedEntry]:
        """The last ones of each action, then the last ones of these."""
        found: list[ChainedEntry] = []
        for action in actions:
            query = sa.select(t.audit).where(t.audit.c.action == action)
            rows = self._connection.execute(query.order_by(t.audit.c.at.desc(), t.audit.c.id.desc()).limit(limit))
            found.extend(_recorded(row) for row in rows)
        return sorted(found, key=lambda one: (one.entry.at, one.number), reverse=True)[:limit]

    def last_recorded(self, limit: int, *, about_packages: bool) -> list[ChainedEntry]:
        """By number."""
        query = sa.select(t.audit).order_by(t.audit.c.id.desc()).limit(limit)
        if about_packages:
            oldest = sa.select(sa.func.max(t.audit.c.id) - _LOOKED_THROUGH).scalar_subquery()
            query = query.where(t.audit.c.id > oldest, t.audit.c.package.is_not(None))
        return [_recorded(row) for row in self._connection.execute(query)]

    def decisions(self) -> Decisions:
        """A person who lets a package in says why; the gate does not."""
        admission = t.admission
        states = (AdmissionState.HELD.value, AdmissionState.REFUSED.value)
        query = sa.select(admission.c.state, sa.func.count().label("number")).where(admission.c.state.in_(states))
        counts = {row.state: int(row.number) for row in self._connection.execute(query.group_by(admission.c.state))}
        approved = sa.select(sa.func.count()).where(
            admission.c.justification != "", admission.c.state == AdmissionState.ACCEPTED.value
        )
        return Decisions(
            counts.get(states[0], 0), counts.get(states[1], 0), int(self._connection.execute(approved).scalar_one())
        )

    def waiting(self, limit: int) -> list[Waiting]:
        """Over the index of states."""
        admission = t.admission
        query = (
            sa.select(*_KEY, t.suite.c.codename, admission.c.reasons, admission.c.requested_at)
            .join(t.package, t.package.c.id == admission.c.package_id)
            .join(t.suite, t.suite.c.id == admission.c.suite_id)
            .where(admission.c.state == AdmissionState.HELD.value)
            .order_by(admission.c.id.desc())
            .limit(limit)
        )
        return [
            Waiting(_key(row), row.codename, tuple(row.reasons), row.requested_at)
            for row in self._connection.execute(query)
        ]


def _by_name() -> sa.Subquery:
    package = t.package
    versions, size = sa.func.count().label("versions"), sa.func.sum(package.c.size_bytes).label("size_bytes")
    names = sa.select(package.c.name, versions, size).where(_LISTED)
    return names.group_by(package.c.name, package.c.format).subquery()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _key(row: Any) -> PackageKey:
    return PackageKey(Format(row.format), row.name, row.version, row.architecture)


def _recorded(row: Any) -> ChainedEntry:
    entry = AuditEntry(
        action=row.action,
        result=row.result,
        actor=Actor(row.user, frozenset(), row.address, row.account or ""),
        at=row.at,
        package=row.package,
        version=row.version,
        suite=row.suite,
        detail=row.detail,
    )
    return ChainedEntry(row.id, row.previous, row.hash, entry)
