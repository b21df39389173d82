"""Small facts, throttles, nodes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.catalog.sql import tables as t

# ``until`` of a strike is its time and this, whatever the settings say: so that a new setting holds for what is there.
_STRIKES_KEPT = timedelta(days=7)
_FACT = sa.select(t.fact.c.value).where(t.fact.c.name == sa.bindparam("its_name"))


class PeopleQueries:
    """Implements ``PeopleReading`` and its half of ``Writing``."""

    _connection: sa.Connection

    def fact(self, name: str) -> JsonValue:
        """None when nobody set it."""
        return cast("JsonValue", self._connection.execute(_FACT, {"its_name": name}).scalar_one_or_none())

    def throttled(self, key: str, now: datetime) -> tuple[int, datetime] | None:
        """The open window."""
        query = sa.select(t.throttle.c.count.label("counted"), t.throttle.c.until).where(t.throttle.c.key == key)
        row = self._connection.execute(query).first()
        return None if row is None or row.until <= now else (row.counted, row.until)

    def strikes(self, key: str) -> tuple[int, datetime] | None:
        """The row of the failures."""
        query = sa.select(t.throttle.c.count.label("counted"), t.throttle.c.until).where(t.throttle.c.key == key)
        row = self._connection.execute(query).first()
        return None if row is None else (row.counted, row.until - _STRIKES_KEPT)

    def silent_nodes(self, before: datetime) -> list[str]:
        """Working nodes that were last heard of before a time."""
        query = sa.select(t.node.c.name).where(t.node.c.seen_at < before, t.node.c.works)
        return list(self._connection.execute(query).scalars())

    def set_fact(self, name: str, value: JsonValue) -> None:
        """Set or replace."""
        changed = self._connection.execute(sa.update(t.fact).where(t.fact.c.name == name).values(value=value))
        if changed.rowcount == 0:
            self._connection.execute(sa.insert(t.fact).values(name=name, value=value))

    def strike(self, key: str, now: datetime, since: datetime) -> None:
        """In one statement, since many count the same key at once."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        fresh = insert(t.throttle).values(key=key, count=1, until=now + _STRIKES_KEPT)
        in_a_row = t.throttle.c.until > since + _STRIKES_KEPT
        query = fresh.on_conflict_do_update(
            index_elements=["key"],
            set_={"count": sa.case((in_a_row, t.throttle.c.count + 1), else_=1), "until": fresh.excluded.until},
        ).returning(t.throttle.c.count.label("counted"))
        if int(self._connection.execute(query).scalar_one()) == 1:
            self._forget_closed_windows(now)

    def throttle(self, key: str, now: datetime, window_seconds: int) -> int:
        """Count one more; in one statement, since many count the same key at once."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        fresh = insert(t.throttle).values(key=key, count=1, until=now + timedelta(seconds=window_seconds))
        is_open = t.throttle.c.until > now
        query = fresh.on_conflict_do_update(
            index_elements=["key"],
            set_={
                "count": sa.case((is_open, t.throttle.c.count + 1), else_=1),
                "until": sa.case((is_open, t.throttle.c.until), else_=fresh.excluded.until),
            },
        ).returning(t.throttle.c.count.label("counted"))
        count = int(self._connection.execute(query).scalar_one())
        if count == 1:
            self._forget_closed_windows(now)
        return count

    def _forget_closed_windows(self, now: datetime) -> None:
        # Rows that another unit is counting in are left to it, lest two units wait for each other.
        closed = sa.select(t.throttle.c.key).where(t.throttle.c.until <= now).with_for_update(skip_locked=True)
        self._connection.execute(sa.delete(t.throttle).where(t.throttle.c.key.in_(closed)))

    def unthrottle(self, key: str) -> None:
        """Forget the window and those below it."""
        below = t.throttle.c.key.startswith(f"{key}/", autoescape=True)
        self._connection.execute(sa.delete(t.throttle).where(sa.or_(t.throttle.c.key == key, below)))

    def beat(self, node: str, now: datetime, *, works: bool) -> None:
        """Say that a node lives."""
        changed = self._connection.execute(
            sa.update(t.node).where(t.node.c.name == node).values(seen_at=now, works=works)
        )
        if changed.rowcount == 0:
            self._connection.execute(sa.insert(t.node).values(name=node, seen_at=now, works=works))

    def forget_node(self, node: str) -> bool:
        """True for the one who removed it."""
        return self._connection.execute(sa.delete(t.node).where(t.node.c.name == node)).rowcount == 1
