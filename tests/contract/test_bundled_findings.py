"""What is bundled in packages, compared with the advisories of its own makers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase
from entrepot.adapters.catalog.findings import Scan
from entrepot.domain.advisories.osv import read_osv
from entrepot.domain.model.component import Component, Composition
from entrepot.domain.model.finding import Finding
from entrepot.domain.model.suite import PackageId
from entrepot.domain.policy.gate import CheckResult
from entrepot.testing.advisories import affected, osv
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb, build_rpm

_numbers = itertools.count(1)
DEBIAN = "Debian:12"
LIBRARIES = {
    "PyPI": Component("pkg:pypi/jinja2@2.10", "PyPI", "jinja2", "2.10", "usr/lib/a"),
    "npm": Component("pkg:npm/%40x/left@1.0.0-rc.1", "npm", "@x/left", "1.0.0-rc.1", "usr/lib/b"),
    "Maven": Component("pkg:maven/org.x/core@2.14.0", "Maven", "org.x:core", "2.14.0", "usr/lib/c"),
    "Go": Component("pkg:golang/x.org/net@v0.7.0", "Go", "x.org/net", "0.7.0", "usr/lib/d"),
    "crates.io": Component("pkg:cargo/smallvec@1.6.0", "crates.io", "smallvec", "1.6.0", "usr/lib/e"),
}
FIXES = {"PyPI": "2.10.post1", "npm": "1.0.0", "Maven": "2.14.1-rc1", "Go": "0.10.0", "crates.io": "1.6.1"}


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path_factory.mktemp("bundled"), works=False) as found:
        say(found, osv("DSA-0", affected(DEBIAN, "nothing-here", ("fixed", "1"))), feed="debian")
        yield found


def say(house: MemoryInstallation, *records: bytes, feed: str, days: int = 0, complete: bool = True) -> None:
    """More advisories of a feed that was imported so many days ago."""
    house.clock.advance(days=-days)
    now = house.clock.now()
    house.clock.advance(days=days)
    with house.catalog.write() as unit:
        state = unit.hold_feed(feed, FeedKind.OSV)
        unit.put_advisories(state.id, [(read_osv(record), f"{next(_numbers):064}") for record in records])
        count, newest_at, contexts = unit.count_contexts(state.id)
        phase = FeedPhase.COMPLETE if complete else FeedPhase.IMPORTING
        known = replace(state, phase=phase, count=count, newest_at=newest_at, contexts=contexts)
        unit.note_feed(replace(known, imported_at=now))


def carrying(house: MemoryInstallation, name: str, *components: Component) -> None:
    """A package in bookworm that carries something."""
    house.upload(build_deb(name), f"{name}.deb", "bookworm")
    with house.catalog.write() as unit:
        package = next(
            one for one in unit.packages([PackageId(number) for number in range(1, 100)]) if one.key.name == name
        )
        unit.keep_composition(package.id, Composition(1, tuple(components)), house.clock.now())
    house.application.vulnerabilities.rematch.pursue()


def kept(house: MemoryInstallation, name: str, distribution: str = "bookworm") -> tuple[Scan, list[Finding]]:
    found = house.application.vulnerabilities.findings.package(
        ADMIN, name, "1.0" if distribution == "bookworm" else "1.0-1", None, distribution
    )
    assert found.scan is not None
    return found.scan, list(found.findings)


@pytest.mark.parametrize("ecosystem", LIBRARIES)
def test_a_library_is_found_by_the_order_of_its_own_versions(house: MemoryInstallation, ecosystem: str) -> None:
    library, fixed = LIBRARIES[ecosystem], FIXES[ecosystem]
    record = osv("GHSA-1", affected(ecosystem, library.name, ("fixed", fixed)), aliases=["CVE-2030-1001"])
    say(house, record, feed=ecosystem)
    carrying(house, "carrier", library)
    _, [finding] = kept(house, "carrier")
    assert (finding.id, finding.component, finding.package, finding.version) == (
        "CVE-2030-1001",
        library.purl,
        library.name,
        library.version,
    )
    assert finding.fix_versions == (fixed,)
    carrying(house, "mended", replace(library, version=fixed, purl=f"{library.purl}-mended"))
    scan, findings = kept(house, "mended")
    assert (findings, scan.result) == ([], CheckResult.CLEAN)
    assert (scan.coverage.members_scanned, scan.coverage.members_total) == (2, 2)


@pytest.mark.parametrize(("suffix", "distribution"), [("deb", "bookworm"), ("rpm", "almalinux9")])
def test_it_is_told_when_a_package_comes_in(house: MemoryInstallation, suffix: str, distribution: str) -> None:
    say(house, osv("ALSA-0", affected("AlmaLinux:9", "nothing", ("fixed", "0:1-1"))), feed="alma")
    say(house, osv("PYSEC-1", affected("PyPI", "Jinja2", ("fixed", "2.11")), aliases=["CVE-2030-1002"]), feed="pypi")
    path = "usr/lib/python3/Jinja2-2.10.dist-info/METADATA"
    files = {path: b"Metadata-Version: 2.1\nName: Jinja2\nVersion: 2.10\n\n"}
    data = build_deb("app", files=files) if suffix == "deb" else build_rpm("app", "1.0", "1", files=files)
    receipt = house.upload(data, f"app.{suffix}", distribution)
    [outcome] = [one for one in receipt.outcomes if one.name == "cve"]
    assert [(one.id, one.component) for one in outcome.findings] == [("CVE-2030-1002", "pkg:pypi/jinja2@2.10")]
    assert [one.component for one in kept(house, "app", distribution)[1]] == ["pkg:pypi/jinja2@2.10"]


def test_what_becomes_known_of_a_library_concerns_its_carriers(house: MemoryInstallation) -> None:
    say(house, osv("GHSA-0", affected("npm", "other", ("fixed", "1.0.0"))), feed="npm")
    carrying(house, "carrier", LIBRARIES["npm"])
    assert kept(house, "carrier")[1] == []
    say(house, osv("GHSA-2", affected("npm", "@x/left", ("fixed", "1.0.0")), aliases=["CVE-2030-1003"]), feed="npm")
    house.application.vulnerabilities.rematch.pursue()
    assert [one.id for one in kept(house, "carrier")[1]] == ["CVE-2030-1003"]


def test_the_distribution_has_the_last_word_on_its_own_packages(house: MemoryInstallation) -> None:
    """It has mended the fault in this version, whatever the version of the library is."""
    say(house, osv("DSA-1", affected(DEBIAN, "carrier", ("fixed", "0.9")), upstream=["CVE-2030-1004"]), feed="debian")
    record = osv("GHSA-3", affected("PyPI", "jinja2", ("fixed", "2.11")), aliases=["CVE-2030-1004"])
    say(house, record, osv("GHSA-4", affected("PyPI", "jinja2", ("fixed", "2.11"))), feed="pypi")
    carrying(house, "carrier", LIBRARIES["PyPI"])
    assert [one.id for one in kept(house, "carrier")[1]] == ["GHSA-4"]


def test_a_library_at_two_places_is_one_finding(house: MemoryInstallation) -> None:
    say(house, osv("RUSTSEC-1", affected("crates.io", "smallvec", ("fixed", "1.6.1"))), feed="rust")
    library = LIBRARIES["crates.io"]
    carrying(house, "carrier", library, replace(library, path="usr/lib/z"))
    assert len(kept(house, "carrier")[1]) == 1


def test_what_nobody_speaks_of_is_named_and_not_called_compared(house: MemoryInstallation) -> None:
    bare = Component("pkg:generic/thing@1", "", "thing", "1", "usr/lib/x.jar")
    carrying(house, "carrier", LIBRARIES["Go"], bare)
    scan, _ = kept(house, "carrier")
    assert scan.result is CheckResult.CLEAN
    assert "2 bundled components were not compared" in scan.message
    assert scan.coverage.skipped == (
        "1 bundled components of Go: there are no advisories about them",
        "1 bundled components of no known kind: there are no advisories about them",
    )
    assert (scan.coverage.members_scanned, scan.coverage.members_total) == (1, 3)


@pytest.mark.parametrize(("days", "complete", "why"), [(9, True, "2025-12-24"), (0, False, "not complete")])
def test_old_or_half_advisories_about_a_library_are_inconclusive(
    house: MemoryInstallation, days: int, complete: bool, why: str
) -> None:
    say(house, osv("GHSA-5", affected("Go", "x.org/net", ("fixed", "0.1.0"))), feed="go", days=days, complete=complete)
    carrying(house, "carrier", LIBRARIES["Go"])
    scan, _ = kept(house, "carrier")
    assert scan.result is CheckResult.INCONCLUSIVE
    assert why in scan.message
    carrying(house, "without")
    assert kept(house, "without")[0].result is CheckResult.CLEAN
