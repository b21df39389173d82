"""Parts that every test may ask for."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx2
import pytest

from entrepot.testing.databases import lay_schema, migrate
from entrepot.testing.forks import forking
from entrepot.testing.postgres import PostgresServer, find_binaries, running_postgres

# Servers and commands are processes of their own: where compiled modules are not kept, each compiles all of them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Of a busy machine an answer can take longer than five seconds, which is what HTTPX waits where nothing is said.
_unsaid: httpx2.Timeout = inspect.signature(httpx2.get).parameters["timeout"].default
_unsaid.connect = _unsaid.read = _unsaid.write = _unsaid.pool = 60.0

_numbers = count(1)


@pytest.fixture(scope="session", autouse=True)
def forks() -> Iterator[None]:
    """Real servers do not import the program one by one."""
    with forking():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server for this worker."""
    if find_binaries() is None:
        pytest.skip("PostgreSQL SERVER IS NOT INSTALLED (Debian: postgresql); every test on it is skipped")
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_schema(postgres: PostgresServer) -> str:
    """Name of a database with our tables and nothing in them, to be copied."""
    migrate(postgres.create_database("catalog_schema"))
    return "catalog_schema"


ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with our tables and nothing in them, once on each engine."""
    if request.param == "sqlite":
        lay_schema(tmp_path / "catalog.db")
        return f"sqlite:///{tmp_path}/catalog.db"
    schema: str = request.getfixturevalue("postgres_schema")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database(f"test_{next(_numbers)}", like=schema)


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/catalog.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database(f"test_{next(_numbers)}")
