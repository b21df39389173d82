"""Work that people watch: rows, leases, events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.jobs import Job, JobChange, JobEvent, JobFilter, NewJob
from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import Row
from entrepot.domain.jobs.work import JobId, JobStatus
from entrepot.errors import CatalogConflict, NotFound

_RUNNING = t.job.c.status == JobStatus.RUNNING.value


class JobQueries:
    """Implements ``JobReading`` and ``JobWriting``."""

    _connection: sa.Connection

    def job(self, job_id: JobId) -> Job:
        """By its key."""
        row = self._connection.execute(sa.select(t.job).where(t.job.c.key == job_id)).first()
        if row is None:
            raise NotFound("no such job; it may have been forgotten")
        return _job_of(row)

    def jobs(self, conditions: JobFilter, offset: int, limit: int) -> tuple[list[Job], int]:
        """By number."""
        where = list(_conditions(conditions))
        count = sa.select(sa.func.count()).select_from(t.job).where(*where)
        query = sa.select(t.job).where(*where).order_by(t.job.c.id.desc()).offset(offset).limit(limit)
        found = [_job_of(row) for row in self._connection.execute(query)]
        return found, int(self._connection.execute(count).scalar_one())

    def running_job(self, kind: str, subject: str) -> Job | None:
        """By the index that lets one in."""
        query = sa.select(t.job).where(t.job.c.kind == kind, t.job.c.subject == subject, _RUNNING)
        row = self._connection.execute(query).first()
        return None if row is None else _job_of(row)

    def idle_jobs(self, before: datetime) -> list[int]:
        """Oldest first."""
        idle = sa.or_(t.job.c.beat_at.is_(None), t.job.c.beat_at < before)
        query = sa.select(t.job.c.id).where(_RUNNING, idle).order_by(t.job.c.id).limit(500)
        return list(self._connection.execute(query).scalars())

    def job_events(self, number: int, from_index: int, limit: int) -> list[JobEvent]:
        """By index."""
        query = (
            sa.select(t.job_event)
            .where(t.job_event.c.job_id == number, t.job_event.c.number >= from_index)
            .order_by(t.job_event.c.number)
            .limit(limit)
        )
        return [JobEvent(row.number, row.at, row.data) for row in self._connection.execute(query)]

    def begin_job(self, new: NewJob) -> Job:
        """Insert, if nobody did."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        row = insert(t.job).values(
            key=new.id,
            kind=new.kind,
            label=new.label[:300],
            subject=new.subject,
            status=JobStatus.RUNNING.value,
            total=new.total,
            done_count=0,
            error_count=0,
            parameters=dict(new.parameters),
            position={},
            result={},
            started_at=new.started_at,
            finished_at=None,
            begun_by=new.actor.name,
            owner=new.actor.owner,
            address=new.actor.address,
            cancelling=False,
            holder="",
            beat_at=new.beat_at,
            tries=0,
            event_count=0,
        )
        one = row.on_conflict_do_nothing(index_elements=["kind", "subject"], index_where=sa.text("status = 'running'"))
        made = self._connection.execute(one.returning(*t.job.c)).first()
        if made is not None:
            return _job_of(made)
        found = self.running_job(new.kind, new.subject)
        if found is None:
            raise CatalogConflict("a job of the same kind ended at this moment; try again")
        return found

    def take_job(self, number: int, holder: str, now: datetime, before: datetime) -> Job | None:
        """Compare and set."""
        node = holder.rpartition("/")[0] + "/"
        free = sa.or_(
            t.job.c.beat_at.is_(None),
            t.job.c.beat_at < before,
            sa.and_(t.job.c.holder.startswith(node, autoescape=True), t.job.c.holder != holder),
        )
        taken = (
            sa.update(t.job)
            .where(t.job.c.id == number, _RUNNING, free)
            .values(holder=holder, beat_at=now, tries=t.job.c.tries + 1)
        )
        row = self._connection.execute(taken.returning(*t.job.c)).first()
        return None if row is None else _job_of(row)

    def renew_jobs(self, numbers: Collection[int], holder: str, now: datetime) -> list[int]:
        """In one statement."""
        mine = sa.update(t.job).where(t.job.c.id.in_(list(numbers)), t.job.c.holder == holder, _RUNNING)
        return list(self._connection.execute(mine.values(beat_at=now).returning(t.job.c.id)).scalars())

    def release_job(self, number: int, holder: str) -> None:
        """Not a try that failed."""
        mine = sa.update(t.job).where(t.job.c.id == number, t.job.c.holder == holder, _RUNNING)
        less = sa.case((t.job.c.tries > 0, t.job.c.tries - 1), else_=0)
        self._connection.execute(mine.values(holder="", beat_at=None, tries=less))

    def note_job(self, job_id: JobId, change: JobChange, holder: str | None) -> bool:
        """Whoever comes further has not tried in vain."""
        mine = [] if holder is None else [t.job.c.holder == holder]
        given = {
            "done_count": change.done_count,
            "error_count": change.error_count,
            "total": change.total,
            "position": None if change.position is None else dict(change.position),
        }
        values: dict[str, object] = {name: value for name, value in given.items() if value is not None}
        if change.position is not None:
            values["tries"] = 0
        elif change.done_count is not None:
            values["tries"] = sa.case((t.job.c.done_count < change.done_count, 0), else_=t.job.c.tries)
        if not values:
            values["holder"] = t.job.c.holder
        noted = sa.update(t.job).where(t.job.c.key == job_id, _RUNNING, *mine).values(**values)
        return self._connection.execute(noted.returning(t.job.c.id)).first() is not None

    def tell_job(
        self, job_id: JobId, events: Sequence[tuple[datetime, Mapping[str, JsonValue]]], first: int, last: int
    ) -> None:
        """The row of the job is locked by taking indexes, so that these grow in the order of commits."""
        more = sa.update(t.job).where(t.job.c.key == job_id).values(event_count=t.job.c.event_count + len(events))
        row = self._connection.execute(more.returning(t.job.c.id, t.job.c.event_count)).first()
        if row is None or not events:
            return
        number, count = row
        begin = count - len(events)
        rows = [
            {"job_id": number, "number": begin + place, "at": at, "data": dict(data)}
            for place, (at, data) in enumerate(events)
        ]
        self._connection.execute(sa.insert(t.job_event), rows)
        if count > first + last:
            between = (t.job_event.c.number >= first, t.job_event.c.number < count - last)
            self._connection.execute(sa.delete(t.job_event).where(t.job_event.c.job_id == number, *between))

    def end_job(
        self,
        job_id: JobId,
        status: JobStatus,
        result: Mapping[str, JsonValue],
        now: datetime,
        holder: str | None = None,
    ) -> bool:
        """Once."""
        mine = [] if holder is None else [t.job.c.holder == holder]
        ended = sa.update(t.job).where(t.job.c.key == job_id, _RUNNING, *mine)
        ended = ended.values(status=status.value, result=dict(result), finished_at=now, holder="", beat_at=None)
        return self._connection.execute(ended.returning(t.job.c.id)).first() is not None

    def cancel_job(self, job_id: JobId) -> bool:
        """Once."""
        wanted = sa.update(t.job).where(t.job.c.key == job_id, _RUNNING, t.job.c.cancelling.is_(False))
        return self._connection.execute(wanted.values(cancelling=True).returning(t.job.c.id)).first() is not None

    def forget_jobs(self, before: datetime, keep: int, limit: int) -> int:
        """With what they told."""
        ended = t.job.c.status != JobStatus.RUNNING.value
        newest = sa.select(t.job.c.id).where(ended).order_by(t.job.c.id.desc()).offset(keep).limit(1).scalar_subquery()
        old = sa.or_(t.job.c.finished_at < before, t.job.c.id <= newest)
        query = sa.select(t.job.c.id).where(ended, old).order_by(t.job.c.id).limit(limit)
        numbers = list(self._connection.execute(query).scalars())
        if numbers:
            self._connection.execute(sa.delete(t.job_event).where(t.job_event.c.job_id.in_(numbers)))
            self._connection.execute(sa.delete(t.job).where(t.job.c.id.in_(numbers)))
        return len(numbers)


def _conditions(conditions: JobFilter) -> list[sa.ColumnElement[bool]]:
    own = t.job.c.owner == conditions.owner
    found = [own if conditions.only_own else sa.or_(own, t.job.c.kind.in_(sorted(conditions.kinds)))]
    if conditions.kind:
        found.append(t.job.c.kind == conditions.kind)
    if conditions.status is not None:
        found.append(t.job.c.status == conditions.status.value)
    return found


def _job_of(row: Row) -> Job:
    return Job(
        number=row.id,
        id=JobId(row.key),
        kind=row.kind,
        label=row.label,
        subject=row.subject,
        status=JobStatus(row.status),
        total=row.total,
        done_count=row.done_count,
        error_count=row.error_count,
        parameters=row.parameters,
        position=row.position,
        result=row.result,
        started_at=row.started_at,
        finished_at=row.finished_at,
        begun_by=row.begun_by,
        owner=row.owner,
        address=row.address,
        cancelling=row.cancelling,
        holder=row.holder,
        beat_at=row.beat_at,
        tries=row.tries,
        event_count=row.event_count,
    )
