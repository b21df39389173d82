"""Counts add up on every engine, whoever adds; the dashboard's sums are those of the rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.contract.test_catalogs import ACTOR, make_package, make_suite, put

from entrepot.adapters.catalog.downloads import Counted, LogPosition, Seen
from entrepot.adapters.catalog.records import Admission, AdmissionState, AuditEntry
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.download import ClientType, Item, Tally
from entrepot.domain.model.package import Format, PackageKey
from entrepot.services.dashboard import Dashboard
from entrepot.testing.memory import ADMIN

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
TODAY = NOW.date()
HELLO = Item(Format.DEB, "hello", "1.0", "amd64", "hello_1.0_amd64.deb")
NEWER = Item(Format.DEB, "hello", "1.10", "amd64", "hello_1.10_amd64.deb")
OTHER = Item(Format.RPM, "other", "2.0-1", "noarch", "other-2.0-1.noarch.rpm")


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    yield found
    found.close()


def tally(item: Item, downloads: int, *, ago: int = 0, kind: ClientType = ClientType.APT) -> Tally:
    return Tally(TODAY - timedelta(days=ago), item, kind, downloads, downloads * 100)


def add(catalog: SqlCatalog, *tallies: Tally, clients: Any = (), recent: Any = ()) -> None:
    with catalog.write() as unit:
        unit.count_downloads(Counted(tallies, clients, recent), 5)


def test_counts_add_up(catalog: SqlCatalog) -> None:
    add(catalog, tally(HELLO, 2), tally(NEWER, 1), tally(HELLO, 1, kind=ClientType.CURL))
    add(catalog, tally(HELLO, 3), tally(OTHER, 4, ago=2), tally(OTHER, 0))
    with catalog.read() as reading:
        first, _ = reading.most_downloaded(TODAY, TODAY, 50)
        second, total = reading.most_downloaded(TODAY - timedelta(2), TODAY, 1)
        assert [(one.name, one.downloads, one.sent_bytes, set(one.versions)) for one in first] == [
            ("hello", 7, 700, {"1.0", "1.10"})
        ]
        assert [one.name for one in second] == ["hello"]
        assert total == 2
        days = reading.downloads_by_day(TODAY - timedelta(2), TODAY)
        shown = {(one.day, one.format.value, one.client_type.value): one.downloads for one in days}
    assert shown == {
        (TODAY - timedelta(2), "rpm", "apt"): 4,
        (TODAY, "deb", "apt"): 6,
        (TODAY, "deb", "curl"): 1,
        (TODAY, "rpm", "apt"): 0,
    }


def test_several_processes_add_up(catalog: SqlCatalog) -> None:
    def work(client: str) -> None:
        for _ in range(20):
            add(catalog, tally(HELLO, 1), tally(OTHER, 1), clients=[(TODAY, "", client), (TODAY, "deb/hello", client)])

    threads = [threading.Thread(target=work, args=(f"client {number % 2}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with catalog.read() as reading:
        found = {one.name: (one.downloads, one.clients) for one in reading.most_downloaded(TODAY, TODAY, 50)[0]}
        assert found == {"hello": (80, 2), "other": (80, 0)}
        assert reading.download_clients(TODAY, TODAY) == 2


def test_only_the_last_ones_are_remembered(catalog: SqlCatalog) -> None:
    for number in range(4):
        seen = [
            Seen(
                NOW + timedelta(seconds=10 * number + one),
                HELLO,
                "client",
                ClientType.APT,
                1,
                "",
                200,
                f"/{number}/{one}",
            )
            for one in range(3)
        ]
        add(catalog, recent=seen)
    with catalog.read() as reading:
        assert [one.path for one in reading.recent_downloads(50)] == ["/3/2", "/3/1", "/3/0", "/2/2", "/2/1"]


def test_an_ended_day_becomes_a_number(catalog: SqlCatalog) -> None:
    yesterday = TODAY - timedelta(days=1)
    with catalog.write() as unit:
        salts = [unit.download_salt(yesterday, fresh) for fresh in ("first", "second")]
        assert salts == ["first", "first"]
    people = [(yesterday, package, client) for package in ("", "deb/hello") for client in ("a", "b")]
    add(catalog, tally(HELLO, 2, ago=1), tally(HELLO, 1, ago=500), clients=people)
    for expected in (1, 0):
        with catalog.write() as unit:
            assert unit.fold_downloads(TODAY, TODAY - timedelta(days=400)) == expected
            [one], _ = unit.most_downloaded(TODAY - timedelta(days=600), TODAY, 5)
            assert (one.downloads, one.clients, unit.download_clients(yesterday, TODAY)) == (2, 2, 2)


def test_a_position_moves_for_one_reader_only(catalog: SqlCatalog) -> None:
    start, middle = LogPosition("log"), LogPosition("log", 10, lines=1)
    with catalog.write() as unit:
        assert unit.move_log_position(start, middle, NOW)
    with catalog.write() as unit:
        assert not unit.move_log_position(start, LogPosition("log", 20, lines=2), NOW)
        assert unit.move_log_position(middle, LogPosition("log", 30, inside_line=True, lines=3, skipped=1), NOW)
    with catalog.write() as unit:
        found = unit.log_positions(["log", "absent"])
        assert found == {"log": LogPosition("log", 30, inside_line=True, lines=3, skipped=1)}
        assert unit.log_lines() == (3, 1)
        unit.forget_log_positions(NOW + timedelta(seconds=1))
        assert unit.log_positions(["log"]) == {}


def test_packages_are_found_by_digest_and_by_path(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        put(unit, suite, "hello")
        digest = digest_of(str(PackageKey(Format.DEB, "hello", "1.0", "amd64")).encode())
        item = Item(Format.DEB, "hello", "1.0", "amd64", "hello.deb")
        assert unit.items_with_digests([digest, digest_of(b"absent")]) == {digest: item}
        path = "pool/main/hello_1.0_amd64.deb"
        assert {place: one.digest for place, one in unit.packages_at(suite.archive.id, [path, "x"]).items()} == {
            path: digest
        }


def test_the_dashboard_sums_what_is_there(catalog: SqlCatalog) -> None:
    board = Dashboard(catalog, lambda: NOW)
    assert (board.snapshot(ADMIN).stock.package_count, board.snapshot(ADMIN).decisions.held) == (0, 0)
    with catalog.write() as unit:
        jammy, noble = make_suite(unit), make_suite(unit, "noble")
        put(unit, jammy, "hello")
        put(unit, jammy, "hello", "2.0")
        gone = put(unit, noble, "gone")
        unit.withdraw(noble.id, gone, unit.touch_suite(noble.id))
        held = make_package(unit, "held")
        unit.add_admission(Admission(0, jammy.id, held, "main", AdmissionState.HELD, [], ["because"], "rita", NOW))
        for action, result, ago in (
            ("UPLOAD", "SUCCESS", 0),
            ("UPLOAD", "SUCCESS", 0),
            ("UPLOAD", "FAILURE", 1),
            ("UPLOAD", "SUCCESS", 300),
            ("SECURITY_DECISION", "SUCCESS", 2),
            ("LOGIN", "FAILURE", 0),
        ):
            unit.audit(AuditEntry(action, result, ACTOR, NOW - timedelta(days=ago), package=action.lower()))
    board = Dashboard(catalog, lambda: NOW)  # ended days are remembered, and these were written afterwards
    found = board.snapshot(ADMIN)
    assert (found.stock.name_count, found.stock.package_count) == (1, 2)
    assert {suite.codename: count for suite, count in found.suites} == {"jammy": 2, "noble": 0}
    assert (found.decisions.held, [one.key.name for one in found.waiting]) == (1, ["held"])
    assert (found.today.imports, found.week[-2].failures, found.week[-3].decisions) == (2, 1, 1)
    assert len(found.recent_imports) == 4
    assert sum(day.imports for day in board.history(ADMIN, 365)) == 3
    assert board.ranking(ADMIN, 5).names == [("hello", 2)]
