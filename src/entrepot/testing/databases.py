"""Databases that have the schema already: it is migrated once and copied, which takes a twentieth of the time."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import tempfile
from pathlib import Path

from entrepot.adapters.catalog.sql.catalog import SqlCatalog


def lay_schema(path: Path) -> None:
    """A SQLite file as a first start would make it; one that is there already stays as it is."""
    with contextlib.suppress(FileExistsError), path.open("xb") as file:
        file.write(_sqlite())


def migrate(url: str) -> None:
    """Bring a database to the schema, and let go of it."""
    SqlCatalog(url).close()


@functools.cache
def _sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.db"
        migrate(f"sqlite:///{path}")
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return connection.serialize()
