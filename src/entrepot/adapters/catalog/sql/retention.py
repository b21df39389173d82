"""Pins, runs of jobs, and what is planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from entrepot.adapters.catalog.records import AdmissionState, JsonValue, PackageFilter
from entrepot.adapters.catalog.retention import Pin, Run, Schedule
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.conditions import conditions_of
from entrepot.adapters.catalog.sql.rows import Row
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.policy.retention import Stay
from entrepot.errors import AlreadyRunning, NotFound

_LIVE = t.content.c.removed_revision.is_(None)
_BATCH = 2000
_OPEN = (AdmissionState.HELD.value, AdmissionState.RECEIVED.value)


class RetentionQueries:
    """Implements ``RetentionReading`` and ``RetentionWriting``."""

    _connection: sa.Connection

    def stays(self, suite_id: SuiteId, names: Sequence[str] | None = None) -> Iterator[Stay]:
        """In order of the index, which begins with the name."""
        query = (
            sa.select(
                t.package.c.id,
                t.package.c.name,
                t.package.c.architecture,
                t.package.c.version,
                t.content.c.added_at,
                t.package.c.size_bytes,
                t.pin.c.package_id.is_not(None),
                sa.exists()
                .where(t.imported.c.package_id == t.content.c.package_id, t.imported.c.suite_id == suite_id)
                .correlate(t.content),
            )
            .select_from(t.content)
            .join(t.package, t.package.c.id == t.content.c.package_id)
            .join(t.pin, t.pin.c.package_id == t.content.c.package_id, isouter=True)
            .where(t.content.c.suite_id == suite_id, _LIVE)
            .order_by(t.content.c.sort_key)
            .execution_options(yield_per=_BATCH)
        )
        if names is not None:
            query = query.where(t.package.c.name.in_(list(names)))
        for row in self._connection.execute(query):
            number, name, architecture, version, added_at, size, pinned, imported = row
            place = (name, architecture, version, added_at, size)
            yield Stay(PackageId(number), *place, bool(pinned), bool(imported))

    def pins(self, package_ids: Sequence[PackageId]) -> Mapping[PackageId, Pin]:
        """By package."""
        query = sa.select(t.pin).where(t.pin.c.package_id.in_(list(package_ids)))
        found = [
            Pin(PackageId(row.package_id), row.reason, row.pinned_by, row.pinned_at)
            for row in self._connection.execute(query)
        ]
        return {pin.package_id: pin for pin in found}

    def pinned_packages(self, conditions: PackageFilter) -> list[PackageId]:
        """In order of their ids."""
        query = (
            sa.select(t.pin.c.package_id)
            .join(t.package, t.package.c.id == t.pin.c.package_id)
            .where(*conditions_of(conditions, sa.literal("")))
            .order_by(t.pin.c.package_id)
        )
        return [PackageId(number) for number in self._connection.execute(query).scalars()]

    def places(self, package_ids: Sequence[PackageId]) -> Mapping[PackageId, int]:
        """Live rows and open admissions."""
        asked = list(package_ids)
        live = sa.select(t.content.c.package_id).where(t.content.c.package_id.in_(asked), _LIVE)
        waits = sa.select(t.admission.c.package_id).where(
            t.admission.c.package_id.in_(asked), t.admission.c.state.in_(_OPEN)
        )
        both = sa.union_all(live, waits).subquery()
        query = sa.select(both.c.package_id, sa.func.count()).group_by(both.c.package_id)
        return {PackageId(number): int(count) for number, count in self._connection.execute(query)}

    def job_run(self, run_id: int) -> Run:
        """One by id."""
        return self._run(sa.select(t.run).where(t.run.c.id == run_id))

    def open_runs(self, group: str) -> list[int]:
        """At most one."""
        query = sa.select(t.run.c.id).where(t.run.c.job_group == group, t.run.c.ended_at.is_(None))
        return list(self._connection.execute(query).scalars())

    def last_run(self, group: str) -> Run | None:
        """By its number."""
        ended = sa.select(t.run).where(t.run.c.job_group == group, t.run.c.ended_at.is_not(None))
        row = self._connection.execute(ended.order_by(t.run.c.id.desc()).limit(1)).first()
        return None if row is None else _run_of(row)

    def schedules(self) -> Mapping[str, Schedule]:
        """All of them; there are few."""
        found = [Schedule(row.name, row.plan, row.since) for row in self._connection.execute(sa.select(t.schedule))]
        return {schedule.name: schedule for schedule in found}

    def working_nodes(self, since: datetime) -> int:
        """By their heartbeats."""
        query = sa.select(sa.func.count()).select_from(t.node).where(t.node.c.seen_at >= since, t.node.c.works)
        return int(self._connection.execute(query).scalar_one())

    def pin(self, pin: Pin) -> bool:
        """Insert, if nobody did."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        row = insert(t.pin).values(
            package_id=pin.package_id, reason=pin.reason, pinned_by=pin.pinned_by, pinned_at=pin.pinned_at
        )
        new = row.on_conflict_do_nothing(index_elements=["package_id"]).returning(t.pin.c.package_id)
        return self._connection.execute(new).first() is not None

    def unpin(self, package_id: PackageId) -> bool:
        """Delete."""
        return self._connection.execute(sa.delete(t.pin).where(t.pin.c.package_id == package_id)).rowcount == 1

    def add_run(
        self, job: str, group: str, parameters: Mapping[str, JsonValue], actor_name: str, address: str, now: datetime
    ) -> int:
        """The index of open runs lets one in."""
        query = sa.insert(t.run).values(
            job=job,
            job_group=group,
            parameters=dict(parameters),
            requested_by=actor_name,
            address=address,
            requested_at=now,
            progress={},
            ended_at=None,
            outcome="",
        )
        try:
            return int(self._connection.execute(query.returning(t.run.c.id)).scalar_one())
        except IntegrityError as error:
            raise AlreadyRunning(f"{group} is running already; look again when it is done") from error

    def hold_run(self, run_id: int) -> Run:
        """Its row is locked; SQLite has one writer anyway."""
        return self._run(sa.select(t.run).where(t.run.c.id == run_id).with_for_update())

    def note_run(self, run_id: int, progress: Mapping[str, JsonValue]) -> None:
        """Replaces what was noted."""
        self._connection.execute(sa.update(t.run).where(t.run.c.id == run_id).values(progress=dict(progress)))

    def end_run(self, run_id: int, outcome: str, now: datetime) -> None:
        """Once."""
        open_one = sa.update(t.run).where(t.run.c.id == run_id, t.run.c.ended_at.is_(None))
        self._connection.execute(open_one.values(outcome=outcome, ended_at=now))

    def forget_ended_sessions(self, now: datetime) -> int:
        """By the time until which they were remembered."""
        return self._connection.execute(sa.delete(t.ended_session).where(t.ended_session.c.until <= now)).rowcount

    def plan(self, schedule: Schedule) -> None:
        """In one statement, since several nodes may see a change of the settings at once."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        values = {"plan": schedule.plan, "since": schedule.since}
        row = insert(t.schedule).values(name=schedule.name, **values)
        self._connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))

    def claim_slot(self, schedule: Schedule, until: datetime) -> bool:
        """Compare and set."""
        same = (
            t.schedule.c.name == schedule.name,
            t.schedule.c.plan == schedule.plan,
            t.schedule.c.since == schedule.since,
        )
        return self._connection.execute(sa.update(t.schedule).where(*same).values(since=until)).rowcount == 1

    def _run(self, query: sa.Select[*tuple[object, ...]]) -> Run:
        row = self._connection.execute(query).first()
        if row is None:
            raise NotFound("no such run")
        return _run_of(row)


def _run_of(row: Row) -> Run:
    return Run(
        id=row.id,
        job=row.job,
        parameters=row.parameters,
        requested_by=row.requested_by,
        address=row.address,
        requested_at=row.requested_at,
        progress=row.progress,
        ended_at=row.ended_at,
        outcome=row.outcome,
    )
