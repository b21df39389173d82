"""The audit log: entries are linked as the last thing before a unit is committed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from entrepot.adapters.catalog.auditing import (
    AuditFilter,
    ChainedEntry,
    ChainHead,
    Checkpoint,
    chained,
    role_of,
    words_of,
)
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.actor import Actor

_HEAD = 1
_SHORTEST_INDEXED = 3
_LOCKED_HEAD = sa.select(t.audit_head).with_for_update()
_MOVE_HEAD = sa.update(t.audit_head).values(number=sa.bindparam("new_number"), hash=sa.bindparam("new_hash"))
_ADD = sa.insert(t.audit)
_WORDS = sa.table("audit_words", sa.column("rowid", sa.Integer), sa.column("words", sa.Text))


class AuditQueries:
    """Implements ``AuditReading`` and ``AuditWriting``."""

    _connection: sa.Connection
    _unchained: list[AuditEntry]

    def audit(self, entry: AuditEntry) -> None:
        """Kept until ``chain``."""
        self._unchained.append(entry)

    def chain(self) -> None:
        """Link what was noted in this unit.

        The head is locked by this until the unit is committed.  Nobody takes another lock after it, so that nobody
        waits in a circle.
        """
        if not self._unchained:
            return
        head = self._connection.execute(_LOCKED_HEAD).one()
        number, previous, rows = head.number, head.hash, []
        for entry in self._unchained:
            link = chained(number + 1, previous, entry)
            rows.append(row_of(link))
            number, previous = link.number, link.hash
        self._unchained.clear()
        self._connection.execute(_ADD, rows)
        self._connection.execute(_MOVE_HEAD, {"new_number": number, "new_hash": previous})

    def audit_entries(self, limit: int, package: str | None = None) -> list[AuditEntry]:
        """Newest first."""
        wanted = AuditFilter(package=package or "")
        return [one.entry for one in self.audit_page(wanted, 0, limit, self.audit_head().number)]

    def audit_page(
        self, wanted: AuditFilter, offset: int, limit: int, upto: int, *, ascending: bool = False
    ) -> list[ChainedEntry]:
        """Numbers are chosen in an index first, rows are read afterwards."""
        keys = _keys(wanted)
        order = [key if ascending else key.desc() for key in keys]
        numbers = sa.select(t.audit.c.id).where(*self._conditions(wanted), t.audit.c.id <= upto).order_by(*order)
        match = self._match(wanted.text.casefold()) if wanted == AuditFilter(text=wanted.text) else None
        if match is not None:
            row = _WORDS.c.rowid if ascending else _WORDS.c.rowid.desc()
            numbers = sa.select(_WORDS.c.rowid.label("id")).where(match, _WORDS.c.rowid <= upto).order_by(row)
        chosen = numbers.limit(limit).offset(offset).subquery()
        query = sa.select(t.audit).join(chosen, chosen.c.id == t.audit.c.id).order_by(*order)
        return [_entry_of(row) for row in self._connection.execute(query)]

    def audit_count(self, wanted: AuditFilter, after: int, upto: int) -> int:
        """By the numbers where there is no other condition: there are no gaps."""
        if wanted.empty():
            return max(0, upto - max(after, self.audit_first() - 1))
        bounds = [t.audit.c.id > after] if after else []
        # Where it says nothing, the bound would only keep PostgreSQL from counting in an index alone.
        if upto < self.audit_head().number:
            bounds.append(t.audit.c.id <= upto)
        query = sa.select(sa.func.count()).select_from(t.audit).where(*self._conditions(wanted), *bounds)
        match = self._match(wanted.text.casefold()) if wanted == AuditFilter(text=wanted.text) else None
        if match is not None:
            inside = (_WORDS.c.rowid > after, _WORDS.c.rowid <= upto)
            query = sa.select(sa.func.count()).select_from(_WORDS).where(match, *inside)
        return int(self._connection.execute(query).scalar_one())

    def audit_chain(self, after: int, limit: int) -> list[ChainedEntry]:
        """In the order of the chain."""
        query = sa.select(t.audit).where(t.audit.c.id > after).order_by(t.audit.c.id).limit(limit)
        return [_entry_of(row) for row in self._connection.execute(query)]

    def audit_batch(self, wanted: AuditFilter, after: ChainedEntry | None, limit: int, upto: int) -> list[ChainedEntry]:
        """From key to key, so that no batch costs more than the first."""
        keys = [t.audit.c.id] if wanted.empty() else _keys(wanted)
        query = sa.select(t.audit).where(*self._conditions(wanted), t.audit.c.id <= upto).order_by(*keys).limit(limit)
        if after is not None:
            place = [after.number] if len(keys) == 1 else [after.entry.at, after.number]
            query = query.where(sa.tuple_(*keys) > sa.tuple_(*place))
        return [_entry_of(row) for row in self._connection.execute(query)]

    def audit_head(self) -> ChainHead:
        """The newest entry, or what the first one will be linked to."""
        row = self._connection.execute(sa.select(t.audit_head)).one()
        return ChainHead(row.number, row.hash)

    def audit_first(self) -> int:
        """The oldest entry."""
        found = self._connection.execute(sa.select(sa.func.min(t.audit.c.id))).scalar_one()
        return self.audit_head().number + 1 if found is None else int(found)

    def audit_end_before(self, moment: datetime) -> ChainHead | None:
        """By the first one that is not older: clocks go back now and then."""
        young = sa.select(t.audit.c.id).where(t.audit.c.at >= moment).order_by(t.audit.c.at, t.audit.c.id)
        first = self._connection.execute(sa.select(sa.func.min(young.subquery().c.id))).scalar_one()
        query = sa.select(t.audit.c.id, t.audit.c.hash).order_by(t.audit.c.id.desc()).limit(1)
        if first is not None:
            query = query.where(t.audit.c.id < first)
        row = self._connection.execute(query).first()
        return None if row is None else ChainHead(row.id, row.hash)

    def audit_next_time(self, after: datetime | None) -> datetime | None:
        """By the index of times."""
        query = sa.select(t.audit.c.at).order_by(t.audit.c.at).limit(1)
        if after is not None:
            query = query.where(t.audit.c.at > after)
        return self._connection.execute(query).scalar_one_or_none()

    def checkpoints(self, after: int, limit: int) -> list[tuple[int, Checkpoint]]:
        """In the order they were made."""
        query = (
            sa.select(t.audit_checkpoint)
            .where(t.audit_checkpoint.c.id > after)
            .order_by(t.audit_checkpoint.c.id)
            .limit(limit)
        )
        return [(row.id, _checkpoint_of(row)) for row in self._connection.execute(query)]

    def last_checkpoint(self) -> Checkpoint | None:
        """The one about the newest entry."""
        return self._newest(sa.true())

    def last_forgetting(self) -> Checkpoint | None:
        """The one that the log begins behind."""
        return self._newest(t.audit_checkpoint.c.forgets)

    def _newest(self, condition: sa.ColumnElement[bool]) -> Checkpoint | None:
        order = (t.audit_checkpoint.c.number.desc(), t.audit_checkpoint.c.id.desc())
        row = self._connection.execute(sa.select(t.audit_checkpoint).where(condition).order_by(*order).limit(1)).first()
        return None if row is None else _checkpoint_of(row)

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Beside the others."""
        self._connection.execute(
            sa.insert(t.audit_checkpoint).values(
                number=checkpoint.number,
                forgets=checkpoint.forgets,
                at=checkpoint.at,
                statement=checkpoint.statement,
                signature=checkpoint.signature,
            )
        )

    def forget_audit_before(self, number: int, limit: int) -> int:
        """The oldest ones first, and checkpoints that only they had."""
        oldest = sa.select(t.audit.c.id).where(t.audit.c.id <= number).order_by(t.audit.c.id).limit(limit)
        gone = self._connection.execute(sa.delete(t.audit).where(t.audit.c.id.in_(oldest))).rowcount
        if gone < limit:
            self._connection.execute(sa.delete(t.audit_checkpoint).where(t.audit_checkpoint.c.number < number))
        return gone

    def _conditions(self, wanted: AuditFilter) -> list[sa.ColumnElement[bool]]:
        equal: list[tuple[sa.ColumnElement[Any], str]] = [
            (t.audit.c.package, wanted.package),
            (t.audit.c.user, wanted.user),
            (t.audit.c.action, wanted.action.upper()),
            (t.audit.c.result, wanted.result.upper()),
            (t.audit.c.suite, wanted.suite),
        ]
        found = [column == value for column, value in equal if value]
        if wanted.start is not None:
            found.append(t.audit.c.at >= wanted.start)
        if wanted.end is not None:
            found.append(t.audit.c.at <= wanted.end)
        if wanted.text:
            found.append(self._has_words(wanted.text.casefold()))
        return found

    def _has_words(self, text: str) -> sa.ColumnElement[bool]:
        """With the index of texts where the engine has one and the text is long enough for it; else each is read."""
        plain = t.audit.c.words.contains(text, autoescape=True)
        match = self._match(text)
        return plain if match is None else t.audit.c.id.in_(sa.select(_WORDS.c.rowid).where(match))

    def _match(self, text: str) -> sa.ColumnElement[bool] | None:
        """Of the index of texts that SQLite has; none where it is of no use."""
        if self._connection.dialect.name == "postgresql" or len(text) < _SHORTEST_INDEXED or "\0" in text:
            return None
        table = sa.table("sqlite_master", sa.column("name"))
        if self._connection.execute(sa.select(table).where(table.c.name == "audit_words")).first() is None:
            return None
        phrase = '"' + text.replace('"', '""') + '"'
        return _WORDS.c.words.op("MATCH")(phrase)


