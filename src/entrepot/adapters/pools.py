"""Pools of database connections at their end."""

from __future__ import annotations

from typing import Protocol

import sqlalchemy as sa


class _Record(Protocol):
    def invalidate(self) -> None: ...


def close_for_good(engine: sa.Engine) -> None:
    """Close the connections of a pool that is not used again, those that are out now as soon as they come back.

    ``Engine.dispose`` alone closes what lies in the pool; a thread that ends later would give its connection back to a
    pool that nobody has any more, and the server would keep it until the interpreter cleans up.
    """
    sa.event.listen(engine, "checkin", _close)
    engine.dispose()


def _close(_connection: object, record: _Record) -> None:
    record.invalidate()
