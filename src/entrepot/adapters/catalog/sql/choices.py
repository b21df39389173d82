"""Packages that mirrors choose from their sources, and what suites carry along with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from entrepot.adapters.catalog.choices import CarriedDocument, Choice, ChoiceNews, ChoiceState, Listed
from entrepot.adapters.catalog.records import AdmissionState
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import Row
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.upstream.mirror import Mirror, MirrorId
from entrepot.domain.upstream.repomd import CARRIED
from entrepot.domain.upstream.source import SourceId
from entrepot.errors import LostRace

_CHUNK = 400
_JUDGED = (ChoiceState.HELD.value, ChoiceState.REFUSED.value)
_choice = t.mirror_choice.c


def ready_packages() -> sa.Select[Any]:
    """Ids of packages that were looked at and wait for the end of a run."""
    return sa.select(_choice.package_id).where(
        _choice.state == ChoiceState.READY.value, _choice.package_id.is_not(None)
    )


class ChoiceQueries:
    """Implements ``ChoiceReading`` and ``ChoiceWriting``."""

    _connection: sa.Connection

    def listed(self, source_id: SourceId, after: int, limit: int) -> list[Listed]:
        """By the primary key."""
        package, source = t.upstream_package.c, t.source.c
        columns = (
            *(package.number, package.name, package.version, package.architecture, package.component),
            *(package.section, package.priority, package.filename, package.size_bytes, package.digest, source.format),
        )
        same = sa.and_(source.id == package.source_id, source.generation == package.generation)
        query = (
            sa.select(*columns)
            .join(t.source, same)
            .where(package.source_id == source_id, package.number > after)
            .order_by(package.number)
            .limit(limit)
        )
        return [
            Listed(
                row.number,
                PackageKey(Format(row.format), row.name, row.version, row.architecture),
                row.component,
                row.section,
                row.priority,
                row.filename,
                row.size_bytes,
                row.digest,
            )
            for row in self._connection.execute(query)
        ]

    def choices(self, mirror_id: MirrorId, states: Collection[ChoiceState], run: int, limit: int) -> list[Choice]:
        """By number."""
        names = [state.value for state in states]
        return self._choices(mirror_id, limit, _choice.state.in_(names), _choice.run == run)

    def choice_page(
        self, mirror_id: MirrorId, state: ChoiceState | None, offset: int, limit: int
    ) -> tuple[list[Choice], int]:
        """By name, then number."""
        wanted = [] if state is None else [_choice.state == state.value]
        count = sa.select(sa.func.count()).select_from(t.mirror_choice).where(_choice.mirror_id == mirror_id, *wanted)
        page = _all_choices(mirror_id).where(*wanted).order_by(_choice.name, _choice.id).offset(offset).limit(limit)
        rows = [_choice_of(row) for row in self._connection.execute(page)]
        return rows, int(self._connection.execute(count).scalar_one())

    def left_choices(self, mirror_id: MirrorId, run: int, limit: int, after: int = 0) -> list[Choice]:
        """By number."""
        return self._choices(mirror_id, limit, _choice.run != run, _choice.id > after)

    def _choices(self, mirror_id: MirrorId, limit: int, *conditions: sa.ColumnElement[bool]) -> list[Choice]:
        query = _all_choices(mirror_id).where(*conditions).order_by(_choice.id).limit(limit)
        return [_choice_of(row) for row in self._connection.execute(query)]

    def choice_counts(self, mirror_id: MirrorId) -> Mapping[ChoiceState, tuple[int, int]]:
        """By state."""
        query = (
            sa.select(_choice.state, sa.func.count(), sa.func.sum(_choice.size_bytes))
            .where(_choice.mirror_id == mirror_id)
            .group_by(_choice.state)
        )
        return {ChoiceState(row[0]): (int(row[1]), int(row[2])) for row in self._connection.execute(query)}

    def chosen_packages(self, mirror_id: MirrorId) -> Mapping[PackageId, ChoiceState]:
        """By package."""
        query = sa.select(_choice.package_id, _choice.state).where(
            _choice.mirror_id == mirror_id, _choice.package_id.is_not(None)
        )
        return {PackageId(row.package_id): ChoiceState(row.state) for row in self._connection.execute(query)}

    def chosen_keys(self, mirror_id: MirrorId) -> Mapping[tuple[str, str, str], PackageId]:
        """By key."""
        columns = (_choice.name, _choice.version, _choice.architecture, _choice.package_id)
        query = sa.select(*columns).where(_choice.mirror_id == mirror_id, _choice.package_id.is_not(None))
        return {tuple(row[:3]): PackageId(row[3]) for row in self._connection.execute(query)}

    def want_choices(self, mirror_id: MirrorId, run: int, wanted: Sequence[tuple[Listed, bool]], judged: str) -> None:
        """Update what is known, insert what is not."""
        for start in range(0, len(wanted), _CHUNK):
            self._want_some(mirror_id, run, wanted[start : start + _CHUNK], judged)

    def _want_some(self, mirror_id: MirrorId, run: int, wanted: Sequence[tuple[Listed, bool]], judged: str) -> None:
        names = sorted({one.key.name for one, _ in wanted})
        query = sa.select(t.mirror_choice).where(_choice.mirror_id == mirror_id, _choice.name.in_(names))
        known = {(row.name, row.version, row.architecture, row.listed): row for row in self._connection.execute(query)}
        again: list[int] = []
        anew: list[int] = []
        fresh: list[dict[str, Any]] = []
        for one, needed in wanted:
            row = known.get((one.key.name, one.key.version, one.key.architecture, one.digest))
            if row is None:
                fresh.append(_values(mirror_id, run, one, judged, needed=needed))
                continue
            judged_otherwise = row.state in _JUDGED and row.judged != judged
            (anew if judged_otherwise or row.state == ChoiceState.BAD.value else again).append(row.id)
        change = sa.update(t.mirror_choice)
        self._connection.execute(change.where(_choice.id.in_(again)).values(run=run))
        fields = {"run": run, "state": ChoiceState.WANTED.value, "reason": "", "judged": judged}
        self._connection.execute(change.where(_choice.id.in_(anew)).values(fields))
        if fresh:
            self._connection.execute(sa.insert(t.mirror_choice), fresh)

    def note_choices(self, news: Sequence[ChoiceNews]) -> None:
        """Many at once."""
        rows = [
            {
                "its_id": one.number,
                "state": one.state.value,
                "package_id": one.package_id,
                "reason": one.reason[:2000],
                "steps": [dict(step) for step in one.steps],
            }
            for one in news
        ]
        if rows:
            change = sa.update(t.mirror_choice).where(_choice.id == sa.bindparam("its_id"))
            self._connection.execute(change, rows)

    def follow_decisions(self, mirror: Mirror) -> None:
        """Let in is placed; what nobody is asked about any more is refused."""
        stay, asked = t.content.c, t.admission.c
        waits = (AdmissionState.HELD.value, AdmissionState.RECEIVED.value)
        live = sa.exists().where(
            stay.package_id == _choice.package_id, stay.suite_id == mirror.suite_id, stay.removed_revision.is_(None)
        )
        open_ = sa.exists().where(
            asked.package_id == _choice.package_id, asked.suite_id == mirror.suite_id, asked.state.in_(waits)
        )
        held = sa.update(t.mirror_choice).where(_choice.mirror_id == mirror.id, _choice.state == ChoiceState.HELD.value)
        self._connection.execute(held.where(live).values(state=ChoiceState.PLACED.value))
        self._connection.execute(held.where(sa.not_(open_)).values(state=ChoiceState.REFUSED.value))

    def want_left(self, run: int, numbers: Sequence[int]) -> None:
        """By id."""
        for start in range(0, len(numbers), _CHUNK):
            change = sa.update(t.mirror_choice).where(_choice.id.in_(numbers[start : start + _CHUNK]))
            self._connection.execute(change.values(run=run))

    def forget_choices(self, numbers: Collection[int]) -> None:
        """By id."""
        wanted = sorted(numbers)
        for start in range(0, len(wanted), _CHUNK):
            gone = sa.delete(t.mirror_choice).where(_choice.id.in_(wanted[start : start + _CHUNK]))
            self._connection.execute(gone)

    def begin_settling(self, mirror_id: MirrorId, suite_id: SuiteId, run: int) -> None:
        """The suite's row is locked until the unit ends."""
        last = sa.select(t.mirror.c.runs).where(t.mirror.c.id == mirror_id)
        self._settle(suite_id, run)
        if self._connection.execute(last).scalar_one_or_none() != run:
            raise LostRace("another run of this mirror began meanwhile")

    def await_first_run(self, suite_id: SuiteId) -> None:
        """A number that no run has."""
        self._settle(suite_id, -1)

    def end_settling(self, suite_id: SuiteId) -> None:
        """By suite."""
        self._settle(suite_id, 0)

    def _settle(self, suite_id: SuiteId, run: int) -> None:
        self._connection.execute(sa.update(t.suite).where(t.suite.c.id == suite_id).values(settling=run))

    def documents(self, suite_id: SuiteId, *, shown: bool = True) -> list[CarriedDocument]:
        """By kind."""
        row = t.suite_document.c
        query = sa.select(t.suite_document).where(row.suite_id == suite_id, row.shown == sa.literal(shown))
        found = self._connection.execute(query.order_by(row.kind))
        return [CarriedDocument(each.kind, each.digest, bytes(each.body)) for each in found]

    def bring_document(self, suite_id: SuiteId, document: CarriedDocument, now: datetime) -> None:
        """In place of what was brought before and never shown."""
        row = t.suite_document.c
        old = (row.suite_id == suite_id, row.kind == document.kind, sa.not_(row.shown))
        self._connection.execute(sa.delete(t.suite_document).where(*old))
        fields = {"kind": document.kind, "digest": document.digest, "body": document.body, "brought_at": now}
        self._connection.execute(sa.insert(t.suite_document).values(suite_id=suite_id, shown=False, **fields))

    def forget_documents(self, suite_id: SuiteId, *, shown: bool) -> None:
        """By suite."""
        row = t.suite_document.c
        gone = sa.delete(t.suite_document).where(row.suite_id == suite_id, row.shown == sa.literal(shown))
        self._connection.execute(gone)

    def show_documents(self, suite_id: SuiteId) -> bool:
        """Those that were shown go."""
        row = t.suite_document.c
        query = sa.select(row.kind, row.digest, row.shown).where(row.suite_id == suite_id)
        found = [(each.shown, (each.kind, each.digest)) for each in self._connection.execute(query)]
        if all(shown for shown, _ in found):
            return False
        before = {each for shown, each in found if shown and each[0] in CARRIED}
        after = {each for shown, each in found if not shown and each[0] in CARRIED}
        self.forget_documents(suite_id, shown=True)
        change = sa.update(t.suite_document).where(row.suite_id == suite_id)
        self._connection.execute(change.values(shown=True))
        return before != after


