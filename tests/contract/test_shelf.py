"""Pages and counts say what contents and admissions say, on every engine, whatever happened before."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic import command
from tests.contract.test_catalogs import ACTOR, NOW, make_suite

from entrepot.adapters.catalog.base import Writing
from entrepot.adapters.catalog.records import Admission, AdmissionState, PackageFilter, Placing
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.catalog.sql.schema import configuration
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.package import Format, PackageFacts, PackageKey
from entrepot.domain.model.suite import PackageId, Suite, SuiteOptions

PRIMARY = b'<format>\n    <file>/usr/bin/tool&amp;1</file>\n    <file type="dir">/etc/tool.d</file>\n  </format>'


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    yield found
    found.close()


def add(unit: Writing, key: PackageKey, summary: str) -> PackageId:
    rpm = key.format is Format.RPM
    provides = (f"{key.name} = {key.version}", f"virtual({key.name}) = 2") if rpm else ("virtual (= 2)",)
    facts = PackageFacts(
        key,
        key.name,
        summary=summary,
        relations={"provides": provides},
        fragments={"primary": PRIMARY} if rpm else {"control": b"Package: x\n"},
    )
    return unit.add_package(facts, digest_of(str(key).encode()), "0" * 128, 10, f"{key.name}.x", ACTOR, NOW)


def request(unit: Writing, suite: Suite, package: PackageId, state: AdmissionState) -> int:
    return unit.add_admission(Admission(0, suite.id, package, "main", state, (), (), "rita", NOW))


def place(unit: Writing, suite: Suite, package: PackageId, key: PackageKey) -> None:
    path = f"pool/{suite.codename}/{key.name}_{key.version}_{key.architecture}"
    placing = Placing(package, key, "main", key.architecture, path)
    unit.place(suite.id, placing, unit.touch_suite(suite.id), ACTOR, NOW)


def shelf_rows(catalog: SqlCatalog) -> list[tuple[object, ...]]:
    with catalog.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT suite_id, package_id, name, waits, text FROM shelf ORDER BY 1, 2"))
        return [tuple(row) for row in rows]


def offers(catalog: SqlCatalog) -> list[tuple[object, ...]]:
    with catalog.engine.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(sa.text("SELECT package_id, name FROM capability")))


def live_and_waiting(catalog: SqlCatalog) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Of names and suites, from contents and admissions themselves."""
    with catalog.read() as reading:
        suites = {suite.id: suite.codename for suite in reading.suites()}
        live = {(one.package.key.name, one.suite.codename) for one in reading.placements(PackageFilter())}
        waiting = {
            (reading.package(one.package_id).key.name, suites[one.suite_id])
            for state in (AdmissionState.HELD, AdmissionState.RECEIVED)
            for one in reading.admissions(PackageFilter(), state)
        }
    return live, waiting


