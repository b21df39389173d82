"""Search in the audit log: every condition, together and alone, over all of the history."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.adapters.catalog.auditing import AuditFilter
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.actor import Actor, Role
from entrepot.services.audit import AuditLog

START = datetime(2026, 1, 1, tzinfo=UTC)
AUDITOR = Actor("eva", frozenset({Role.AUDITOR}))
ENTRIES = [
    AuditEntry(
        action=("UPLOAD", "LOGIN", "PROMOTE")[number % 3],
        result=("SUCCESS", "FAILURE")[number % 5 == 0],
        actor=Actor(f"user{number % 4}", frozenset()),
        at=START + timedelta(minutes=number - 3 * (number % 7 == 0)),  # clocks go back now and then
        package=None if number % 3 == 1 else f"lib%{number % 10}",
        suite=("jammy", "noble", None)[number % 3],
        detail={"file": f"Größe_{number}.DEB", "steps": [{"name": "structure"}]},
    )
    for number in range(300)
]


@pytest.fixture
def log(database_url: str) -> Iterator[AuditLog]:
    catalog = SqlCatalog(database_url)
    with catalog.write() as unit:
        for entry in ENTRIES:
            unit.audit(entry)
    yield AuditLog(catalog)
    catalog.close()


def fits(entry: AuditEntry, wanted: AuditFilter) -> bool:
    """The rule, as slowly as can be."""
    text = wanted.text.casefold()
    inside = [entry.package or "", entry.actor.name, str(entry.detail["file"]), "structure"]
    return (
        (not wanted.package or entry.package == wanted.package)
        and (not wanted.user or entry.actor.name == wanted.user)
        and (not wanted.action or entry.action == wanted.action.upper())
        and (not wanted.result or entry.result == wanted.result.upper())
        and (not wanted.suite or entry.suite == wanted.suite)
        and (wanted.start is None or entry.at >= wanted.start)
        and (wanted.end is None or entry.at <= wanted.end)
        and any(text in word.casefold() for word in inside)
    )


def some_filters() -> list[AuditFilter]:
    """Each condition alone, and many together."""
    chance = random.Random(6)
    choices: dict[str, list[object]] = {
        "package": ["", "lib%3", "lib", "absent"],
        "user": ["", "user1"],
        "action": ["", "login", "UPLOAD"],
        "result": ["", "Failure"],
        "suite": ["", "jammy"],
        "start": [None, START + timedelta(minutes=100)],
        "end": [None, START + timedelta(minutes=200)],
        "text": ["", "USER2", "größe_1", "%", "_29", '"', "structure", "ib", "lib%5", "nothing of this"],
    }
    alone = [AuditFilter(**{name: value}) for name, values in choices.items() for value in values[1:]]  # type: ignore[arg-type]
    mixed = [AuditFilter(**{name: chance.choice(values) for name, values in choices.items()}) for _ in range(60)]  # type: ignore[arg-type]
    return [AuditFilter(), *alone, *mixed]


def test_every_condition_finds_what_fits_and_nothing_else(log: AuditLog) -> None:
    for wanted in some_filters():
        expected = sorted((entry for entry in ENTRIES if fits(entry, wanted)), key=lambda entry: entry.at)
        found, total = log.page(AUDITOR, wanted, 0, 500, ascending=True)
        assert total == len(expected), wanted
        assert sorted(one.entry.at for one in found) == [entry.at for entry in expected], wanted


def test_pages_follow_each_other_in_both_directions(log: AuditLog) -> None:
    for wanted in (AuditFilter(), AuditFilter(action="UPLOAD"), AuditFilter(text="user1")):
        for ascending in (False, True):
            whole = [one.number for one in log.page(AUDITOR, wanted, 0, 500, ascending=ascending)[0]]
            pages = [log.page(AUDITOR, wanted, at, 40, ascending=ascending) for at in range(0, 360, 40)]
            assert [one.number for found, _ in pages for one in found] == whole
            assert {total for _, total in pages} == {len(whole)}
    times = [one.entry.at for one in log.page(AUDITOR, AuditFilter(), 0, 500)[0]]
    assert times == sorted(times, reverse=True)


def test_totals_go_on_with_what_comes_in(log: AuditLog) -> None:
    wanted = AuditFilter(action="upload", text="structure")
    before = log.page(AUDITOR, wanted, 0, 10)[1]
    with log._catalog.write() as unit:
        for entry in ENTRIES[:6]:
            unit.audit(entry)
    assert log.page(AUDITOR, wanted, 0, 10)[1] == before + 2
    assert log.page(AUDITOR, AuditFilter(), 0, 10)[1] == 306