def _all_choices(mirror_id: MirrorId) -> sa.Select[Any]:
    return (
        sa.select(t.mirror_choice, t.archive.c.format)
        .join(t.mirror, t.mirror.c.id == _choice.mirror_id)
        .join(t.suite, t.suite.c.id == t.mirror.c.suite_id)
        .join(t.archive, t.archive.c.id == t.suite.c.archive_id)
        .where(_choice.mirror_id == mirror_id)
    )


def _values(mirror_id: MirrorId, run: int, one: Listed, judged: str, *, needed: bool) -> dict[str, Any]:
    return {
        "mirror_id": mirror_id,
        "run": run,
        "state": ChoiceState.WANTED.value,
        "name": one.key.name,
        "version": one.key.version,
        "architecture": one.key.architecture,
        "listed": one.digest,
        "component": one.component,
        "filename": one.filename,
        "size_bytes": one.size_bytes,
        "needed": needed,
        "package_id": None,
        "steps": [],
        "reason": "",
        "judged": judged,
    }


def _choice_of(row: Row) -> Choice:
    return Choice(
        row.id,
        PackageKey(Format(row.format), row.name, row.version, row.architecture),
        row.component,
        row.filename,
        row.size_bytes,
        row.listed,
        row.needed,
        ChoiceState(row.state),
        None if row.package_id is None else PackageId(row.package_id),
        row.steps,
        row.reason,
    )
