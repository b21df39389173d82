"""Decisions from their making to their end: what they let in, what they keep out, and who is told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from entrepot.adapters.catalog.decisions import Assignee, DecisionFilter, HeldFilter, Rating, StoredDecision
from entrepot.adapters.catalog.records import AuditEntry, PackageFilter
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.finding import Finding, Severity
from entrepot.domain.model.package import Format
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.errors import (
    AlreadyDecided,
    AmbiguousDecision,
    FourEyes,
    InvalidRequest,
    NotFound,
    PackageQuarantined,
    PermissionDenied,
)
from entrepot.main.parts import FORMATS
from entrepot.services.intake.admit import Candidate, place
from entrepot.services.intake.decisions.acts import Choice
from entrepot.services.intake.decisions.records import Change
from entrepot.services.intake.promotions import PromotionRequest
from entrepot.services.intake.receipts import ReceiptStatus
from entrepot.services.intake.reviews import Decision
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation

RITA = Actor("rita", frozenset({Role.MAINTAINER}))
CARL = Actor("carl", frozenset({Role.MAINTAINER}))
UPLOADER = Actor("dora", frozenset({Role.UPLOADER}))
ODD = {"Essential": "yes"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path) as found:
        found.application.keeper.stop()  # its turns are taken by hand here
        yield found


def hold(house: MemoryInstallation, name: str = "odd", version: str = "1.0", summary: str = "", **more: str) -> bytes:
    data = build_deb(name, version, "all", fields={**ODD, **({"Description": summary} if summary else {}), **more})
    receipt = house.upload(data, f"{name}_{version}_all.deb", "bookworm", actor=UPLOADER)
    assert receipt.status is ReceiptStatus.HELD
    return data


def push(house: MemoryInstallation, name: str, version: str = "1.0", dist: str = "bookworm") -> bytes:
    data = build_deb(name, version, "all")
    assert house.upload(data, "x.deb", dist, actor=UPLOADER).status is ReceiptStatus.ACCEPTED
    return data


def decide(
    house: MemoryInstallation,
    action: DecisionAction = DecisionAction.ACCEPT_RISK,
    name: str = "odd",
    version: str = "1.0",
    actor: Actor = RITA,
    days: int | None = None,
    target: str | None = None,
    digest: str | None = None,
) -> Decision:
    choice = Choice(action, "read by two of us", expires_in_days=days, target_version=target)
    return house.application.reviews.decide(actor, name, version, choice, digest=digest)


def quarantine(house: MemoryInstallation, name: str = "odd", version: str = "1.0") -> None:
    house.application.decisions.quarantines.quarantine(RITA, name, version, None, "the build host was broken into")


def turn(house: MemoryInstallation) -> None:
    """What the keeper and a worker do."""
    for goal in house.application.decisions.waivers.unmet():
        assert goal == Goal(GoalKind.REVIEW)
        house.application.decisions.waivers.pursue()


def listed(house: MemoryInstallation, name: str = "odd", version: str = "1.0", dist: str = "bookworm") -> bool:
    house.wait_idle()
    text = house.read(Format.DEB, f"dists/{dist}/main/binary-amd64/Packages") or b""
    return f"Package: {name}\nVersion: {version}\n".encode() in text


def queue(house: MemoryInstallation, conditions: HeldFilter | None = None) -> list[str]:
    page = house.application.reviews.queue(RITA, conditions or HeldFilter(), 0, 200).page
    return [f"{one.held.package.key.name}={one.held.package.key.version}" for one in page]


def records(house: MemoryInstallation, name: str = "odd", version: str = "1.0") -> list[StoredDecision]:
    return house.application.decisions.records.of_package(RITA, name, version, None)


def audited(house: MemoryInstallation, action: str) -> list[AuditEntry]:
    with house.catalog.read() as reading:
        return [one.entry for one in reading.audit_chain(0, 10_000) if one.entry.action == action]


def settings(house: MemoryInstallation, **values: object) -> None:
    house.application.configurations.change(ADMIN, {"decisions": values})  # type: ignore[dict-item]


def test_an_exception_leaves_the_index_when_it_ends_and_waits_again(house: MemoryInstallation) -> None:
    hold(house)
    decide(house, DecisionAction.EXCEPTION, days=10)
    assert listed(house)
    assert queue(house) == []
    house.clock.advance(days=9, hours=23)
    turn(house)
    assert listed(house)
    house.clock.advance(hours=2)
    turn(house)
    assert not listed(house)
    assert queue(house) == ["odd=1.0"]
    [record] = records(house)
    assert (record.ending, record.ended_by) == ("expired", "system")
    [entry] = audited(house, "SLA_EXPIRED")
    assert (entry.package, entry.detail["withdrawn"]) == ("odd", True)
    turn(house)
    assert len(audited(house, "SLA_EXPIRED")) == 1, "once is enough"
    assert decide(house).records[0].requested_by == "dora"
    assert listed(house)


def test_what_ends_soon_is_told_once_and_again_when_it_was_prolonged(house: MemoryInstallation) -> None:
    hold(house)
    number = decide(house, DecisionAction.EXCEPTION).records[0].id
    [record] = records(house)
    assert record.expires_at == house.clock.now() + timedelta(days=30), "an exception always has an end"
    house.clock.advance(days=24)
    for _ in range(3):
        turn(house)
    [entry] = audited(house, "SLA_EXPIRING")
    assert entry.detail["days_left"] == 6
    house.application.decisions.records.change(RITA, number, Change(expires_in_days=20))
    house.clock.advance(days=7)
    turn(house)
    assert listed(house)
    house.clock.advance(days=10)
    turn(house)
    assert len(audited(house, "SLA_EXPIRING")) == 2
    assert audited(house, "SLA_EXPIRED") == []


def test_a_revoked_approval_takes_the_package_out(house: MemoryInstallation) -> None:
    hold(house)
    number = decide(house).records[0].id
    assert listed(house)
    with pytest.raises(PermissionDenied):
        house.application.decisions.records.revoke(CARL, number)
    house.application.decisions.records.revoke(RITA, number, "a mistake")
    assert not listed(house)
    assert queue(house) == ["odd=1.0"]
    with pytest.raises(AlreadyDecided):
        house.application.decisions.records.revoke(ADMIN, number)


def test_rejected_bytes_stay_out_until_the_decision_is_revoked(house: MemoryInstallation) -> None:
    data = hold(house)
    number = decide(house, DecisionAction.REJECT).records[0].id
    again = house.upload(data, "x.deb", "bookworm", actor=UPLOADER)
    assert again.status is ReceiptStatus.REFUSED
    assert "rita has rejected these bytes" in again.reasons[0]
    assert queue(house) == []
    with pytest.raises(AlreadyDecided):
        decide(house)
    other = hold(house, summary="built again")
    assert other != data
    assert queue(house) == ["odd=1.0"], "other bytes are another matter"
    decide(house)
    assert listed(house)
    house.application.decisions.records.revoke(RITA, number)
    assert queue(house) == ["odd=1.0"]


def test_an_upgrade_that_was_wanted_settles_the_decision(house: MemoryInstallation) -> None:
    hold(house)
    decide(house, DecisionAction.UPGRADE_REQUIRED, target="1.2")
    push(house, "odd", "1.1")
    house.wait_idle()
    turn(house)
    assert records(house)[0].resolved_at is None
    push(house, "odd", "1.10")
    house.wait_idle()
    turn(house)
    [record] = records(house)
    assert (record.ending, record.resolved_by, record.resolution) == ("resolved", "system", "1.10 is published")
    assert not listed(house)
    assert queue(house) == []


def test_quarantine_takes_a_package_out_everywhere_and_for_good(house: MemoryInstallation) -> None:
    data = push(house, "bad")
    house.wait_idle()
    done = house.application.transfers.promotions.promote(ADMIN, PromotionRequest("bad", "bookworm", "jammy"))
    assert done.promoted
    assert listed(house, "bad")
    assert listed(house, "bad", dist="jammy")
    pool = "pool/main/b/bad/bad_1.0_all.deb"
    quarantine(house, "bad")
    with house.catalog.read() as reading:
        archive = reading.archive(Format.DEB, "main")
        assert archive is not None
        assert reading.pooled(archive.id, pool) is None, "at once, although kept generations name it"
    assert not listed(house, "bad")
    assert not listed(house, "bad", dist="jammy")
    for dist in ("bookworm", "jammy", "noble"):
        assert house.upload(data, "x.deb", dist, actor=ADMIN).status is ReceiptStatus.REFUSED
    house.clock.advance(days=20)
    house.application.collector.collect()
    decide(house, name="bad", actor=CARL)
    assert listed(house, "bad")
    assert listed(house, "bad", dist="jammy")
    assert house.upload(data, "x.deb", "noble").status is ReceiptStatus.ACCEPTED


def test_quarantine_of_what_waits_and_of_what_is_unknown(house: MemoryInstallation) -> None:
    with pytest.raises(NotFound):
        quarantine(house)
    hold(house)
    quarantine(house)
    quarantine(house)  # once more changes nothing
    assert len(audited(house, "QUARANTINE")) == 1
    assert queue(house) == []
    number = records(house)[0].id
    house.application.decisions.records.revoke(RITA, number)
    assert queue(house) == ["odd=1.0"]
    decide(house)
    assert listed(house)


def test_a_quarantined_package_cannot_be_promoted_by_force(house: MemoryInstallation) -> None:
    push(house, "bad")
    house.wait_idle()
    quarantine(house, "bad")
    with pytest.raises(NotFound):
        house.application.transfers.promotions.promote(ADMIN, PromotionRequest("bad", "bookworm", "jammy"))
    with house.catalog.read() as reading:
        [package] = reading.packages_keyed(DecisionFilter().package)
    jammy, now = house.suite("jammy"), house.clock.now()
    with house.catalog.write() as unit, pytest.raises(PackageQuarantined):
        place(unit, jammy, FORMATS[Format.DEB], Candidate.of(package), "main", ADMIN, now)


def test_four_eyes_where_the_settings_want_them(house: MemoryInstallation) -> None:
    settings(house, four_eyes_distributions={"bookworm": True})
    data = build_deb("odd", "1.0", "all", fields=ODD)
    house.upload(data, "x.deb", "bookworm", actor=RITA)
    with pytest.raises(FourEyes):
        decide(house)
    token = Actor("token:ci", frozenset({Role.MAINTAINER}), account="rita")
    with pytest.raises(FourEyes):
        decide(house, actor=token)
    decide(house, actor=CARL)
    house.upload(build_deb("own", "1.0", "all", fields=ODD), "x.deb", "jammy", actor=RITA)
    decide(house, name="own")
    promotion = PromotionRequest("own", "jammy", "bookworm")
    house.wait_idle()
    boss = Actor("boss", frozenset({Role.ADMIN}))
    pending = house.application.transfers.promotions.promote(boss, promotion)
    assert pending.number is not None
    with pytest.raises(FourEyes):
        house.application.transfers.promotions.approve(boss, "own", pending.number, "fine")
    forced = PromotionRequest("own", "jammy", "bookworm", force=True, justification="now")
    with pytest.raises(FourEyes):
        house.application.transfers.promotions.promote(boss, forced)
    house.application.transfers.promotions.approve(ADMIN, "own", pending.number, "fine")
    assert [one.codename for one in records(house, "own")] == ["bookworm", "jammy"]


def test_two_contents_of_one_version_are_decided_about_one_by_one(house: MemoryInstallation) -> None:
    hold(house)
    second = hold(house, summary="built again")
    with pytest.raises(AmbiguousDecision):
        decide(house)
    decide(house, digest=hashlib.sha256(second).hexdigest())
    assert listed(house)
    assert queue(house) == ["odd=1.0"]


def test_the_worst_comes_first_and_late_ones_are_told(house: MemoryInstallation) -> None:
    for name in ("first", "second", "third"):
        hold(house, name)
        house.clock.advance(seconds=1)
    numbers = {
        one.held.package.key.name: one.held.admission.id
        for one in house.application.reviews.queue(RITA, HeldFilter(), 0, 9).page
    }
    with house.catalog.write() as unit:
        unit.rate_held(numbers["second"], Rating(Severity.HIGH, {"high": 2}, kev_count=1, findings=["CVE-1", "CVE-2"]))
        unit.rate_held(numbers["third"], Rating(Severity.MEDIUM, {"medium": 1}))
    assert queue(house) == ["second=1.0", "third=1.0", "first=1.0"]
    assert queue(house, HeldFilter(severity=Severity.HIGH)) == ["second=1.0"]
    house.clock.advance(days=31)
    turn(house)
    turn(house)
    [entry] = audited(house, "SLA_OVERDUE")
    assert (entry.package, entry.detail["severity"]) == ("second", "high")
    record = decide(house, name="second").records[0]
    assert record.accepted == ("CVE-1", "CVE-2")
    with house.catalog.read() as reading:
        accepted = reading.accepted_findings(record.package_id, record.suite_id, house.clock.now())
        assert accepted == {"CVE-1", "CVE-2"}


def test_somebody_is_told_to_look_after_it(house: MemoryInstallation) -> None:
    hold(house)
    with pytest.raises(InvalidRequest):
        house.application.decisions.records.assign_waiting(RITA, "odd", "1.0", None, Assignee("nobody"))
    with pytest.raises(InvalidRequest):
        house.application.decisions.records.assign_waiting(RITA, "odd", "1.0", None, Assignee("team", is_group=True))
    assert queue(house, HeldFilter(unassigned=True)) == ["odd=1.0"]
    assert queue(house, HeldFilter(assignees=(Assignee("rita"),))) == []


def test_a_decision_about_what_was_removed_ends_without_bringing_it_back(house: MemoryInstallation) -> None:
    hold(house)
    decide(house, DecisionAction.EXCEPTION, days=3)
    house.application.movements.remove(ADMIN, "odd")
    house.clock.advance(days=4)
    turn(house)
    assert queue(house) == []
    assert records(house)[0].ending == "expired"


def finding(number: str, severity: Severity) -> Finding:
    return Finding(number, severity, "odd", "1.0")


def test_a_decision_is_opened_again_only_by_what_was_not_there(house: MemoryInstallation) -> None:
    hold(house)
    number = house.application.reviews.queue(RITA, HeldFilter(), 0, 9).page[0].held.admission.id
    with house.catalog.write() as unit:
        unit.rate_held(number, Rating(Severity.HIGH, {"high": 1}, findings=["CVE-2026-1"]))
    decision = decide(house).records[0]
    assert listed(house)
    with house.catalog.read() as reading:
        package, suite = reading.package(decision.package_id), reading.suite(decision.suite_id)
    known, new = finding("CVE-2026-1", Severity.HIGH), finding("CVE-2026-2", Severity.HIGH)
    act = house.application.decisions.reopening.act

    def said(*findings: Finding) -> list[CheckOutcome]:
        return [CheckOutcome("cve", CheckResult.FINDINGS, "found", findings=findings)]

    assert not act(package, suite, said(known))
    assert not act(package, suite, said(known, finding("CVE-2026-3", Severity.LOW))), "the policy lets that pass"
    settings(house, new_findings="notify")
    assert not act(package, suite, said(known, new))
    settings(house, new_findings="reopen")
    assert act(package, suite, said(known, new))
    assert not act(package, suite, said(known, new)), "once"
    assert not listed(house)
    assert records(house)[0].ending == "reopened"
    [again] = house.application.reviews.queue(RITA, HeldFilter(), 0, 9).page
    assert again.held.rating.worst is Severity.HIGH
    assert decide(house).records[0].accepted == ("CVE-2026-1", "CVE-2026-2")
    assert not act(package, suite, said(known, new))
    assert listed(house)


def test_what_the_gate_let_in_is_taken_back_only_if_the_settings_say_so(house: MemoryInstallation) -> None:
    push(house, "plain")
    with house.catalog.read() as reading:
        [package] = reading.packages_keyed(PackageFilter(name="plain"))
    outcome = CheckOutcome("cve", CheckResult.FINDINGS, "found", findings=(finding("CVE-2026-9", Severity.CRITICAL),))
    act = house.application.decisions.reopening.act
    assert not act(package, house.suite("bookworm"), [outcome])
    settings(house, new_findings="withdraw")
    assert act(package, house.suite("bookworm"), [outcome])
    assert not listed(house, "plain")
    assert queue(house) == ["plain=1.0"]


def test_what_policy_refused_can_still_be_let_in_for_a_while(house: MemoryInstallation) -> None:
    house.application.configurations.change(
        ADMIN, {"gate": {"concerns": {"*": "review", "control.essential": "block"}}}
    )
    for name in ("appeal", "forgotten", "removed"):
        data = build_deb(name, "1.0", "all", fields=ODD)
        assert house.upload(data, "x.deb", "bookworm", actor=UPLOADER).status is ReceiptStatus.REFUSED
    found = house.application.reviews.queue(RITA, HeldFilter(blocked=True), 0, 9)
    assert (found.total, found.review_count, found.blocked_count) == (3, 0, 3)
    decide(house, name="appeal")
    assert listed(house, "appeal")
    house.application.movements.remove(ADMIN, "removed")
    assert queue(house) == ["forgotten=1.0"]
    house.clock.advance(days=31)
    turn(house)
    assert queue(house) == []
    with pytest.raises((AlreadyDecided, NotFound)):
        decide(house, name="forgotten")
