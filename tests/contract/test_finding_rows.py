"""Findings in the catalog, on every engine, and comparisons that are cut off or overtaken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase
from entrepot.adapters.catalog.findings import PostureFilter, Scan, VulnerabilityFilter
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.storage.base import BlobWriter
from entrepot.domain.advisories.osv import read_osv
from entrepot.domain.model.finding import Coverage, Finding, FixState, Severity
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.services.intake.receipts import UploadRequest
from entrepot.testing.advisories import affected, osv
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CONTEXT = "Ubuntu:22.04:LTS"


def finding(id_: str, severity: Severity, cvss: float | None = None, fix: FixState = FixState.NOT_FIXED) -> Finding:
    return Finding(id_, severity, "src", "1.0", fix, ("2.0",) if fix is FixState.FIXED else (), ("A-1",), cvss)


def keep(catalog: SqlCatalog, suite_id: SuiteId, package_id: PackageId, *found: Finding, position: int = 1) -> None:
    coverage = Coverage(engine="osv", context=CONTEXT, position=position, round=0)
    outcome = CheckOutcome("cve", CheckResult.FINDINGS, "some", findings=found, coverage=coverage)
    with catalog.write() as unit:
        unit.keep_scans([(Scan.of(suite_id, package_id, outcome, NOW), found)])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path, works=False) as found:
        yield found


def say(house: MemoryInstallation, *records: bytes) -> None:
    with house.catalog.write() as unit:
        feed = unit.hold_feed("ubuntu", FeedKind.OSV)
        unit.put_advisories(feed.id, [(read_osv(record), "0" * 64) for record in records])
        count, newest_at, contexts = unit.count_contexts(feed.id)
        known = replace(feed, phase=FeedPhase.COMPLETE, count=count, newest_at=newest_at, contexts=contexts)
        unit.note_feed(replace(known, imported_at=house.clock.now()))


def total(house: MemoryInstallation, name: str) -> int:
    found = house.application.vulnerabilities.findings.package(ADMIN, name, "1.0", None, None)
    return found.scan.total if found.scan is not None else -1


@pytest.fixture
def shelved(database_url: str, tmp_path: Path) -> Iterator[tuple[SqlCatalog, SuiteId, list[PackageId]]]:
    """Two packages in a suite of a catalog on this engine."""
    with memory_installation(tmp_path, works=False, database_url=database_url) as found:
        receipts = [found.upload(build_deb(name), f"{name}.deb", "jammy") for name in ("one", "two")]
        assert isinstance(found.catalog, SqlCatalog)
        yield found.catalog, receipts[0].suite.id, [receipt.package_id for receipt in receipts]


def test_sums_follow_findings(shelved: tuple[SqlCatalog, SuiteId, list[PackageId]]) -> None:
    catalog, suite, (one, two) = shelved
    keep(catalog, suite, one, finding("CVE-1", Severity.HIGH, 8.1), finding("CVE-2", Severity.LOW))
    keep(catalog, suite, two, finding("CVE-1", Severity.CRITICAL, 9.8, FixState.FIXED))
    with catalog.read() as reading:
        page, number = reading.vulnerability_page(VulnerabilityFilter(), 0, 10, 10)
        assert [(each.finding.id, each.finding.severity, each.affected_count) for each in page] == [
            ("CVE-1", Severity.CRITICAL, 2),
            ("CVE-2", Severity.LOW, 1),
        ]
        assert (number, page[0].finding.cvss, page[0].finding.fix_state) == (2, 9.8, FixState.FIXED)
        assert [each.package_id for each in page[0].affected] == [two, one]
        fixed, _ = reading.vulnerability_page(VulnerabilityFilter(suite, None, FixState.FIXED), 0, 10, 10)
        assert [(each.finding.id, each.affected_count) for each in fixed] == [("CVE-1", 1)]
        postures, _ = reading.posture_page(PostureFilter([suite]), 0, 10)
        assert [each.package.id for each in postures] == [two, one]
        assert reading.posture_counts(None).counts[Severity.CRITICAL] == 1
        assert [each.id for each in reading.findings(suite, [one])[one]] == ["CVE-1", "CVE-2"]
    keep(catalog, suite, two, finding("CVE-1", Severity.LOW, 2.0, FixState.FIXED), position=2)
    with catalog.read() as reading:
        page, _ = reading.vulnerability_page(VulnerabilityFilter(suite), 0, 10, 10)
        assert (page[0].finding.id, page[0].finding.severity) == ("CVE-1", Severity.HIGH)
        assert reading.vulnerability_counts(suite)[Severity.CRITICAL] == 0
    with catalog.write() as unit:
        unit.withdraw(suite, one, unit.touch_suite(suite))
    with catalog.read() as reading:
        page, number = reading.vulnerability_page(VulnerabilityFilter(), 0, 10, 10)
        assert [(each.finding.id, each.finding.severity, each.affected_count) for each in page] == [
            ("CVE-1", Severity.LOW, 1)
        ]
        assert (number, reading.scan(suite, one)) == (1, None)


def test_what_is_on_no_shelf_is_not_kept(shelved: tuple[SqlCatalog, SuiteId, list[PackageId]]) -> None:
    catalog, suite, _ = shelved
    keep(catalog, suite, PackageId(999), finding("CVE-9", Severity.HIGH))
    with catalog.read() as reading:
        assert reading.vulnerability_page(VulnerabilityFilter(), 0, 10, 10) == ([], 0)


class Overtaken:
    """A file that has arrived; advisories change after the checks were asked, before it is admitted."""

    def __init__(self, writer: BlobWriter, house: MemoryInstallation, record: bytes) -> None:
        self._writer, self._house, self._record = writer, house, record
        self.size_bytes = writer.size_bytes
        self.reopen, self.digest, self.sha512 = writer.reopen, writer.digest, writer.sha512

    def commit(self) -> object:
        say(self._house, self._record)
        return self._writer.commit()


def test_advisories_that_change_while_a_package_is_admitted_are_not_missed(house: MemoryInstallation) -> None:
    say(house, osv("A-0", affected(CONTEXT, "other", ("fixed", "1"))))
    intake, rematch = house.application.intake, house.application.vulnerabilities.rematch
    with intake.stage() as writer:
        writer.write(build_deb("hello"))
        staged = Overtaken(writer, house, osv("A-1", affected(CONTEXT, "hello"), upstream=["CVE-2031-0001"]))
        intake.receive(ADMIN, staged, UploadRequest("hello.deb", "jammy"))  # type: ignore[arg-type]
    assert total(house, "hello") == 0
    assert rematch.unmet()
    rematch.pursue()
    assert total(house, "hello") == 1


def test_a_comparison_that_was_cut_off_goes_on_until_all_are_done(house: MemoryInstallation) -> None:
    say(house, osv("A-0", affected(CONTEXT, "other", ("fixed", "1"))))
    house.application.configurations.change(ADMIN, {"cve_rematch": {"max_artifacts_per_run": 2}})
    names = [f"p{number}" for number in range(5)]
    for name in names:
        house.upload(build_deb(name), f"{name}.deb", "jammy")
    say(house, *(osv(f"A-{name}", affected(CONTEXT, name), upstream=[f"CVE-2031-{name}"]) for name in names))
    rematch, done = house.application.vulnerabilities.rematch, []
    while rematch.unmet():
        rematch.pursue()
        done.append(sum(total(house, name) for name in names))
    assert done[:3] == [2, 4, 5]
    rematch.pursue()
    assert sum(total(house, name) for name in names) == 5
