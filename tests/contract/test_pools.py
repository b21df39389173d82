"""A pool at its end keeps no connection, not even one that a late thread still held."""

from __future__ import annotations

import gc

import pytest
import sqlalchemy as sa

from entrepot.adapters.pools import close_for_good
from entrepot.testing.postgres import PostgresServer

_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'pools' AND application_name = 'late'"


@pytest.mark.postgres
def test_what_comes_back_late_is_closed(postgres: PostgresServer) -> None:
    url = postgres.create_database("pools")
    engine = sa.create_engine(url, connect_args={"application_name": "late"})
    early, late = engine.connect(), engine.connect()
    held = late.connection.dbapi_connection
    assert held is not None
    early.close()
    close_for_good(engine)
    assert not held.closed
    assert late.execute(sa.text(_OPEN)).scalar() == 1
    late.close()
    assert held.closed
    # One that is opened after the end does not stay either.
    with engine.connect() as after:
        opened = after.connection.dbapi_connection
        assert after.execute(sa.text(_OPEN)).scalar() == 1
    assert opened is not None
    assert opened.closed
    del held, opened
    gc.collect()
