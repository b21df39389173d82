"""Connections: how each engine begins a unit, and how its failures become ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from entrepot.errors import CatalogConflict, CatalogUnavailable

_REPEATABLE = {"40001", "40P01"}  # serialization failure, deadlock
_SQLITE_PRAGMAS = (
    "journal_mode=wal",
    # An acknowledged upload must survive a power cut: ``Flushes`` flushes the log, for many units at once.
    "synchronous=normal",
    "busy_timeout=10000",
    "foreign_keys=on",
    "cache_size=-32000",
    "mmap_size=268435456",
)


def make_engine(url: str) -> sa.Engine:
    """An engine for ``sqlite:///file`` or ``postgresql+psycopg://...``; nothing is connected yet."""
    if url.startswith("sqlite"):
        engine = sa.create_engine(url, pool_size=16, max_overflow=32, pool_timeout=10)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    return sa.create_engine(
        url,
        pool_size=16,
        max_overflow=16,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "options": "-c lock_timeout=10000"},
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver must not open transactions of its own
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"pragma {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    # A unit that will write takes its lock first: a read that becomes a write could not be repeated.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def unit(engine: sa.Engine, *, writes: bool) -> Iterator[sa.Connection]:
    """One transaction; a reading one sees a single snapshot."""
    options: dict[str, object] = {"writes": writes}
    if engine.dialect.name == "postgresql" and not writes:
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with translated():
        connection = engine.connect()
    with connection:
        with translated():
            connection = connection.execution_options(**options)
            transaction = connection.begin()
        try:
            with translated():
                yield connection
        except BaseException:
            with translated():
                transaction.rollback()
            raise
        with translated():
            transaction.commit()


@contextmanager
def translated() -> Iterator[None]:
    """Turn a lost, locked or full database into ``CatalogUnavailable``, a lost race into ``CatalogConflict``."""
    try:
        yield
    except IntegrityError as error:
        raise CatalogConflict("somebody else changed the same thing at this moment; try again") from error
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        if getattr(getattr(error, "orig", None), "sqlstate", None) in _REPEATABLE:
            raise CatalogConflict("somebody else changed the same thing at this moment; try again") from error
        raise CatalogUnavailable("the database cannot be used now; try again in a moment") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise CatalogUnavailable("the database connection was lost; try again in a moment") from error
        raise
