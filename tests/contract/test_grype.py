"""Packages before a second engine: what it says of them, what becomes of them, and what is kept of both engines."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase
from entrepot.adapters.catalog.findings import Scan
from entrepot.domain.advisories.osv import read_osv
from entrepot.domain.model.finding import Finding, Severity
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.errors import ScannerMissing
from entrepot.services.intake.receipts import Receipt, ReceiptStatus
from entrepot.testing.advisories import affected, osv
from entrepot.testing.grype import StandIn, match, stand_in
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb, build_rpm

_PATIENCE_SECONDS = 60
_numbers = itertools.count(1)
METADATA = b"Metadata-Version: 2.1\nName: Jinja2\nVersion: 2.10\n\n"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return stand_in(tmp_path_factory.mktemp("grype"))


@pytest.fixture(scope="module")
def installation(program: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryInstallation]:
    with memory_installation(
        tmp_path_factory.mktemp("two"), grype=str(program.program), grype_answer_seconds=20
    ) as found:
        found.application.policies.change(ADMIN, {"critical": "review", "high": "warn", "medium": "allow"})
        say(found, osv("DSA-0", affected("Debian:12", "nothing-here", ("fixed", "1"))))
        yield found


def say(installation: MemoryInstallation, *records: bytes) -> None:
    """More advisories, in a feed that is whole."""
    now = installation.clock.now()
    with installation.catalog.write() as unit:
        feed = unit.hold_feed("advisories", FeedKind.OSV)
        unit.put_advisories(feed.id, [(read_osv(record), f"{next(_numbers):064}") for record in records])
        count, newest_at, contexts = unit.count_contexts(feed.id)
        known = replace(feed, phase=FeedPhase.COMPLETE, count=count, newest_at=newest_at, contexts=contexts)
        unit.note_feed(replace(known, imported_at=now))


def fresh() -> str:
    return f"pkg{next(_numbers)}"


def verdict(installation: MemoryInstallation, name: str, distribution: str = "bookworm", **parts: Any) -> Receipt:
    """Once the worker has decided."""
    receipt = installation.upload(build_deb(name, **parts), f"{name}.deb", distribution)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while receipt.status is ReceiptStatus.INSPECTING and receipt.admission_id is not None:
        assert time.monotonic() < deadline, installation.queue.failures
        time.sleep(0.02)
        receipt = installation.application.intake.receipt(receipt.admission_id)
    return receipt


def said(receipt: Receipt) -> CheckOutcome:
    [outcome] = [one for one in receipt.outcomes if one.name == "grype"]
    return outcome


def kept(installation: MemoryInstallation, name: str, distribution: str = "bookworm") -> tuple[Scan, list[Finding]]:
    """What is known of a package here."""
    found = installation.application.vulnerabilities.findings.package(ADMIN, name, "1.0", None, distribution)
    assert found.scan is not None
    return found.scan, list(found.findings)


def test_nothing_found_is_clean_and_says_with_which_data(installation: MemoryInstallation, program: StandIn) -> None:
    program.plan()
    name = fresh()
    receipt = verdict(installation, name, files={"usr/lib/python3/dist-packages/Jinja2.dist-info/METADATA": METADATA})
    outcome = said(receipt)
    assert (receipt.status, outcome.result) == (ReceiptStatus.ACCEPTED, CheckResult.CLEAN), outcome.message
    assert outcome.coverage is not None
    assert (outcome.coverage.engine, str(outcome.coverage.database_date)[:10]) == ("grype 0.99.0", "2026-01-02")
    assert outcome.coverage.context == "Debian:12"
    # It was asked about this package, for this distribution, with what is bundled.
    system, package, bundled = program.given()["components"]
    assert (system["type"], system["name"], system["version"]) == ("operating-system", "debian", "12")
    assert package["purl"].startswith(f"pkg:deb/debian/{name}@1.0?arch=all&distro=debian-12")
    assert bundled["purl"] == "pkg:pypi/jinja2@2.10"
    scan, _ = kept(installation, name)
    assert (scan.engine, scan.result) == ("osv+grype", CheckResult.CLEAN)


def test_an_rpm_is_asked_about_with_its_epoch_and_source(installation: MemoryInstallation, program: StandIn) -> None:
    program.plan()
    name = fresh()
    receipt = installation.upload(build_rpm(name, "1.0", "1"), f"{name}.rpm", "almalinux9")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while receipt.status is ReceiptStatus.INSPECTING and receipt.admission_id is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        receipt = installation.application.intake.receipt(receipt.admission_id)
    package = program.given()["components"][1]
    assert package["purl"].startswith(f"pkg:rpm/almalinux/{name}@1.0-1?")
    assert "distro=almalinux-9" in package["purl"]
    assert ".src.rpm" in package["purl"]


def test_what_only_it_finds_leads_to_what_the_policy_says(installation: MemoryInstallation, program: StandIn) -> None:
    program.plan(matches=[match("CVE-2030-0001", "Critical")])
    name = fresh()
    receipt = verdict(installation, name)
    assert receipt.status is ReceiptStatus.HELD
    assert list(receipt.reasons) == [f"CVE-2030-0001 (critical) in {name} 1.0"]
    scan, [finding] = kept(installation, name)
    assert (finding.id, finding.engine, finding.severity) == ("CVE-2030-0001", "grype", Severity.CRITICAL)
    assert (scan.result, scan.engine, scan.worst) == (CheckResult.FINDINGS, "osv+grype", Severity.CRITICAL)
    assert "1 more found by grype" in scan.message


def test_what_both_find_is_one_and_the_distribution_says_how_bad(
    installation: MemoryInstallation, program: StandIn
) -> None:
    name, id_ = fresh(), "CVE-2030-0002"
    record = osv(
        f"DSA-{name}",
        affected("Debian:12", name, ("fixed", "2.0")),
        upstream=[id_],
        database_specific={"severity": "LOW"},
    )
    say(installation, record)
    program.plan(matches=[match(id_, "Critical"), match("CVE-2030-0003", "Low")])
    receipt = verdict(installation, name)
    # It would be held, were it as bad as the second engine says.
    assert receipt.status is ReceiptStatus.ACCEPTED, receipt.reasons
    _, findings = kept(installation, name)
    assert {one.id: (one.severity, one.engine) for one in findings} == {
        id_: (Severity.LOW, "osv+grype"),
        "CVE-2030-0003": (Severity.LOW, "grype"),
    }


def test_what_both_find_is_said_once(installation: MemoryInstallation, program: StandIn) -> None:
    name, id_ = fresh(), "CVE-2030-0004"
    severe = {"database_specific": {"severity": "CRITICAL"}}
    say(installation, osv(f"DSA-{name}", affected("Debian:12", name, ("fixed", "2.0")), upstream=[id_], **severe))
    program.plan(matches=[match(id_, "Low")])
    receipt = verdict(installation, name)
    assert list(receipt.reasons) == [f"{id_} (critical) in {name} 1.0"]


@pytest.mark.parametrize(
    ("plan", "result", "why"),
    [
        ({"built": "2025-11-01T00:00:00Z"}, CheckResult.INCONCLUSIVE, "of 2025-11-01"),
        ({"built": "0001-01-01T00:00:00Z"}, CheckResult.INCONCLUSIVE, "of unknown age"),
        ({"status": {"valid": False, "error": "no database"}}, CheckResult.INCONCLUSIVE, "no database"),
        ({"document": {"distro": {"name": "", "version": "", "idLike": []}}}, CheckResult.INCONCLUSIVE, "no distribut"),
        (
            {"document": {"distro": {"name": "debian", "version": "11", "idLike": []}}},
            CheckResult.INCONCLUSIVE,
            "debian 11",
        ),
        ({"document": {"alertsByPackage": [{"package": {}, "alerts": [{"type": "distro-eol", "message": "m"}]}]}},
         CheckResult.INCONCLUSIVE, "distro-eol"),
        ({"without": ["matches"]}, CheckResult.INCONCLUSIVE, "matches"),
        ({"how": "garbled"}, CheckResult.ERROR, "no JSON"),
        ({"how": "silent"}, CheckResult.ERROR, "no JSON"),
        ({"how": "fails"}, CheckResult.ERROR, "failed to load"),
        ({"how": "fails after all"}, CheckResult.ERROR, "code 3"),
        ({"how": "killed"}, CheckResult.ERROR, "signal 9"),
        ({"status_garbled": True}, CheckResult.ERROR, "nothing readable"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_never_clean(
    installation: MemoryInstallation, program: StandIn, plan: dict[str, Any], result: CheckResult, why: str
) -> None:
    program.plan(**plan)
    receipt = verdict(installation, name := fresh())
    outcome = said(receipt)
    assert (outcome.result, receipt.status) == (result, ReceiptStatus.HELD), outcome.message
    assert why in outcome.message
    assert kept(installation, name)[0].engine == "osv"


def test_what_was_found_is_told_of_an_answer_that_does_not_suffice(
    installation: MemoryInstallation, program: StandIn
) -> None:
    program.plan(matches=[match("CVE-2030-0005", "Low")], built="2025-11-01T00:00:00Z")
    name = fresh()
    assert "found so far: 1 low" in said(verdict(installation, name)).message
    assert [one.id for one in kept(installation, name)[1]] == ["CVE-2030-0005"]


def test_a_distribution_that_it_knows_nothing_of_is_inconclusive(
    installation: MemoryInstallation, program: StandIn
) -> None:
    program.plan()
    for said_of in ({"ecosystem": "Echo"}, {"ecosystem": "none"}):
        installation.application.suites.initialise(ADMIN, "special", None, said_of)
        outcome = said(verdict(installation, fresh(), "special"))
        assert (outcome.result, "not one that grype has data of" in outcome.message) == (CheckResult.INCONCLUSIVE, True)


def test_findings_stay_when_advisories_are_compared_again(installation: MemoryInstallation, program: StandIn) -> None:
    program.plan(matches=[match("CVE-2030-0006", "Low"), match("CVE-2030-0007", "High")])
    name = fresh()
    verdict(installation, name)
    say(
        installation,
        osv(f"DSA-{name}", affected("Debian:12", name, ("fixed", "2.0")), upstream=["CVE-2030-0006", "CVE-2030-0008"]),
    )
    installation.application.vulnerabilities.rematch.pursue()
    scan, findings = kept(installation, name)
    assert {one.id: one.engine for one in findings} == {
        "CVE-2030-0006": "osv+grype",
        "CVE-2030-0007": "grype",
        "CVE-2030-0008": "osv",
    }
    assert (scan.engine, scan.result) == ("osv+grype", CheckResult.FINDINGS)


def test_a_scan_that_breaks_off_takes_nothing_away(installation: MemoryInstallation, program: StandIn) -> None:
    program.plan(matches=[match("CVE-2030-0009", "Low")])
    name = fresh()
    verdict(installation, name)
    for how, left in (("killed", 1), ("right", 0)):
        program.plan(how)
        job = installation.application.vulnerabilities.rescans.ask(ADMIN, name, "1.0", None, "bookworm").job_id
        installation.application.vulnerabilities.rescans.pursue(int(job.rpartition("-")[2]))
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(kept(installation, name)[1]) != left:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_its_state_is_asked_and_its_data_are_updated(installation: MemoryInstallation, program: StandIn) -> None:
    program.plan()
    grype = installation.application.grype
    assert grype.status(ADMIN).usable
    report = grype.update(ADMIN)
    assert (report.complete, report.output) == (True, "looked for news")
    program.plan(update_code=1)
    assert not grype.update(ADMIN).complete
    with installation.catalog.read() as reading:
        entries = [one.entry for one in reading.audit_chain(0, 100_000) if one.entry.action == "GRYPE_DB_UPDATE"]
    assert [one.result for one in entries] == ["SUCCESS", "WARNING"]
    installation.clock.advance(minutes=2)
    assert grype.component().state == "ok"
    program.plan(status={"valid": False, "error": "gone"})
    assert grype.component().state == "ok"  # remembered for a minute
    installation.clock.advance(minutes=2)
    assert (grype.component().state, grype.component().detail) == ("error", "gone")


@pytest.mark.parametrize("policy", ["allow", "review"])
def test_an_absent_program_was_not_asked(tmp_path_factory: pytest.TempPathFactory, policy: str) -> None:
    folder = tmp_path_factory.mktemp("absent")
    with memory_installation(folder, grype=str(folder / "grype")) as found:
        found.application.policies.change(ADMIN, {"skipped": {"grype": policy}})
        receipt = verdict(found, "hello")
        assert said(receipt).result is CheckResult.SKIPPED
        assert receipt.status is (ReceiptStatus.HELD if policy == "review" else ReceiptStatus.ACCEPTED)
        assert found.application.grype.component().state == "error"


def test_without_a_second_engine_nothing_waits_for_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    with memory_installation(tmp_path_factory.mktemp("one")) as found:
        receipt = verdict(found, "hello")
        assert (receipt.status, [one.name for one in receipt.outcomes if one.name == "grype"]) == (
            ReceiptStatus.ACCEPTED,
            [],
        )
        assert found.application.grype.component().state == "disabled"
        with pytest.raises(ScannerMissing):
            found.application.grype.update(ADMIN)
