"""Rows of snapshots and environments, and what a suite held at a revision, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.contract.test_catalogs import ACTOR, NOW, make_package, make_suite, publish, put

from entrepot.adapters.catalog.records import Placing
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.snapshot import Snapshot
from entrepot.domain.model.suite import Suite
from entrepot.errors import AlreadyExists


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    yield found
    found.close()


def kept(catalog: SqlCatalog, suite: Suite, name: str) -> Snapshot:
    """What is published now, under a name."""
    with catalog.write() as unit:
        generation = unit.generations(suite.id)[0]
        return unit.add_snapshot(suite.id, name, generation, "0" * 64, 1, "", "rita", NOW)


def test_contents_come_bytewise_and_in_pages(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        for component, name in (("main", "b"), ("main", "a"), ("Zoo", "c"), ("contrib", "d")):
            package = make_package(unit, name)
            key = PackageKey(Format.DEB, name, "1.0", "amd64")
            placing = Placing(package, key, component, "amd64", f"pool/{name}.deb")
            unit.place(suite.id, placing, unit.touch_suite(suite.id), ACTOR, NOW)
    with catalog.read() as reading:
        revision = reading.suite(suite.id).revision
        found = [(one.component, one.name) for one in reading.contents_at(suite.id, revision)]
        assert found == [("Zoo", "c"), ("contrib", "d"), ("main", "a"), ("main", "b")]
        marks = [(component, key) for component, key, _, _ in reading.marks_at(suite.id, revision)]
        assert marks == [(one.component, one.key) for one in reading.contents_at(suite.id, revision)]
        pages = [reading.contents_at(suite.id, revision, offset, 3) for offset in (0, 3)]
        assert [(one.component, one.name) for page in pages for one in page] == found
        assert [one.name for one in reading.contents_at(suite.id, revision - 1)] == ["c", "a", "b"]


def test_what_moved_between_two_revisions(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        gone = put(unit, suite, "gone")
        put(unit, suite, "stays")
        first = unit.suite(suite.id).revision
        unit.withdraw(suite.id, gone, unit.touch_suite(suite.id))
        put(unit, suite, "came")
        last = unit.suite(suite.id).revision
    with catalog.read() as reading:
        went, came = reading.moved_between(suite.id, first, last)
        assert ([one.name for one in went], [one.name for one in came]) == (["gone"], ["came"])
        assert {one.name for one in reading.contents_by_key(suite.id, first)} == {"gone", "stays"}
        here, there = (suite.id, first), (suite.id, last)
        assert [[one.name for one in reading.alone(*both)] for both in ((here, there), (there, here))] == [
            ["gone"],
            ["came"],
        ]
        assert {offer.package.key.name for offer in reading.offers_at(suite.id, first, ["gone", "came"])} == {"gone"}


def test_an_environment_shows_its_newest_move(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        put(unit, suite, "one")
    publish(catalog, suite)
    monday = kept(catalog, suite, "monday")
    with catalog.write() as unit:
        put(unit, suite, "two")
    publish(catalog, suite)
    tuesday = kept(catalog, suite, "tuesday")
    with pytest.raises(AlreadyExists):
        kept(catalog, suite, "monday")
    with catalog.write() as unit:
        prod = unit.add_environment("prod", "", "rita", NOW, protected=True)
    for number, snapshot in enumerate((monday, tuesday, monday)):
        with catalog.write() as unit:
            unit.add_moves(prod.id, [(suite.id, snapshot.id)], "rita", "why", NOW + timedelta(hours=number))
    with catalog.read() as reading:
        [position] = reading.positions(prod.id)
        assert position.snapshot is not None
        assert position.snapshot.name == "monday"
        shown = reading.shown_generations("prod", suite.id, 8)
        assert [generation.number for generation, _ in shown] == [1, 2, 1]
        assert shown[0][1] == NOW + timedelta(hours=2)
        assert reading.environments_with(monday.id) == ["prod"]
        assert reading.environments_with(tuesday.id) == []
        assert reading.pinned_generations(suite.id) == {monday.generation.id, tuesday.generation.id}
        moves, total = reading.moves(prod.id, suite.id, 0, 2)
        assert ([move.moved_at for move in moves], total) == ([NOW + timedelta(hours=hour) for hour in (2, 1)], 3)
    with catalog.write() as unit:
        unit.add_moves(prod.id, [(suite.id, None)], "rita", "over", NOW)
        assert unit.positions(prod.id) == []
        assert unit.shown_generations("prod", suite.id, 8) == []
        unit.remove_snapshot(tuesday.id)
        unit.remove_environment(prod.id)
        assert (unit.environments(), unit.snapshots(suite.id, 0, 9)[1]) == ([], 1)
