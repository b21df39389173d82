"""Snapshots, environments, and what a suite held at some revision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import generation_of, suite_columns, suite_of
from entrepot.adapters.catalog.sql.states import StateQueries
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.snapshot import Environment, Move, Snapshot
from entrepot.domain.model.suite import GenerationId, SuiteId
from entrepot.errors import AlreadyExists, NotFound

_SNAPSHOTS: sa.Select[Any] = (
    sa.select(
        *t.generation.c,
        t.snapshot.c.id.label("snapshot_id"),
        t.snapshot.c.name,
        t.snapshot.c.content_id,
        t.snapshot.c.size_bytes,
        t.snapshot.c.description,
        t.snapshot.c.created_at.label("frozen_at"),
        t.snapshot.c.created_by,
        t.merge.c.sources,
        t.merge.c.rule,
    )
    .select_from(t.snapshot)
    .join(t.generation, t.generation.c.id == t.snapshot.c.generation_id)
    .join(t.merge, t.merge.c.id == -t.snapshot.c.revision, isouter=True)
)


class SnapshotQueries(StateQueries):
    """Implements ``SnapshotReading`` and ``SnapshotWriting``."""

    def snapshots(self, suite_id: SuiteId | None, offset: int, limit: int) -> tuple[list[Snapshot], int]:
        """Newest first."""
        wanted = () if suite_id is None else (t.snapshot.c.suite_id == suite_id,)
        query = _SNAPSHOTS.where(*wanted).order_by(t.snapshot.c.id.desc()).offset(offset).limit(limit)
        count = sa.select(sa.func.count()).select_from(t.snapshot).where(*wanted)
        found = [_snapshot_of(row) for row in self._connection.execute(query)]
        return found, int(self._connection.execute(count).scalar_one())

    def snapshot_named(self, suite_id: SuiteId, name: str) -> Snapshot | None:
        """One by suite and name."""
        query = _SNAPSHOTS.where(t.snapshot.c.suite_id == suite_id, t.snapshot.c.name == name)
        row = self._connection.execute(query).first()
        return None if row is None else _snapshot_of(row)

    def snapshot_of(self, snapshot_id: int) -> Snapshot:
        """One by id."""
        row = self._connection.execute(_SNAPSHOTS.where(t.snapshot.c.id == snapshot_id)).first()
        if row is None:
            raise NotFound("no such snapshot")
        return _snapshot_of(row)

    def generation_at(self, suite_id: SuiteId, at: datetime) -> Generation | None:
        """In force means: published by then and not superseded yet."""
        row = t.generation.c
        query = (
            sa.select(t.generation)
            .where(row.suite_id == suite_id, row.published_at <= at)
            .where(sa.or_(row.superseded_at.is_(None), row.superseded_at > at))
            .order_by(row.number.desc())
        )
        found = self._connection.execute(query).first()
        return None if found is None else generation_of(found)

    def pinned_generations(self, suite_id: SuiteId) -> set[GenerationId]:
        """By the snapshots of the suite."""
        query = sa.select(t.snapshot.c.generation_id).where(t.snapshot.c.suite_id == suite_id)
        return {GenerationId(row.generation_id) for row in self._connection.execute(query)}

    def environments(self) -> list[Environment]:
        """By name."""
        query = sa.select(t.environment).order_by(t.environment.c.name)
        return [_environment_of(row) for row in self._connection.execute(query)]

    def environment_named(self, name: str) -> Environment | None:
        """One by name."""
        row = self._connection.execute(sa.select(t.environment).where(t.environment.c.name == name)).first()
        return None if row is None else _environment_of(row)

    def positions(self, environment_id: int) -> list[Move]:
        """By suite."""
        moved = t.environment_move.c
        query = (
            sa.select(t.environment_move)
            .where(moved.environment_id == environment_id, moved.current, moved.snapshot_id.is_not(None))
            .order_by(moved.suite_id)
        )
        return self._moves(query)

    def moves(self, environment_id: int, suite_id: SuiteId | None, offset: int, limit: int) -> tuple[list[Move], int]:
        """Newest first."""
        moved = t.environment_move.c
        wanted = [moved.environment_id == environment_id]
        wanted += [] if suite_id is None else [moved.suite_id == suite_id]
        query = sa.select(t.environment_move).where(*wanted).order_by(moved.id.desc()).offset(offset).limit(limit)
        count = sa.select(sa.func.count()).select_from(t.environment_move).where(*wanted)
        return self._moves(query), int(self._connection.execute(count).scalar_one())

    def _moves(self, query: sa.Select[Any]) -> list[Move]:
        rows = self._connection.execute(query).all()
        numbers = {row.snapshot_id for row in rows if row.snapshot_id is not None}
        frozen = {
            row.snapshot_id: _snapshot_of(row)
            for row in self._connection.execute(_SNAPSHOTS.where(t.snapshot.c.id.in_(numbers)))
        }
        chosen = sa.select(*suite_columns).join(t.archive, t.archive.c.id == t.suite.c.archive_id)
        suites = {
            row.suite_id: suite_of(row)
            for row in self._connection.execute(chosen.where(t.suite.c.id.in_({row.suite_id for row in rows})))
        }
        return [
            Move(
                number=row.id,
                environment_id=row.environment_id,
                suite=suites[row.suite_id],
                snapshot=frozen.get(row.snapshot_id),
                moved_at=row.moved_at,
                moved_by=row.moved_by,
                reason=row.reason,
            )
            for row in rows
        ]

    def shown_generations(self, name: str, suite_id: SuiteId, most: int) -> list[tuple[Generation, datetime]]:
        """By the moves of the suite; nothing when the newest of them took it out."""
        moved = t.environment_move.c
        query = (
            sa.select(moved.snapshot_id, moved.moved_at, *t.generation.c)
            .select_from(t.environment_move)
            .join(t.environment, t.environment.c.id == moved.environment_id)
            .join(t.snapshot, t.snapshot.c.id == moved.snapshot_id, isouter=True)
            .join(t.generation, t.generation.c.id == t.snapshot.c.generation_id, isouter=True)
            .where(t.environment.c.name == name, moved.suite_id == suite_id)
            .order_by(moved.id.desc())
            .limit(most)
        )
        rows = self._connection.execute(query).all()
        if not rows or rows[0].snapshot_id is None:
            return []
        return [(generation_of(row), row.moved_at) for row in rows if row.snapshot_id is not None]

    def environments_with(self, snapshot_id: int) -> list[str]:
        """By their moves in force."""
        moved = t.environment_move.c
        query = (
            sa.select(t.environment.c.name)
            .join(t.environment_move, moved.environment_id == t.environment.c.id)
            .where(moved.snapshot_id == snapshot_id, moved.current)
            .order_by(t.environment.c.name)
        )
        return [row.name for row in self._connection.execute(query)]

    def add_snapshot(
        self,
        suite_id: SuiteId,
        name: str,
        generation: Generation,
        content_id: str,
        size_bytes: int,
        description: str,
        by: str,
        now: datetime,
    ) -> Snapshot:
        """From now on its generation is kept."""
        row = {
            "suite_id": suite_id,
            "name": name,
            "generation_id": generation.id,
            "revision": generation.revision,
            "content_id": content_id,
            "size_bytes": size_bytes,
            "description": description,
            "created_at": now,
            "created_by": by,
        }
        try:
            number = self._connection.execute(sa.insert(t.snapshot).values(row).returning(t.snapshot.c.id)).scalar_one()
        except IntegrityError as error:
            raise AlreadyExists(f"there is a snapshot {name} of this distribution already") from error
        return self.snapshot_of(number)

    def remove_snapshot(self, snapshot_id: int) -> None:
        """Moves to it become moves to nothing that are long over."""
        moved = t.environment_move.c
        self._connection.execute(sa.delete(t.environment_move).where(moved.snapshot_id == snapshot_id))
        self._connection.execute(sa.delete(t.snapshot).where(t.snapshot.c.id == snapshot_id))

    def add_environment(self, name: str, description: str, by: str, now: datetime, *, protected: bool) -> Environment:
        """Empty."""
        row = {"name": name, "description": description, "protected": protected, "created_at": now, "created_by": by}
        try:
            self._connection.execute(sa.insert(t.environment).values(row))
        except IntegrityError as error:
            raise AlreadyExists(f"there is an environment {name} already") from error
        found = self._connection.execute(sa.select(t.environment).where(t.environment.c.name == name)).one()
        return _environment_of(found)

    def change_environment(self, environment_id: int, description: str, *, protected: bool) -> None:
        """All that can change."""
        change = sa.update(t.environment).where(t.environment.c.id == environment_id)
        self._connection.execute(change.values(description=description, protected=protected))

    def remove_environment(self, environment_id: int) -> None:
        """The snapshots stay."""
        moved = t.environment_move.c
        self._connection.execute(sa.delete(t.environment_move).where(moved.environment_id == environment_id))
        self._connection.execute(sa.delete(t.environment).where(t.environment.c.id == environment_id))

    def add_moves(
        self,
        environment_id: int,
        moves: Sequence[tuple[SuiteId, int | None]],
        by: str,
        reason: str,
        now: datetime,
    ) -> None:
        """The environment's row is locked first, so that moves come one after the other."""
        own = sa.update(t.environment).where(t.environment.c.id == environment_id)
        self._connection.execute(own.values(description=t.environment.c.description))
        moved = t.environment_move.c
        for suite_id, snapshot_id in moves:
            over = sa.update(t.environment_move).where(
                moved.environment_id == environment_id, moved.suite_id == suite_id, moved.current
            )
            self._connection.execute(over.values(current=False))
            row = {
                "environment_id": environment_id,
                "suite_id": suite_id,
                "snapshot_id": snapshot_id,
                "current": True,
                "moved_at": now,
                "moved_by": by,
                "reason": reason,
            }
            self._connection.execute(sa.insert(t.environment_move).values(row))


def _snapshot_of(row: sa.Row[Any]) -> Snapshot:
    return Snapshot(
        id=row.snapshot_id,
        suite_id=SuiteId(row.suite_id),
        name=row.name,
        generation=generation_of(row),
        content_id=row.content_id,
        size_bytes=row.size_bytes,
        description=row.description,
        created_at=row.frozen_at,
        created_by=row.created_by,
        merged_from=tuple(row.sources or ()),
        rule=row.rule or "",
    )


def _environment_of(row: sa.Row[Any]) -> Environment:
    return Environment(row.id, row.name, row.description, row.protected, row.created_at, row.created_by)
