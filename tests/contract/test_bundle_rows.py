"""Rows of bundles on both databases: what is kept, what came into a suite last, and what is held back meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.adapters.catalog.bundles import Bundle, BundleStatus, BundleTarget
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite, SuiteOptions
from entrepot.errors import AlreadyExists, AlreadyRunning

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
PLAIN = Bundle(
    number=0,
    id="a" * 32,
    made_here=False,
    status=BundleStatus.ARRIVING,
    chain="a" * 32,
    place=0,
    base="",
    label="for the ship",
    head=digest_of(b"head"),
    file_count=2,
    size_bytes=5 << 40,
    volumes=[(0, 2, 5 << 40)],
    states=[{"reference": "jammy", "files": 2}],
    signer="AB" * 20,
    made_at=NOW,
    noted_at=NOW,
    noted_by="ada",
)


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    opened = SqlCatalog(database_url)
    yield opened
    opened.close()


@pytest.fixture
def suite(catalog: SqlCatalog) -> Suite:
    with catalog.write() as unit:
        return unit.add_suite(unit.add_archive(Format.DEB, "main"), "jammy", SuiteOptions(), NOW)


def add(catalog: SqlCatalog, bundle: Bundle) -> Bundle:
    with catalog.write() as unit:
        return replace(bundle, number=unit.add_bundle(bundle))


def target(bundle: Bundle, suite: Suite, before: int = 1) -> BundleTarget:
    return BundleTarget(bundle.number, suite.id, before, "lists/1.jsonl.gz", holding=True, done=False)


def test_a_bundle_is_read_as_it_was_written_once_for_each_side(catalog: SqlCatalog) -> None:
    came, made = add(catalog, PLAIN), add(catalog, replace(PLAIN, made_here=True, status=BundleStatus.READY))
    with catalog.read() as reading:
        assert reading.bundle(PLAIN.id, made_here=False) == replace(came, result={})
        assert reading.bundle("b" * 32, made_here=True) is None
        assert [one.number for one in reading.bundles(0, 10)[0]] == [made.number, came.number]
        assert reading.bundles(1, 1)[1] == 2
    with pytest.raises(AlreadyExists):
        add(catalog, PLAIN)


def test_a_suite_is_held_by_one_bundle_at_a_time(catalog: SqlCatalog, suite: Suite) -> None:
    first, second = add(catalog, PLAIN), add(catalog, replace(PLAIN, id="b" * 32))
    with catalog.write() as unit:
        unit.hold_suites([target(first, suite)])
    with catalog.write() as unit:
        unit.hold_suites([target(first, suite, before=7)])
    with catalog.read() as reading:
        assert reading.held_suites() == [(suite.id, first.number)]
        assert [one.before for one in reading.bundle_targets(first.number)] == [1], "as when it began"
    with pytest.raises(AlreadyRunning), catalog.write() as unit:
        unit.hold_suites([target(second, suite)])
    with catalog.write() as unit:
        unit.release_suites(first.number, done=False)
        unit.hold_suites([target(second, suite)])
    with catalog.read() as reading:
        assert reading.last_bundle_of(suite.id) is None, "the first one was not imported"


def test_the_last_import_of_a_suite_is_known_and_only_what_is_needed_is_kept(catalog: SqlCatalog, suite: Suite) -> None:
    first, second = add(catalog, PLAIN), add(catalog, replace(PLAIN, id="b" * 32, head=digest_of(b"other")))
    for hours, bundle in enumerate((first, second)):
        with catalog.write() as unit:
            unit.hold_suites([target(bundle, suite)])
            unit.release_suites(bundle.number, done=True)
            unit.note_bundle(bundle.number, BundleStatus.IMPORTED, NOW + timedelta(hours=hours), {"published": 2})
    with catalog.read() as reading:
        last = reading.last_bundle_of(suite.id)
        assert last is not None
        assert (last[0].id, last[0].result, last[1].list_path) == ("b" * 32, {"published": 2}, "lists/1.jsonl.gz")
        assert reading.bundle_heads() == [(first.head, False), (second.head, False)]
    with catalog.write() as unit:
        unit.hold_suites([target(first, suite, before=9)])  # it is imported again
    with catalog.read() as reading:
        assert set(reading.bundle_heads()) == {(first.head, True), (second.head, False)}
        assert [one.before for one in reading.bundle_targets(first.number)] == [9]
    with catalog.write() as unit:
        unit.remove_bundle(first.number)
    with catalog.read() as reading:
        assert (reading.held_suites(), reading.bundle_targets(first.number)) == ([], [])
        assert list(reading.bundled_at(suite.id, 1)) == []
        assert list(reading.mirrored_at(suite.id, 1)) == []
        assert reading.quarantined_digests() == set()
