"""Security updates that announce themselves, and errata that come with a decision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from tests.flow.test_decisions import RITA, UPLOADER, hold

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase
from entrepot.domain.advisories.osv import read_osv
from entrepot.domain.model.erratum import Erratum, Notice
from entrepot.domain.model.finding import Severity
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.errors import InvalidRequest
from entrepot.services.intake.decisions.acts import Choice
from entrepot.services.intake.promotions import PromotionRequest
from entrepot.testing.advisories import affected, osv
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path, database_url=database_url) as found:
        found.application.keeper.stop()
        yield found


def advise(house: MemoryInstallation) -> None:
    """Two faults of one source, of which nobody knew before; the worse one is mended first."""
    records = [
        osv(
            "CVE-2031-0001",
            affected("Debian:12", "holes", ("fixed", "1.1")),
            database_specific={"severity": "CRITICAL"},
        ),
        osv("CVE-2031-0002", affected("Debian:12", "holes", ("fixed", "1.2")), database_specific={"severity": "LOW"}),
    ]
    with house.catalog.write() as unit:
        feed = unit.hold_feed("debian", FeedKind.OSV)
        unit.put_advisories(feed.id, [(read_osv(record), sha256(record).hexdigest()) for record in records])
    with house.catalog.write() as unit:
        feed = unit.hold_feed("debian", FeedKind.OSV)
        count, newest_at, contexts = unit.count_contexts(feed.id)
        state = replace(feed, phase=FeedPhase.COMPLETE, count=count, newest_at=newest_at, contexts=contexts)
        unit.note_feed(replace(state, imported_at=house.clock.now()))
    house.application.vulnerabilities.rematch.pursue()


def switch_on(house: MemoryInstallation) -> None:
    house.application.configurations.change(ADMIN, {"security_errata": "on"})
    house.application.bulletins.tell()


def push(house: MemoryInstallation, version: str, name: str = "holes", dist: str = "bookworm") -> None:
    data = build_deb(name, version, "all", fields={"Source": "holes"} if name != "holes" else {})
    house.upload(data, f"{name}_{version}_all.deb", dist, actor=UPLOADER)


def errata(house: MemoryInstallation, dist: str = "bookworm") -> list[Erratum]:
    house.application.vulnerabilities.rematch.pursue()
    house.application.bulletins.tell()
    house.application.bulletins.tell()
    return list(house.application.notices.all(ADMIN, dist)[1])[::-1]


def test_nobody_is_told_unless_somebody_wants_it(house: MemoryInstallation) -> None:
    push(house, "1.0")
    advise(house)
    push(house, "1.1")
    assert errata(house) == []
    switch_on(house)
    assert errata(house) == [], "what was there before is no news"


def test_an_update_says_what_it_repairs(house: MemoryInstallation) -> None:
    push(house, "1.0")
    advise(house)
    switch_on(house)
    push(house, "1.1")
    [first] = errata(house)
    assert (first.kind.value, first.severity, first.cves) == ("security", Severity.CRITICAL, ("CVE-2031-0001",))
    assert [str(one.key) for one in first.packages] == ["holes 1.1 all"]
    assert first.title == "holes: security update to 1.1"
    assert errata(house) == [first], "once"
    push(house, "1.2")
    push(house, "1.3")
    first, second = errata(house)
    assert (second.severity, second.cves) == (Severity.LOW, ("CVE-2031-0002",))
    assert house.wait_published("bookworm").published_revision


def test_packages_of_one_source_share_an_erratum(house: MemoryInstallation) -> None:
    for name in ("holes", "holes-doc"):
        push(house, "1.0", name)
    advise(house)
    switch_on(house)
    for name in ("holes", "holes-doc"):
        push(house, "1.2", name)
    [one] = errata(house)
    assert sorted(each.key.name for each in one.packages) == ["holes", "holes-doc"]
    assert sorted(one.cves) == ["CVE-2031-0001", "CVE-2031-0002"]


def test_what_is_older_or_unrelated_repairs_nothing(house: MemoryInstallation) -> None:
    advise(house)
    push(house, "1.2")
    switch_on(house)
    push(house, "1.0")
    push(house, "1.3")
    push(house, "1.0", "another")
    assert errata(house) == []


def test_what_was_approved_or_promoted_is_told_as_well(house: MemoryInstallation) -> None:
    push(house, "1.0")
    advise(house)
    switch_on(house)
    hold(house, "holes", "1.1")
    assert errata(house) == []
    house.application.reviews.decide(RITA, "holes", "1.1", Choice(DecisionAction.ACCEPT_RISK, "read"))
    [told] = errata(house)
    assert told.cves == ("CVE-2031-0001",)
    house.application.transfers.promotions.promote(ADMIN, PromotionRequest("holes", "bookworm", "focal"))
    assert errata(house, "focal") == []


def test_a_decision_brings_its_erratum(house: MemoryInstallation) -> None:
    hold(house)
    choice = Choice(
        DecisionAction.ACCEPT_RISK, "read", erratum=Notice(title="odd: fewer holes", cves=["CVE-2031-0009"])
    )
    bad = replace(choice, erratum=Notice(cves=["no such thing"]))
    with pytest.raises(InvalidRequest):
        house.application.reviews.decide(RITA, "odd", "1.0", bad)
    with pytest.raises(InvalidRequest):
        house.application.reviews.decide(RITA, "odd", "1.0", replace(choice, action=DecisionAction.REJECT))
    decision = house.application.reviews.decide(RITA, "odd", "1.0", choice)
    [told] = errata(house)
    assert [one.code for one in decision.errata.values()] == [told.code]
    assert (told.kind.value, told.issued_by, told.cves) == ("security", "rita", ("CVE-2031-0009",))
    assert [str(one.key) for one in told.packages] == ["odd 1.0 all"]
    assert re.fullmatch(r"EP-2026:0001", told.code)
