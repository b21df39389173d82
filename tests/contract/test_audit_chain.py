"""The chain of the audit log in the catalog: written whole, by many at once, and every change of it is named."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.adapters.catalog.auditing import AuditFilter
from entrepot.adapters.catalog.base import Writing
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.adapters.catalog.sql.catalog import SqlCatalog, Unit
from entrepot.adapters.catalog.sql.schema import configuration
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.chain import BEGINNING, ChainWalk, Fault, FaultKind
from entrepot.errors import NotFound

NOW = datetime(2026, 3, 4, 5, 6, 7, 891, tzinfo=UTC)
RITA = Actor("rita", frozenset({Role.MAINTAINER, Role.READER}), "192.0.2.7", "rita")


def entry(number: int, **fields: object) -> AuditEntry:
    """One of many, all different."""
    detail = {"number": number, "list": (1, "zwei", None), "deep": {"Größe": 1.5, "b": [True]}}
    known: dict[str, object] = {"package": f"package-{number}", "version": "1.0", "suite": "jammy", "detail": detail}
    return AuditEntry("UPLOAD", "SUCCESS", RITA, NOW + timedelta(seconds=number), **{**known, **fields})  # type: ignore[arg-type]


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    yield found
    found.close()


def fill(catalog: SqlCatalog, count: int) -> None:
    with catalog.write() as unit:
        for number in range(1, count + 1):
            unit.audit(entry(number))


def note_and_fail(unit: Writing) -> None:
    unit.audit(entry(3))
    raise NotFound("something else in the unit")


def faults(catalog: SqlCatalog) -> list[Fault]:
    """Of the entries alone."""
    walk, found = ChainWalk(), []
    with catalog.read() as reading:
        for link in reading.audit_chain(0, 100_000):
            found += list(walk.step(link.document()))
            if not link.searchable:
                found.append(Fault(FaultKind.WORDS, link.number, "", ""))
        head = reading.audit_head()
    if (head.number, head.hash) != (walk.number, walk.hash):
        found.append(Fault(FaultKind.HEAD, head.number, head.hash, walk.hash))
    return found


def test_entries_are_linked_when_their_unit_is_committed(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        unit.audit(entry(1))
        unit.audit(entry(2))
    with pytest.raises(NotFound), catalog.write() as unit:
        note_and_fail(unit)
    with catalog.write() as unit:
        unit.audit(entry(4))
    with catalog.read() as reading:
        links = reading.audit_chain(0, 10)
        head, first = reading.audit_head(), reading.audit_first()
    assert [link.number for link in links] == [1, 2, 3]
    assert [link.previous for link in links] == [BEGINNING, links[0].hash, links[1].hash]
    assert (head.number, head.hash, first) == (3, links[2].hash, 1)
    assert (links[0].entry.role, links[0].entry.actor.account) == ("maintainer", "rita")
    assert faults(catalog) == []


def test_sixteen_writers_at_once_make_one_chain(catalog: SqlCatalog) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            with catalog.write() as unit:
                unit.audit(entry(writer * 100 + number))
                if number % 3 == 0:
                    unit.audit(entry(writer * 100 + number, package=None))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults(catalog) == []
    with catalog.read() as reading:
        assert reading.audit_head().number == 16 * 14


def test_entries_that_were_there_before_the_chain_are_linked(catalog: SqlCatalog) -> None:
    with catalog.engine.begin() as connection:
        command.downgrade(configuration(connection), "0005")
    names = ("id", "at", "action", "result", "user", "address", "detail")
    old = sa.table("audit", *(sa.column(name, sa.JSON if name == "detail" else None) for name in names))
    with catalog.engine.begin() as connection:
        for number in (3, 7, 8, 20):
            detail = {"z": number, "a": "\u00e9", "f": 0.1}
            values = {"id": number, "at": number, "action": "LOGIN", "result": "SUCCESS", "user": "u", "address": ""}
            connection.execute(sa.insert(old).values(**values, detail=detail))
    with catalog.engine.connect().execution_options(writes=True) as connection, connection.begin():
        command.upgrade(configuration(connection), "head")
    with catalog.write() as unit:
        unit.audit(entry(5))
    assert faults(catalog) == []
    with catalog.read() as reading:
        assert [link.number for link in reading.audit_chain(0, 10)] == [1, 2, 3, 4, 5]
        found = reading.audit_page(AuditFilter(text="Z 20"), 0, 10, 5)
    assert [link.number for link in found] == [4]


EDITS = ("action", "result", "user", "address", "package", "version", "suite", "account", "role", "hash", "previous")


@given(st.sampled_from(EDITS), st.integers(1, 12), st.text("abcdef0", min_size=1, max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_edited_entry_is_named(catalog: SqlCatalog, column: str, number: int, value: str) -> None:
    with catalog.read() as reading:
        filled = reading.audit_head().number
    if not filled:
        fill(catalog, 12)
    with catalog.engine.connect().execution_options(writes=True) as connection, connection.begin() as transaction:
        connection.execute(
            sa.text(f'UPDATE audit SET "{column}" = :value WHERE id = :id'), {"value": value, "id": number}
        )
        rows = list(connection.execute(sa.text("SELECT id FROM audit")))
        found = _faults_of(connection)
        transaction.rollback()
    assert len(rows) == 12
    assert number in {fault.number for fault in found}
    assert {fault.number for fault in found} <= {number - 1, number, number + 1, 12}


def _faults_of(connection: sa.Connection) -> list[Fault]:
    """Within a transaction that will not be committed."""
    walk, found, reading = ChainWalk(), [], Unit(connection)
    for link in reading.audit_chain(0, 1000):
        found += list(walk.step(link.document()))
    head = reading.audit_head()
    if (head.number, head.hash) != (walk.number, walk.hash):
        found.append(Fault(FaultKind.HEAD, head.number, head.hash, walk.hash))
    return found


def tamper(catalog: SqlCatalog, *statements: str) -> list[Fault]:
    """After these statements by somebody who has the database."""
    with catalog.engine.connect().execution_options(writes=True) as connection, connection.begin():
        for statement in statements:
            connection.execute(sa.text(statement))
    return faults(catalog)


def test_dropped_entries_are_named(catalog: SqlCatalog) -> None:
    fill(catalog, 9)
    found = tamper(catalog, "DELETE FROM audit WHERE id IN (4, 5)")
    assert [(fault.kind, fault.number, fault.last) for fault in found] == [(FaultKind.MISSING, 4, 5)]
    assert "entry 5 with hash" in found[0].expected


def test_a_dropped_entry_is_named_though_the_gap_was_closed(catalog: SqlCatalog) -> None:
    fill(catalog, 9)
    renumber = [f"UPDATE audit SET id = {number - 1} WHERE id = {number}" for number in range(5, 10)]
    found = tamper(catalog, "DELETE FROM audit WHERE id = 4", *renumber)
    assert (found[0].kind, found[0].number, found[0].found) == (
        FaultKind.MOVED,
        4,
        "what was written as entry 5",
    )
    assert found[-1].kind is FaultKind.HEAD


def test_an_inserted_entry_is_named(catalog: SqlCatalog) -> None:
    fill(catalog, 9)
    renumber = [f"UPDATE audit SET id = {number + 1} WHERE id = {number}" for number in range(9, 3, -1)]
    columns = "at, action, result, user, address, package, version, suite, detail, account, role, words, previous, hash"
    columns = columns.replace("user", '"user"')
    forged = f"INSERT INTO audit (id, {columns}) SELECT 4, {columns} FROM audit WHERE id = 2"
    found = tamper(catalog, *renumber, forged)
    assert [(fault.kind, fault.number) for fault in found[:2]] == [(FaultKind.MOVED, 4), (FaultKind.MOVED, 5)]
    assert found[1].found == "what was written as entry 4"


def test_exchanged_entries_are_named(catalog: SqlCatalog) -> None:
    fill(catalog, 9)
    swap = [f"UPDATE audit SET id = {new} WHERE id = {old}" for old, new in ((3, 100), (6, 3), (100, 6))]
    found = tamper(catalog, *swap)
    assert {3, 6} <= {fault.number for fault in found} <= {2, 3, 4, 5, 6, 7}


def test_words_that_hide_an_entry_from_search_are_named(catalog: SqlCatalog) -> None:
    fill(catalog, 3)
    assert [fault.kind for fault in tamper(catalog, "UPDATE audit SET words = 'x' WHERE id = 2")] == [FaultKind.WORDS]