def _keys(wanted: AuditFilter) -> list[sa.ColumnElement[Any]]:
    # What is found by its text comes in the order of the index of texts.
    return [t.audit.c.id] if wanted.text else [t.audit.c.at, t.audit.c.id]


def row_of(link: ChainedEntry) -> dict[str, Any]:
    """A row of the table."""
    entry = link.entry
    return {
        "id": link.number,
        "at": entry.at,
        "action": entry.action,
        "result": entry.result,
        "user": entry.actor.name,
        "address": entry.actor.address,
        "package": entry.package,
        "version": entry.version,
        "suite": entry.suite,
        "detail": dict(entry.detail),
        "account": entry.actor.account or None,
        "role": role_of(entry),
        "words": words_of(entry),
        "previous": link.previous,
        "hash": link.hash,
    }


def _entry_of(row: sa.Row[Any]) -> ChainedEntry:
    entry = AuditEntry(
        action=row.action,
        result=row.result,
        actor=Actor(row.user, frozenset(), row.address, row.account or ""),
        at=row.at,
        package=row.package,
        version=row.version,
        suite=row.suite,
        detail=row.detail,
        role=row.role,
    )
    return ChainedEntry(row.id, row.previous, row.hash, entry, row.words == words_of(entry))


def _checkpoint_of(row: sa.Row[Any]) -> Checkpoint:
    return Checkpoint(row.number, row.forgets, row.at, row.statement, row.signature)
