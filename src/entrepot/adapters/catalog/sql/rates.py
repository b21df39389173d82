"""Sliding windows in one row each; the arithmetic is that of ``domain.policy.rates``."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.policy.rates import Rate, Window

_row = t.rate_window.c


def _using(insert: postgresql.Insert | sqlite.Insert) -> sa.Executable:
    """An insertion, or a change on the condition that there is room; composed once, as every request asks."""
    now_ms, period, limit = (sa.bindparam(name, type_=sa.BigInteger) for name in ("now_ms", "period_ms", "its_limit"))
    age = now_ms - _row.began_ms
    same, next_one = age.between(-period, period - 1), age.between(period, 2 * period - 1)
    began = sa.case((same, _row.began_ms), (next_one, _row.began_ms + period), else_=now_ms)
    used = sa.case((same, _row.used), else_=0)
    before = sa.case((same, _row.used_before), (next_one, _row.used), else_=0)
    room = used * period + before * (period - (now_ms - began)) + period <= limit * period
    return insert.on_conflict_do_update(
        index_elements=["key"],
        set_={"began_ms": began, "used": used + 1, "used_before": before, "forget_ms": began + 2 * period},
        where=room,
    ).returning(_row.began_ms, _row.used, _row.used_before)


_USE = {
    "postgresql": _using(postgresql.insert(t.rate_window)),
    "sqlite": _using(sqlite.insert(t.rate_window)),
}


class RateQueries:
    """Implements ``RateReading`` and ``RateWriting``."""

    _connection: sa.Connection

    def rate_window(self, key: str) -> Window | None:
        """As it was left."""
        row = self._connection.execute(sa.select(t.rate_window).where(_row.key == key)).first()
        return None if row is None else Window(row.began_ms, row.used, row.used_before)

    def use_rate(self, key: str, rate: Rate, now_ms: int) -> Window | None:
        """In one statement."""
        new = {"key": key, "began_ms": now_ms, "used": 1, "used_before": 0, "forget_ms": now_ms + 2 * rate.period_ms}
        wanted = {"now_ms": now_ms, "period_ms": rate.period_ms, "its_limit": rate.limit}
        row = self._connection.execute(_USE[self._connection.dialect.name], {**new, **wanted}).first()
        if row is None:
            return None
        if row.used == 1 and row.used_before == 0:
            self._forget_old_windows(now_ms)
        return Window(row.began_ms, row.used, row.used_before)

    def _forget_old_windows(self, now_ms: int) -> None:
        # Rows that another unit is counting in are left to it, lest two units wait for each other.
        old = sa.select(_row.key).where(_row.forget_ms <= now_ms).limit(1000).with_for_update(skip_locked=True)
        self._connection.execute(sa.delete(t.rate_window).where(_row.key.in_(old)))
