"""Accounts, API tokens and ended sessions are kept alike on every engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command

from entrepot.adapters.catalog.accounts import Account, ApiToken
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.catalog.sql.engine import make_engine
from entrepot.adapters.catalog.sql.schema import configuration
from entrepot.domain.model.actor import Role
from entrepot.errors import AlreadyExists, NotFound

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
RITA = Account(0, "rita", "hash", frozenset({Role.ADMIN}), "Rita", "r@example.org", True, 7, NOW, None)
CI = ApiToken("tok_1", "ci", "h" * 64, "wxyz", frozenset({Role.UPLOADER}), None, "rita", NOW)


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    with found.write() as unit:
        unit.add_account(RITA)
    yield found
    found.close()


def test_an_account_is_found_by_its_name_and_by_one_alike(catalog: Catalog) -> None:
    with catalog.read() as reading:
        assert reading.account("rita") == replace(RITA, id=1)
        assert reading.account("RITA") is None
        for twin in ("RITA", "rita.", "\uff32\uff29\uff34\uff21"):
            assert reading.account_like(twin) == reading.account("rita")
        assert reading.account_like("ritas") is None
    for twin in ("rita", "Rita", "rita."):
        with pytest.raises(AlreadyExists), catalog.write() as unit:
            unit.add_account(replace(RITA, username=twin))


def test_an_account_changes_and_goes(catalog: Catalog) -> None:
    with catalog.write() as unit:
        unit.change_account("rita", {"roles": frozenset({Role.READER, Role.UPLOADER}), "kept_session": "s1"})
        found = unit.account("rita")
        assert found is not None
        assert (found.roles, found.kept_session) == (frozenset({Role.READER, Role.UPLOADER}), "s1")
    with pytest.raises(NotFound), catalog.write() as unit:
        unit.change_account("nobody", {"active": False})
    with pytest.raises(NotFound), catalog.write() as unit:
        unit.remove_account("nobody")
    with catalog.write() as unit:
        unit.add_api_token(CI)
        unit.remove_account("rita")
    with catalog.read() as reading:
        assert (reading.account("rita"), reading.accounts()) == (None, [])
        used = reading.api_token_with_hash("h" * 64)
        assert used is not None
        assert (used.token, used.creator) == (CI, None)


def test_a_page_of_accounts_is_literal_about_its_text(catalog: Catalog) -> None:
    with catalog.write() as unit:
        for name, full_name in (("anna", "100%"), ("berta", "under_score"), ("carla", "back\\slash")):
            unit.add_account(replace(RITA, username=name, full_name=full_name, email=""))
    with catalog.read() as reading:
        everybody, total = reading.account_page("", 1, 2)
        assert ([account.username for account in everybody], total) == (["berta", "carla"], 4)
        for text, expected in (("%", ["anna"]), ("_", ["berta"]), ("\\", ["carla"]), ("EXAMPLE", ["rita"]), ("'", [])):
            found, total = reading.account_page(text, 0, 10)
            assert ([account.username for account in found], total) == (expected, len(expected)), text


def test_a_token_is_found_in_each_way_and_revoked_once(catalog: Catalog) -> None:
    scoped = replace(CI, scope=frozenset({"main/jammy"}), expires_at=LATER)
    with catalog.write() as unit:
        unit.add_api_token(scoped)
        unit.use_api_token("tok_1", NOW)
    scoped = replace(scoped, last_used=NOW)
    with catalog.read() as reading:
        for word in ("tok_1", "ci", "CI"):
            assert reading.live_api_token(word) == scoped
        used = reading.api_token_with_hash("h" * 64)
        assert used is not None
        assert (used.token, used.creator) == (scoped, reading.account("rita"))
        assert reading.api_token_with_hash("g" * 64) is None
        assert reading.api_token_in_session("tok_1", "s1") == (used, False)
        assert reading.api_token_in_session("tok_2", "s1") is None
        assert "hhhh" not in repr(used)
    with pytest.raises(AlreadyExists), catalog.write() as unit:
        unit.add_api_token(replace(CI, ident="tok_2", name="Ci", key_hash="g" * 64))
    with catalog.write() as unit:
        assert [unit.revoke_api_token("tok_1", LATER), unit.revoke_api_token("tok_1", LATER)] == [True, False]
        unit.add_api_token(replace(CI, ident="tok_2", key_hash="g" * 64))
    with catalog.read() as reading:
        listed = reading.api_tokens()
        assert [(token.ident, token.revoked_at) for token in listed] == [("tok_2", None), ("tok_1", LATER)]
        assert reading.live_api_token("tok_1") is None
        found = reading.live_api_token("ci")
        assert found is not None
        assert found.ident == "tok_2"


def test_an_ended_session_is_remembered_until_it_would_have_expired(catalog: Catalog) -> None:
    def ended() -> list[bool]:
        with catalog.read() as reading:
            found = [reading.account_in_session("rita", session) for session in ("s1", "s2")]
        return [one is not None and one[1] for one in found]

    assert ended() == [False, False]
    for _ in range(2):
        with catalog.write() as unit:
            unit.end_session("s1", NOW, LATER)
    assert ended() == [True, False]
    with catalog.write() as unit:
        unit.end_session("s2", LATER, LATER + timedelta(hours=1))
    assert ended() == [False, True]
    with catalog.read() as reading:
        assert reading.account_in_session("nobody", "s1") is None


def test_attempts_that_come_at_once_are_all_counted(catalog: Catalog) -> None:
    counts: list[int] = []

    def attempt() -> None:
        for _ in range(5):
            with catalog.write() as unit:
                counts.append(unit.throttle("sign-in/192.0.2.1", NOW, 60))

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == list(range(1, 31))


def test_windows_are_forgotten_with_those_below_them(catalog: Catalog) -> None:
    keys = ("lock/a", "lock/a/1", "lock/a/2", "lock/ab", "lock/a_")
    with catalog.write() as unit:
        for key in keys:
            unit.throttle(key, NOW, 60)
        unit.unthrottle("lock/a")
        assert [key for key in keys if unit.throttled(key, NOW)] == ["lock/ab", "lock/a_"]
        unit.throttle("lock/b", LATER, 60)
        assert [key for key in keys if unit.throttled(key, NOW)] == []


def test_those_who_hold_the_accounts_take_turns(catalog: Catalog) -> None:
    """Two administrators who take each other's role away at once: one of them finds the other gone already."""
    with catalog.write() as unit:
        unit.add_account(replace(RITA, username="anna"))
    ready, removed = threading.Barrier(2), []

    def remove(other: str) -> None:
        ready.wait()
        with catalog.write() as unit:
            unit.hold_accounts()
            if len(unit.accounts()) > 1:
                unit.remove_account(other)
                removed.append(other)

    threads = [threading.Thread(target=remove, args=(name,)) for name in ("rita", "anna")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(removed) == 1


def test_a_request_is_authenticated_with_one_query_over_an_index(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        unit.add_api_token(CI)
    statements: list[tuple[str, object]] = []
    sa.event.listen(
        catalog.engine, "before_cursor_execute", lambda *arguments: statements.append((arguments[2], arguments[3]))
    )
    with catalog.read() as reading:
        for ask in (
            lambda: reading.account_in_session("rita", "s1"),
            lambda: reading.api_token_with_hash("h" * 64),
            lambda: reading.api_token_in_session("tok_1", "s1"),
        ):
            statements.clear()
            assert ask() is not None
            [(text, parameters)] = [one for one in statements if one[0].lstrip().upper().startswith("SELECT")]
            if catalog.engine.dialect.name == "sqlite":
                with catalog.engine.connect() as connection:
                    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters).all()  # type: ignore[arg-type]
                steps = [str(row[3]) for row in plan]
                assert not [step for step in steps if step.startswith("SCAN") and "CONSTANT" not in step], steps


def test_accounts_of_the_first_schema_get_their_name_keys(empty_database_url: str) -> None:
    engine = make_engine(empty_database_url)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        command.upgrade(configuration(connection), "0001")
        values = "'Rita.', 'hash', '[\"admin\"]', '', '', :active, 1, 0"
        connection.execute(
            sa.text(
                "INSERT INTO account (username, password_hash, roles, full_name, email, active, session_epoch, "
                f"created_at) VALUES ({values})"
            ),
            {"active": True},
        )
    engine.dispose()
    catalog = SqlCatalog(empty_database_url)
    with catalog.read() as reading:
        found = reading.account_like("rita")
        assert found is not None
        assert (found.username, found.kept_session, found.active) == ("Rita.", None, True)
    with catalog.engine.connect().execution_options(writes=True) as connection, connection.begin():
        command.check(configuration(connection))
        command.downgrade(configuration(connection), "0001")
    catalog.close()
