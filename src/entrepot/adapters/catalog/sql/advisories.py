"""Advisories: what they say of packages, and imports."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.advisories import ChangedNames, FeedKind, FeedPhase, FeedState
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import Row
from entrepot.domain.advisories.advisory import Advisory, Affected
from entrepot.domain.model.finding import Severity

_AT_ONCE = 500
_HEAD = 1
_POSITION = sa.select(t.advisory_head.c.position).where(t.advisory_head.c.id == _HEAD)
_FEEDS = sa.select(t.feed).order_by(t.feed.c.name)


class AdvisoryQueries:
    """Implements the half of ``AdvisoryReading`` and ``AdvisoryWriting`` that is about advisories and feeds."""

    _connection: sa.Connection

    def advisories(self, contexts: Sequence[str], names: Collection[str]) -> list[Advisory]:
        """From the key of the entries to the advisories that they belong to."""
        entry, advisory = t.advisory_affected.c, t.advisory.c
        found: dict[int, tuple[Row, list[Affected]]] = {}
        for some in _batches(sorted(set(names))) if contexts else ():
            query = (
                sa.select(
                    entry.context,
                    entry.name,
                    entry.body.label("said"),
                    advisory.id,
                    advisory.name.label("advisory"),
                    advisory.modified_at,
                    advisory.body,
                )
                .join(t.advisory, advisory.id == entry.advisory_id)
                .where(entry.context.in_(list(contexts)), entry.name.in_(some), advisory.withdrawn_at.is_(None))
            )
            for row in self._connection.execute(query):
                found.setdefault(row.id, (row, []))[1].extend(_entries(row.context, row.name, row.said))
        return [_advisory(row, tuple(entries)) for row, entries in found.values()]

    def advisories_changed_since(
        self, position: int, contexts: Sequence[str] | None = None, limit: int = 10_000
    ) -> ChangedNames:
        """A unit has one position, so all names of a position are given together."""
        row = t.advisory_name.c
        query = sa.select(row.context, row.name, row.position).where(row.position > position)
        if contexts is not None:
            query = query.where(row.context.in_(list(contexts)))
        found = self._connection.execute(query.order_by(row.position, row.context, row.name).limit(limit + 1)).all()
        if len(found) <= limit:
            newest = self.advisory_position()
            return ChangedNames(max(newest, position), [(each.context, each.name) for each in found])
        last = found[-1].position
        whole = [each for each in found if each.position < last]
        if not whole:  # one unit with more names than were asked for
            whole = list(self._connection.execute(query.where(row.position == last)))
            return ChangedNames(last, [(each.context, each.name) for each in whole], more=True)
        return ChangedNames(whole[-1].position, [(each.context, each.name) for each in whole], more=True)

    def advisory_position(self) -> int:
        """Of the last unit that changed anything."""
        return int(self._connection.execute(_POSITION).scalar() or 0)

    def feed_states(self) -> list[FeedState]:
        """All of them; there are few."""
        return [_feed(row) for row in self._connection.execute(_FEEDS)]

    def feed_state(self, name: str) -> FeedState | None:
        """One by name."""
        row = self._connection.execute(sa.select(t.feed).where(t.feed.c.name == name)).first()
        return None if row is None else _feed(row)

    def advisory_ages(self, feed: int) -> Mapping[str, tuple[datetime, str]]:
        """Streamed into one mapping."""
        row = t.advisory.c
        query = sa.select(row.name, row.modified_at, row.digest).where(row.feed_id == feed)
        found = self._connection.execute(query.execution_options(yield_per=2000))
        return {each.name: (each.modified_at, each.digest) for each in found}

    def hold_feed(self, name: str, kind: FeedKind) -> FeedState:
        """Insert if nobody did, and lock the row."""
        values: dict[str, Any] = {
            "name": name,
            "kind": kind.value,
            "phase": FeedPhase.NEVER.value,
            "count": 0,
            "digest": "",
            "validators": {},
            "contexts": {},
            "failure": "",
            "pending": "",
            "pending_bytes": 0,
        }
        self._connection.execute(
            self._insert_of(t.feed).values(**values).on_conflict_do_nothing(index_elements=["name"])
        )
        row = self._connection.execute(sa.select(t.feed).where(t.feed.c.name == name).with_for_update()).one()
        return _feed(row)

    def note_feed(self, state: FeedState) -> None:
        """Every column but its id and name."""
        values = {column.name: getattr(state, column.name) for column in t.feed.c if column.name not in ("id", "name")}
        values |= {
            "kind": state.kind.value,
            "phase": state.phase.value,
            "validators": dict(state.validators),
            "contexts": dict(state.contexts),
        }
        self._connection.execute(sa.update(t.feed).where(t.feed.c.id == state.id).values(**values))

    def forget_feed(self, feed: int) -> None:
        """Delete."""
        self._connection.execute(sa.delete(t.feed).where(t.feed.c.id == feed))

    def put_advisories(self, feed: int, advisories: Sequence[tuple[Advisory, str]]) -> None:
        """Rows of advisories keep their numbers; entries are made anew."""
        for some in _batches(list({advisory.id: (advisory, digest) for advisory, digest in advisories}.values())):
            numbers = self._put_rows(feed, some)
            before = self._forget_entries(list(numbers.values()))
            entries: list[dict[str, Any]] = [
                {"context": context, "name": name, "advisory_id": numbers[advisory.id], "body": body}
                for advisory, _ in some
                for (context, name), body in _bodies(advisory.affected).items()
            ]
            for rows in _batches(entries):
                self._connection.execute(sa.insert(t.advisory_affected), rows)
            self._note_names(before | {(each["context"], each["name"]) for each in entries})

    def drop_advisories(self, feed: int, ids: Sequence[str]) -> None:
        """With their entries."""
        row = t.advisory.c
        for some in _batches(list(ids)):
            query = sa.select(row.id).where(row.feed_id == feed, row.name.in_(some))
            numbers = list(self._connection.execute(query).scalars())
            before = self._forget_entries(numbers)
            self._connection.execute(sa.delete(t.advisory).where(row.id.in_(numbers)))
            self._note_names(before)

    def count_contexts(self, feed: int) -> tuple[int, datetime | None, Mapping[str, int]]:
        """Two sums; withdrawn ones count as advisories, and for no context."""
        entry, row = t.advisory_affected.c, t.advisory.c
        own = row.feed_id == feed
        count, newest = self._connection.execute(
            sa.select(sa.func.count(), sa.func.max(row.modified_at)).where(own)
        ).one()
        query = (
            sa.select(entry.context, sa.func.count(sa.distinct(entry.advisory_id)))
            .join(t.advisory, row.id == entry.advisory_id)
            .where(own, row.withdrawn_at.is_(None))
            .group_by(entry.context)
        )
        return int(count), newest, {context: int(number) for context, number in self._connection.execute(query)}

    def _put_rows(self, feed: int, some: Sequence[tuple[Advisory, str]]) -> dict[str, int]:
        rows = [
            {
                "feed_id": feed,
                "name": advisory.id,
                "modified_at": advisory.modified_at,
                "withdrawn_at": advisory.withdrawn_at,
                "digest": digest,
                "body": _body(advisory),
            }
            for advisory, digest in some
        ]
        insert = self._insert_of(t.advisory)
        new = {column: insert.excluded[column] for column in ("modified_at", "withdrawn_at", "digest", "body")}
        merged = insert.on_conflict_do_update(index_elements=["feed_id", "name"], set_=new)
        found = self._connection.execute(merged.returning(t.advisory.c.name, t.advisory.c.id), rows)
        return {row.name: row.id for row in found}

    def _forget_entries(self, numbers: Sequence[int]) -> set[tuple[str, str]]:
        entry = t.advisory_affected.c
        gone = sa.delete(t.advisory_affected).where(entry.advisory_id.in_(list(numbers)))
        return {(row.context, row.name) for row in self._connection.execute(gone.returning(entry.context, entry.name))}

    def _note_names(self, names: Collection[tuple[str, str]]) -> None:
        if not names:
            return
        position = self._next_position()
        for some in _batches(sorted(names)):
            rows = [{"context": context, "name": name, "position": position} for context, name in some]
            insert = self._insert_of(t.advisory_name)
            new = {"position": insert.excluded.position}
            self._connection.execute(insert.on_conflict_do_update(index_elements=["context", "name"], set_=new), rows)

    def _next_position(self) -> int:
        insert = self._insert_of(t.advisory_head).values(id=_HEAD, position=1)
        merged = insert.on_conflict_do_update(
            index_elements=["id"], set_={"position": t.advisory_head.c.position + 1}
        ).returning(t.advisory_head.c.position)
        return int(self._connection.execute(merged).scalar_one())

    def _insert_of(self, table: sa.Table) -> Any:
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        return insert(table)


def _batches(values: Sequence[Any]) -> Iterator[list[Any]]:
    left = iter(values)
    while some := list(islice(left, _AT_ONCE)):
        yield some


def _body(advisory: Advisory) -> str:
    return json.dumps(
        {
            "published": advisory.published_at.isoformat() if advisory.published_at else None,
            "cves": advisory.cves,
            "aliases": advisory.aliases,
            "severity": advisory.severity.value,
            "cvss": advisory.cvss,
            "vector": advisory.cvss_vector,
            "summary": advisory.summary,
            "urls": advisory.urls,
        },
        ensure_ascii=False,
    )


def _advisory(row: Row, affected: tuple[Affected, ...]) -> Advisory:
    body = json.loads(row.body)
    return Advisory(
        id=row.advisory,
        modified_at=row.modified_at,
        published_at=datetime.fromisoformat(body["published"]) if body["published"] else None,
        cves=tuple(body["cves"]),
        aliases=tuple(body["aliases"]),
        severity=Severity(body["severity"]),
        cvss=body["cvss"],
        cvss_vector=body["vector"],
        summary=body["summary"],
        urls=tuple(body["urls"]),
        affected=affected,
    )


def _bodies(affected: Sequence[Affected]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], list[Any]] = {}
    for entry in affected:
        said = [entry.ranges, entry.versions, entry.severity.value]
        found.setdefault((entry.context, entry.name), []).append(said)
    return {key: json.dumps(said, ensure_ascii=False, separators=(",", ":")) for key, said in found.items()}


def _entries(context: str, name: str, body: str) -> Iterator[Affected]:
    for ranges, versions, severity in json.loads(body):
        events = tuple(tuple((kind, at) for kind, at in each) for each in ranges)
        yield Affected(context, name, events, tuple(versions), Severity(severity))


def _feed(row: Row) -> FeedState:
    values = {column.name: getattr(row, column.name) for column in t.feed.c}
    values |= {"kind": FeedKind(row.kind), "phase": FeedPhase(row.phase)}
    return FeedState(**values)
