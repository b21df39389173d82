"""Suites that are removed: nobody finds them any more, their name is free, and what hangs on them keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.adapters.catalog.records import Admission, AdmissionState, PackageFilter
from entrepot.domain.model.actor import SYSTEM, Actor, Role
from entrepot.domain.model.package import Format
from entrepot.errors import NotFound, PermissionDenied, SuiteInUse, UnknownDistribution
from entrepot.services.intake.suites import SuiteName
from entrepot.services.snapshots.environments import Aim
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb

STABLE = SuiteName(Format.DEB, "main", "stable")
POOL = "pool/main/t/tool/tool_1.0_all.deb"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path_factory.mktemp("removal")) as found:
        found.application.keeper.stop()  # what it begins by itself would see the clock jump
        yield found


@pytest.fixture
def house(installed: MemoryInstallation) -> MemoryInstallation:
    """With a suite that has a package, whatever was done to the one before."""
    if "stable" not in {suite.codename for suite in installed.application.suites.all(ADMIN)}:
        _fill(installed)
    return installed


def _fill(house: MemoryInstallation) -> None:
    house.application.suites.initialise(ADMIN, "stable", Format.DEB, {"architectures": ["amd64"]})
    house.upload(build_deb("tool", "1.0"), "tool.deb", "stable")
    house.wait_published("stable")


def _shown(house: MemoryInstallation) -> bytes:
    return house.read(Format.DEB, "dists/stable/main/binary-amd64/Packages") or b""


def test_machines_find_it_no_more_and_its_name_is_free(tmp_path: Path, database_url: str) -> None:
    with memory_installation(tmp_path, database_url=database_url) as house:
        house.application.keeper.stop()
        _fill(house)
        suites, before = house.application.suites, house.suite("stable")
        with house.catalog.read() as reading:
            assert reading.pooled(before.archive.id, POOL) is not None
        with pytest.raises(SuiteInUse, match="deb/main/stable has 1 package; remove these first, or say force"):
            suites.remove(ADMIN, STABLE, force=False)
        assert b"Package: tool" in _shown(house)
        suites.remove(ADMIN, STABLE, force=True)
        paths = ["dists/stable/Release", "dists/stable/InRelease", "stable.sources", POOL]
        assert [house.read(Format.DEB, path) for path in paths] == [None] * len(paths)
        assert house.application.listings.packages(ADMIN, PackageFilter(), 0, 10) == ([], 0)
        with pytest.raises(NotFound):
            suites.remove(ADMIN, STABLE, force=True)
        with pytest.raises(UnknownDistribution):
            house.upload(build_deb("tool", "2.0"), "tool.deb", "stable")
        suites.create(ADMIN, STABLE, {"architectures": ["amd64"]})
        after = house.wait_published("stable")
        assert (after.id == before.id, _shown(house)) == (False, b""), "what the old one had is not in the new one"
        house.upload(build_deb("tool", "1.0"), "tool.deb", "stable")
        house.wait_published("stable")
        assert b"Package: tool" in _shown(house)
        _collect(house)
        assert house.application.verifier.verify(SYSTEM).differences == ()
        assert house.read(Format.DEB, POOL) is not None


def _collect(house: MemoryInstallation) -> None:
    """What is old by then goes: the first round looks, the second one removes."""
    for _ in range(2):
        house.clock.advance(days=60)
        house.application.collector.collect()


def test_what_it_had_is_collected_as_anything_that_left(house: MemoryInstallation) -> None:
    with house.catalog.read() as reading:
        kept = house.application.listings.packages(ADMIN, PackageFilter(), 0, 10)[0][0].package.digest
        assert kept in {digest for digest, _ in reading.needed_digests()}
    house.application.suites.remove(ADMIN, STABLE, force=True)
    assert kept in set(house.blobs.digests())
    _collect(house)
    assert kept not in set(house.blobs.digests())
    with house.catalog.read() as reading:
        gone = [suite.id for suite in reading.suites(removed=True) if suite.former_codename == "stable"]
        assert [reading.generations(number) for number in gone] == [[]] * len(gone)


def test_what_a_crash_left_is_taken_out_by_the_collector(house: MemoryInstallation) -> None:
    with house.catalog.write() as unit:  # the first unit of a removal, and none after it
        unit.remove_suite(house.suite("stable").id, house.clock.now())
    assert house.read(Format.DEB, POOL) is None
    _collect(house)
    assert house.application.listings.packages(ADMIN, PackageFilter(), 0, 10) == ([], 0)
    assert house.application.verifier.verify(SYSTEM).differences == ()


def test_what_is_out_of_the_box_does_not_come_back_at_a_start(house: MemoryInstallation) -> None:
    suites, jammy = house.application.suites, SuiteName(Format.DEB, "main", "jammy")
    suites.remove(ADMIN, jammy, force=False)
    suites.prepare()
    assert "jammy" not in {suite.codename for suite in suites.all(ADMIN)}
    suites.create(ADMIN, jammy, {})
    suites.prepare()
    assert [suite.codename for suite in suites.all(ADMIN)].count("jammy") == 1


def test_what_hangs_on_it_keeps_it_and_is_named(house: MemoryInstallation) -> None:
    app = house.application
    app.snapshots.keep(ADMIN, "stable", "first")
    app.environments.create(ADMIN, "prod", "", protected=False)
    app.environments.point(ADMIN, "prod", Aim([("stable", "first")]), "")
    with pytest.raises(SuiteInUse, match="in use by environment prod, snapshot first; remove or decide these first"):
        app.suites.remove(ADMIN, STABLE, force=True)
    app.environments.take_out(ADMIN, "prod", "stable", "")
    app.environments.remove(ADMIN, "prod")
    with pytest.raises(SuiteInUse, match="in use by snapshot first;"):
        app.suites.remove(ADMIN, STABLE, force=True)
    app.snapshots.remove(ADMIN, "stable", "first")
    app.suites.remove(ADMIN, STABLE, force=True)
    with house.catalog.read() as reading:
        entry = reading.audit_entries(1)[0]
    assert (entry.action, entry.suite, entry.detail["packages"]) == ("DIST_DELETE", "stable", 1)


def test_a_package_that_waits_is_decided_first(house: MemoryInstallation) -> None:
    with house.catalog.write() as unit:
        (package,) = [one.package for one in unit.placements(PackageFilter(name="tool"))]
        suite = unit.suite_named(house.suite("stable").archive.id, "noble") or house.suite("noble")
        waiting = Admission(0, suite.id, package.id, "main", AdmissionState.HELD, (), (), "ann", house.clock.now())
        unit.add_admission(waiting)
    with pytest.raises(SuiteInUse, match="in use by 1 package that waits for it;"):
        house.application.suites.remove(ADMIN, SuiteName(Format.DEB, "main", "noble"), force=True)


def test_it_needs_the_right(house: MemoryInstallation) -> None:
    with pytest.raises(PermissionDenied):
        house.application.suites.remove(Actor("ann", frozenset({Role.MAINTAINER}), ""), STABLE, force=True)
    assert b"Package: tool" in _shown(house)
