"""Suites that show an upstream's own files, and where the bytes of these are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from entrepot.adapters.catalog.mirrors import Brought
from entrepot.adapters.catalog.records import Pooled
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import Row
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import ArchiveId, SuiteId
from entrepot.domain.upstream.mirror import (
    DownloadPolicy,
    Mirror,
    MirrorFile,
    MirrorId,
    MirrorKind,
    MirrorState,
    OnBad,
)
from entrepot.domain.upstream.sieve import Filter
from entrepot.domain.upstream.source import Root, SourceId
from entrepot.errors import AlreadyExists, LostRace, NotFound

_CHUNK = 400
_BATCH = 2000
_file = t.mirror_file.c


def mirrored_digests() -> sa.Select[Any]:
    """Digest and size of every file that a kept generation of a mirror has, or the next one will."""
    return (
        sa.select(_file.digest, _file.size_bytes)
        .join(t.suite, t.suite.c.id == _file.suite_id)
        .where(_kept(), _file.digest != "")
        .order_by(_file.id)
    )


class MirrorQueries:
    """Implements ``MirrorReading`` and ``MirrorWriting``."""

    _connection: sa.Connection

    def mirrors(self) -> list[Mirror]:
        """By name."""
        return self._mirrors()

    def mirror(self, mirror_id: MirrorId) -> Mirror:
        """One by id."""
        return _only(self._mirrors(t.mirror.c.id == mirror_id))

    def mirror_called(self, name: str) -> Mirror:
        """One by name."""
        return _only(self._mirrors(t.mirror.c.name == name))

    def mirror_of(self, suite_id: SuiteId) -> Mirror | None:
        """By suite."""
        return next(iter(self._mirrors(t.mirror.c.suite_id == suite_id)), None)

    def mirrors_of(self, source_id: SourceId) -> list[Mirror]:
        """By source."""
        return self._mirrors(t.mirror.c.source_id == source_id)

    def _mirrors(self, *conditions: sa.ColumnElement[bool]) -> list[Mirror]:
        query = sa.select(t.mirror).where(*conditions).order_by(t.mirror.c.name)
        return [_mirror_of(row) for row in self._connection.execute(query)]

    def brought(self, suite_id: SuiteId, paths: Collection[str]) -> list[Brought]:
        """By path."""
        found: list[Brought] = []
        wanted = sorted(paths)
        for start in range(0, len(wanted), _CHUNK):
            query = sa.select(t.mirror_file).where(
                _file.suite_id == suite_id, _file.path.in_(wanted[start : start + _CHUNK])
            )
            found += map(brought_of, self._connection.execute(query))
        return found

    def brought_in(self, suite_id: SuiteId, run: int) -> Iterator[Brought]:
        """Streamed."""
        query = sa.select(t.mirror_file).where(_file.suite_id == suite_id, _file.run == run).order_by(_file.id)
        for row in self._connection.execute(query.execution_options(yield_per=_BATCH)):
            yield brought_of(row)

    def mirrored(self, archive_id: ArchiveId, path: str) -> Pooled | None:
        """What is in force first, then what came last; nothing of what is in quarantine."""
        query = (
            sa.select(_file.id, _file.digest, _file.listed, _file.size_bytes, _file.added_at)
            .join(t.suite, t.suite.c.id == _file.suite_id)
            .where(_file.path == path, t.suite.c.archive_id == archive_id, sa.not_(_file.hidden), _kept())
            .order_by(_file.removed_revision.is_not(None), _file.added_revision.is_(None), _file.id.desc())
            .limit(1)
        )
        row = self._connection.execute(query).first()
        if row is None:
            return None
        digest = row.digest or row.listed.partition(":")[2]
        apart = sa.select(t.quarantine.c.package_id).join(t.package, t.package.c.id == t.quarantine.c.package_id)
        if self._connection.execute(apart.where(t.package.c.digest == digest)).first() is not None:
            return None
        return Pooled(Digest(digest), row.size_bytes, row.added_at, 0 if row.digest else row.id)

    def add_mirror(self, mirror: Mirror) -> MirrorId:
        """The row."""
        values = {
            "name": mirror.name,
            "source_id": mirror.source_id,
            "suite_id": mirror.suite_id,
            "every_hours": mirror.every_hours,
            "on_bad": mirror.on_bad.value,
            "download_policy": mirror.download_policy.value,
            "sources": mirror.sources,
            "installer": mirror.installer,
            "runs": 0,
            "kind": mirror.kind.value,
            "filter": mirror.filter.to_json(),
            "keep_removed": mirror.keep_removed,
            **_state_values(mirror.state),
        }
        query = sa.insert(t.mirror).values(**values).returning(t.mirror.c.id)
        try:
            with self._connection.begin_nested():
                return MirrorId(self._connection.execute(query).scalar_one())
        except IntegrityError as error:
            raise AlreadyExists(f"a mirror called {mirror.name} exists already") from error

    def change_mirror(self, mirror: Mirror) -> None:
        """By id."""
        change = sa.update(t.mirror).where(t.mirror.c.id == mirror.id)
        values: dict[str, object] = {"every_hours": mirror.every_hours, "on_bad": mirror.on_bad.value}
        values |= {"filter": mirror.filter.to_json(), "keep_removed": mirror.keep_removed}
        values |= {"download_policy": mirror.download_policy.value, "sources": mirror.sources}
        values |= {"installer": mirror.installer}
        self._connection.execute(change.values(values))

    def remove_mirror(self, mirror: Mirror) -> None:
        """What hangs on the suite first."""
        suite_id = mirror.suite_id
        self._connection.execute(sa.delete(t.mirror_choice).where(t.mirror_choice.c.mirror_id == mirror.id))
        if mirror.kind is MirrorKind.RESIGNED:  # its packages are the suite's own by now
            self._connection.execute(sa.delete(t.mirror).where(t.mirror.c.id == mirror.id))
            self._connection.execute(sa.update(t.suite).where(t.suite.c.id == suite_id).values(settling=0))
            return
        self._connection.execute(sa.delete(t.mirror_file).where(_file.suite_id == suite_id))
        self._connection.execute(sa.delete(t.mirror).where(t.mirror.c.id == mirror.id))
        self._connection.execute(sa.delete(t.generation_file).where(t.generation_file.c.suite_id == suite_id))
        self._connection.execute(sa.delete(t.environment_move).where(t.environment_move.c.suite_id == suite_id))
        self._connection.execute(sa.delete(t.generation).where(t.generation.c.suite_id == suite_id))
        self._connection.execute(sa.delete(t.suite).where(t.suite.c.id == suite_id))

    def note_mirror(self, mirror_id: MirrorId, state: MirrorState) -> None:
        """By id."""
        self._connection.execute(sa.update(t.mirror).where(t.mirror.c.id == mirror_id).values(**_state_values(state)))

    def begin_run(self, mirror_id: MirrorId) -> int:
        """One more."""
        query = sa.update(t.mirror).where(t.mirror.c.id == mirror_id).values(runs=t.mirror.c.runs + 1)
        found = self._connection.execute(query.returning(t.mirror.c.runs)).scalar_one_or_none()
        if found is None:
            raise NotFound("the mirror was removed meanwhile")
        return int(found)

    def want_again(self, run: int, numbers: Sequence[int]) -> None:
        """By id."""
        for start in range(0, len(numbers), _CHUNK):
            change = sa.update(t.mirror_file).where(_file.id.in_(numbers[start : start + _CHUNK]))
            self._connection.execute(change.values(run=run))

    def bring(
        self, suite_id: SuiteId, run: int, files: Sequence[tuple[MirrorFile, Digest, int]], now: datetime
    ) -> None:
        """Many rows at once."""
        rows = [
            {
                "path": file.path,
                "suite_id": suite_id,
                "digest": digest,
                "listed": file.listed,
                "size_bytes": size,
                "hidden": file.hidden,
                "run": run,
                "added_revision": None,
                "removed_revision": None,
                "added_at": now,
                "package": file.package,
            }
            for file, digest, size in files
        ]
        if rows:
            self._connection.execute(sa.insert(t.mirror_file), rows)

    def forget_brought(self, numbers: Collection[int]) -> None:
        """By id."""
        wanted = sorted(numbers)
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            self._connection.execute(sa.delete(t.mirror_file).where(_file.id.in_(chunk)))

    def settle_mirrored(self, mirror: Mirror, run: int, revision: int) -> Mapping[str, int]:
        """What came, what went, what was never shown, and what nobody keeps any more."""
        last = sa.select(t.mirror.c.runs).where(t.mirror.c.id == mirror.id)
        if self._connection.execute(last).scalar_one_or_none() != run:
            raise LostRace("another run of this mirror began meanwhile")
        here, wanted = _file.suite_id == mirror.suite_id, _file.run == run
        change = sa.update(t.mirror_file).where(here)
        fresh = _file.added_revision.is_(None)
        self._connection.execute(change.where(wanted, fresh).values(added_revision=revision))
        # One that had left comes back: as it was kept all the time, it never left.
        self._connection.execute(
            change.where(wanted, _file.removed_revision.is_not(None)).values(removed_revision=None)
        )
        gone = change.where(sa.not_(wanted), sa.not_(fresh), _file.removed_revision.is_(None))
        self._connection.execute(gone.values(removed_revision=revision))
        self._connection.execute(sa.delete(t.mirror_file).where(here, sa.not_(wanted), fresh))
        old = sa.select(_file.id).join(t.suite, t.suite.c.id == _file.suite_id).where(here, sa.not_(_kept()))
        self._connection.execute(sa.delete(t.mirror_file).where(_file.id.in_(old)))
        count = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_file.size_bytes), 0))
        row = self._connection.execute(count.where(here, wanted, sa.not_(_file.hidden))).one()
        return {"files": int(row[0]), "bytes": int(row[1])}


def _kept() -> sa.ColumnElement[bool]:
    """Of rows of ``mirror_file`` joined with their suite."""
    frozen = (
        sa.exists()
        .where(
            t.snapshot.c.suite_id == _file.suite_id,
            t.snapshot.c.revision >= _file.added_revision,
            t.snapshot.c.revision < _file.removed_revision,
        )
        .correlate(t.mirror_file)
    )
    removed = _file.removed_revision
    return sa.or_(removed.is_(None), removed > t.suite.c.oldest_kept_revision, frozen)


def _only(found: list[Mirror]) -> Mirror:
    if not found:
        raise NotFound("there is no such mirror; GET /mirrors lists them")
    return found[0]


def brought_of(row: Row) -> Brought:
    """A row of ``mirror_file``."""
    return Brought(row.id, row.path, row.listed, Digest(row.digest), row.size_bytes, SuiteId(row.suite_id))


def _state_values(state: MirrorState) -> dict[str, object]:
    return {
        "root": {} if state.root is None else state.root.to_json(),
        "selection": state.selection,
        "file_count": state.file_count,
        "size_bytes": state.size_bytes,
        "checked_at": state.checked_at,
        "changed_at": state.changed_at,
        "attempted_at": state.attempted_at,
        "error": state.error,
        "error_code": state.error_code,
        "notes": list(state.notes),
    }


def _mirror_of(row: Row) -> Mirror:
    state = MirrorState(
        Root.from_json(row.root),
        row.selection,
        row.file_count,
        row.size_bytes,
        row.checked_at,
        row.changed_at,
        row.attempted_at,
        row.error,
        row.error_code,
        tuple(row.notes),
    )
    ids = MirrorId(row.id), row.name, SourceId(row.source_id), SuiteId(row.suite_id)
    policy = {"on_bad": OnBad(row.on_bad), "kind": MirrorKind(row.kind), "keep_removed": row.keep_removed}
    policy |= {"download_policy": DownloadPolicy(row.download_policy), "sources": row.sources}
    policy |= {"installer": row.installer}
    return replace(
        Mirror(*ids), every_hours=row.every_hours, state=state, filter=Filter.from_json(row.filter), **policy
    )
