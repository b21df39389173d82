"""Bringing a database to the schema of this program, with Alembic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from entrepot.errors import CatalogTooNew

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x656E7472  # any number that only this program uses


def configuration(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The newest revision that this program knows."""
    found = ScriptDirectory.from_config(configuration()).get_current_head()
    if found is None:
        raise RuntimeError("no migrations are installed")
    return found


@contextmanager
def migrating(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that may make tables anew.

    SQLite changes a table by copying it and dropping the old one, and dropping would take along every row that goes
    with its rows.  So references are not followed meanwhile, and all of them are looked at before the commit.
    """
    with engine.connect().execution_options(writes=True) as connection:
        driver = connection.connection.driver_connection if engine.dialect.name == "sqlite" else None
        if driver is not None:
            driver.execute("PRAGMA foreign_keys=off")
        try:
            with connection.begin():
                yield connection
                if driver is not None and driver.execute("PRAGMA foreign_key_check").fetchone() is not None:
                    raise RuntimeError("a migration would leave rows that refer to nothing")
        finally:
            if driver is not None:
                driver.execute("PRAGMA foreign_keys=on")


def upgrade(engine: sa.Engine) -> None:
    """Create or migrate the schema; one process at a time.

    Raises:
        CatalogTooNew: a newer program has migrated it further.
    """
    with migrating(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        current = _current(connection)
        wanted = head()
        if current == wanted:
            return
        known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
        if current is not None and current not in known:
            raise CatalogTooNew(
                f"the database has schema {current}, this program knows only up to {wanted}; run the newer version"
            )
        command.upgrade(configuration(connection), "head")


def _current(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
