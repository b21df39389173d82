"""New versions wait until they have been known for some days; the clock is moved by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase
from entrepot.domain.advisories.osv import read_osv
from entrepot.domain.model.package import Format
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.services.intake.decisions.acts import Choice
from entrepot.services.intake.promotions import PromotionRequest
from entrepot.services.intake.receipts import Receipt, ReceiptStatus
from entrepot.testing.advisories import affected, osv
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path) as found:
        yield found


def advise(installation: MemoryInstallation, package: str, fixed: str, severity: str) -> None:
    """A whole feed for the suite that says one thing."""
    entry = affected("Debian:12", package, ("fixed", fixed))
    record = osv(f"DSA-{package}", entry, upstream=["CVE-2031-1"], database_specific={"severity": severity.upper()})
    with installation.catalog.write() as unit:
        feed = unit.hold_feed("debian", FeedKind.OSV)
        unit.put_advisories(feed.id, [(read_osv(record), sha256(record).hexdigest())])
    with installation.catalog.write() as unit:
        feed = unit.hold_feed("debian", FeedKind.OSV)
        count, newest_at, contexts = unit.count_contexts(feed.id)
        state = replace(feed, phase=FeedPhase.COMPLETE, count=count, newest_at=newest_at, contexts=contexts)
        unit.note_feed(replace(state, imported_at=installation.clock.now()))


def policy(installation: MemoryInstallation, suite: str = "bookworm", **given: Any) -> None:
    installation.application.policies.change_suite(ADMIN, suite, given)


def push(installation: MemoryInstallation, name: str, version: str = "1.0", suite: str = "bookworm") -> Receipt:
    return installation.upload(build_deb(name, version), f"{name}_{version}_all.deb", suite)


def pursue(installation: MemoryInstallation) -> None:
    """One beat of the keeper."""
    installation.application.keeper.works = True
    installation.application.keeper.beat()


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def index(installation: MemoryInstallation, suite: str = "bookworm") -> str:
    installation.wait_published(suite)
    found = installation.read(Format.DEB, f"dists/{suite}/main/binary-amd64/Packages")
    return (found or b"").decode()


def state(installation: MemoryInstallation, receipt: Receipt) -> ReceiptStatus:
    assert receipt.admission_id is not None
    return installation.application.intake.receipt(receipt.admission_id).status


def test_a_new_version_is_hidden_and_then_appears_by_itself(installation: MemoryInstallation) -> None:
    policy(installation, cooldown={"days": 7})
    young = push(installation, "young")
    assert young.status is ReceiptStatus.HELD
    assert "cools down until 2026-01-09" in young.reasons[0]
    installation.clock.advance(days=6, hours=23)
    pursue(installation)
    assert state(installation, young) is ReceiptStatus.HELD
    installation.clock.advance(hours=2)
    pursue(installation)
    until(lambda: state(installation, young) is ReceiptStatus.ACCEPTED)
    assert "Package: young\n" in index(installation)
    [entry] = [one for one in audited(installation) if one[0] == "VALIDATE"]
    assert entry[1:] == ("SUCCESS", "young")


def audited(installation: MemoryInstallation) -> list[tuple[str, str, str | None]]:
    with installation.catalog.read() as reading:
        links = reading.audit_chain(0, 10_000)
    return [(link.entry.action, link.entry.result, link.entry.package) for link in links]


def test_what_its_suite_trusts_when_the_time_is_over_counts(installation: MemoryInstallation) -> None:
    policy(installation, cooldown={"days": 7})
    young = push(installation, "young")
    assert [reason for reason in young.reasons if "cools down" not in reason] == []
    installation.application.trusted_keys.set_rules(ADMIN, "bookworm", [{"builder": "https://ci.example.org/*"}])
    installation.clock.advance(days=8)
    pursue(installation)
    number = young.admission_id or 0
    until(lambda: "cools down" not in installation.application.intake.receipt(number).reasons[0])
    receipt = installation.application.intake.receipt(number)
    assert receipt.status is ReceiptStatus.HELD
    assert "no verified attestation" in receipt.reasons[0]


def test_what_is_held_for_more_than_its_age_waits_on(installation: MemoryInstallation) -> None:
    policy(installation, cooldown={"days": 7})
    receipt = installation.upload(build_deb("grim", fields={"Essential": "yes"}), "grim_1.0_all.deb", "bookworm")
    assert len(receipt.reasons) == 2
    installation.clock.advance(days=8)
    pursue(installation)
    assert receipt.admission_id is not None
    until(lambda: len(installation.application.intake.receipt(receipt.admission_id or 0).reasons) == 1)
    assert state(installation, receipt) is ReceiptStatus.HELD
    installation.clock.advance(minutes=1)
    assert installation.application.cooling.unmet() == []


def test_age_counts_from_the_first_suite(installation: MemoryInstallation) -> None:
    policy(installation, cooldown={"days": 7})
    assert push(installation, "lib", suite="jammy").status is ReceiptStatus.ACCEPTED
    promote = installation.application.transfers.promotions.promote
    request = PromotionRequest("lib", "jammy", "bookworm", justification="for all")
    pending = promote(ADMIN, request)
    assert [reason.code for reason in pending.verdict.reasons] == ["cooldown.young"]
    installation.clock.advance(days=3)
    pursue(installation)
    assert "Package: lib\n" not in index(installation)
    installation.clock.advance(days=5)
    pursue(installation)
    until(lambda: "Package: lib\n" in index(installation))
    with installation.catalog.read() as reading:
        assert pending.number is not None
        stored = reading.promotion(pending.number)
    assert (stored.state.value, stored.decision) == ("approved", "it need not wait any more")


def test_a_shorter_cooldown_lets_in_what_waits(installation: MemoryInstallation) -> None:
    policy(installation, cooldown={"days": 30})
    waiting = push(installation, "early")
    installation.clock.advance(days=2)
    pursue(installation)
    assert state(installation, waiting) is ReceiptStatus.HELD
    policy(installation, cooldown=None)
    installation.clock.advance(minutes=1)
    pursue(installation)
    until(lambda: state(installation, waiting) is ReceiptStatus.ACCEPTED)


@pytest.mark.parametrize(
    ("severity", "cooldown", "repaired"),
    [
        ("high", {"days": 7}, True),
        ("medium", {"days": 7}, False),
        ("medium", {"days": 7, "exempt_severity": "medium"}, True),
        ("critical", {"days": 7, "exempt_severity": "none"}, False),
    ],
)
def test_a_repair_need_not_wait(
    installation: MemoryInstallation, severity: str, cooldown: dict[str, Any], repaired: bool
) -> None:
    assert push(installation, "lib", "1.0").status is ReceiptStatus.ACCEPTED
    advise(installation, "lib", "2.0", severity)
    policy(installation, cooldown=cooldown, critical="allow", high="allow", medium="allow")
    assert push(installation, "lib", "0.9").status is ReceiptStatus.HELD, "an older version repairs nothing"
    assert push(installation, "lib", "1.5").status is ReceiptStatus.HELD, "it has the fault as well"
    assert push(installation, "other", "2.0").status is ReceiptStatus.HELD
    fixing = push(installation, "lib", "2.0")
    assert fixing.status is (ReceiptStatus.ACCEPTED if repaired else ReceiptStatus.HELD)
    policy(installation, cooldown={"cutoff_at": "2026-01-01T00:00:00Z"})
    assert push(installation, "lib", "2.1").status is ReceiptStatus.HELD, "the cut-off wins"


def test_after_the_cut_off_nothing_goes_in_until_it_is_lifted(installation: MemoryInstallation) -> None:
    cutoff_at = installation.clock.now() + timedelta(days=1)
    policy(installation, cooldown={"cutoff_at": cutoff_at.isoformat()})
    assert push(installation, "before").status is ReceiptStatus.ACCEPTED
    installation.clock.advance(days=2)
    late = push(installation, "late")
    assert (late.status, "cut-off" in late.reasons[0]) == (ReceiptStatus.HELD, True)
    installation.clock.advance(days=365)
    pursue(installation)
    assert state(installation, late) is ReceiptStatus.HELD
    policy(installation, cooldown=None)
    installation.clock.advance(minutes=1)
    pursue(installation)
    until(lambda: state(installation, late) is ReceiptStatus.ACCEPTED)


def test_a_person_breaks_the_glass(installation: MemoryInstallation) -> None:
    policy(installation, cooldown={"days": 7})
    urgent = push(installation, "urgent")
    reviews = installation.application.reviews
    reviews.decide(ADMIN, "urgent", "1.0", Choice(DecisionAction.ACCEPT_RISK, "the shop is down"))
    assert state(installation, urgent) is ReceiptStatus.ACCEPTED
    assert "Package: urgent\n" in index(installation)