@pytest.mark.parametrize("seed", range(3))
def test_any_history_leaves_the_shelf_that_it_should(catalog: SqlCatalog, seed: int) -> None:
    chance = random.Random(seed)
    with catalog.write() as unit:
        suites = [make_suite(unit, name) for name in ("jammy", "noble")]
        keys = [PackageKey(Format.DEB, f"p{number % 5}", f"1.{number}", "amd64") for number in range(10)]
        packages = {add(unit, key, f"package number {key.name}"): key for key in keys}
    open_requests: dict[tuple[PackageId, int], int] = {}
    live: set[tuple[PackageId, int]] = set()
    for _ in range(60):
        package, suite = chance.choice(list(packages)), chance.choice(suites)
        pair = (package, suite.id)
        with catalog.write() as unit:
            if pair in live:
                assert unit.withdraw(suite.id, package, unit.touch_suite(suite.id))
                live.discard(pair)
            elif pair in open_requests:
                accepts = chance.random() < 0.5
                if accepts:
                    place(unit, suite, package, packages[package])
                    live.add(pair)
                state = AdmissionState.ACCEPTED if accepts else AdmissionState.REFUSED
                assert unit.decide_admission(open_requests.pop(pair), state, (), (), ACTOR, NOW, "so", None)
            elif chance.random() < 0.4:
                state = chance.choice([AdmissionState.HELD, AdmissionState.RECEIVED])
                open_requests[pair] = request(unit, suite, package, state)
            else:
                place(unit, suite, package, packages[package])
                request(unit, suite, package, AdmissionState.ACCEPTED)
                live.add(pair)
    there, waiting = live_and_waiting(catalog)
    with catalog.read() as reading:
        names, total = reading.name_page(PackageFilter(), 0, 100)
        assert names == sorted({name for name, _ in there | waiting})
        assert total == len(names)
        for suite in suites:
            for waits, wanted in ((False, there), (True, waiting)):
                page = reading.name_page(PackageFilter(suite=suite.codename, waits=waits), 0, 100)
                assert page[0] == sorted({name for name, codename in wanted if codename == suite.codename})
            count, size, _ = reading.suite_sizes().get(suite.id, (0, 0, None))
            placements, total = reading.placement_page(PackageFilter(suite=suite.codename), 0, 100)
            searched = reading.placement_page(PackageFilter(suite=suite.codename, text="NUMBER P"), 0, 100)
            assert searched == (placements, total)
            assert (count, size) == (total, 10 * total)
            assert total == sum(1 for _, number in live if number == suite.id)


def test_search_folds_case_and_takes_anything_literally(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        for name, summary in (("grosse", "Größe und STRASSE 50%_x"), ("other", "back\\slash 'quoted'")):
            key = PackageKey(Format.DEB, name, "1", "amd64")
            place(unit, suite, add(unit, key, summary), key)
    with catalog.read() as reading:
        for text, found in (("größe", 1), ("GRÖSSE", 1), ("straße", 1), ("50%_x", 1), ("50%x", 0), ("\\", 1), ("'", 1)):
            assert reading.name_page(PackageFilter(text=text), 0, 10)[1] == found, text
            assert reading.placement_page(PackageFilter(text=text), 0, 10)[1] == found, text


def test_a_search_that_finds_very_much_is_paged_as_well(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        for number in range(2100):
            key = PackageKey(Format.DEB, f"p{number:05}", "1", "amd64")
            place(unit, suite, add(unit, key, "much"), key)
    with catalog.read() as reading:
        names, total = reading.name_page(PackageFilter(text="much", suite="jammy"), 2050, 100)
        assert (names[0], len(names), total) == ("p02050", 50, 2100)
        placements, total = reading.placement_page(PackageFilter(text="p0"), 2050, 20)
        assert (placements[0].package.key.name, len(placements), total) == ("p02050", 20, 2100)


def test_an_upgrade_fills_the_shelf_from_what_is_there(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        archive = unit.add_archive(Format.RPM, "main")
        rpms = unit.add_suite(archive, "el9", SuiteOptions(architectures=("x86_64",)), NOW)
        for number in range(8):
            deb = PackageKey(Format.DEB, f"d{number}", "1", "amd64")
            rpm = PackageKey(Format.RPM, f"r{number}", "1-1", "x86_64")
            for home, key in ((suite, deb), (rpms, rpm)):
                package = add(unit, key, f"Summary {number}")
                if number % 4 == 1:
                    request(unit, home, package, AdmissionState.HELD)
                else:
                    place(unit, home, package, key)
                if number % 4 == 2:
                    unit.withdraw(home.id, package, unit.touch_suite(home.id))
    before = shelf_rows(catalog), offers(catalog)
    assert len(before[0]) == 12
    assert {name for _, name in before[1]} == {"virtual", "/usr/bin/tool&1", "/etc/tool.d"} | {
        f"virtual(r{number})" for number in range(8)
    }
    with catalog.engine.begin() as connection:
        command.downgrade(configuration(connection), "0008")
    with catalog.engine.begin() as connection:
        command.upgrade(configuration(connection), "head")
    assert (shelf_rows(catalog), offers(catalog)) == before
