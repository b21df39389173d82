"""What is told about a package and a suite: who, when, what the checks said, who decided, and what keeps it out now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.flow.test_cooldown import advise
from tests.flow.test_decisions import RITA, UPLOADER, decide, hold, push, quarantine

from entrepot.adapters.catalog.records import PackageFilter
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.errors import NotFound, PermissionDenied, UnknownDistribution
from entrepot.services.intake.explaining import Explanation
from entrepot.services.intake.explaining.case import Wanted
from entrepot.services.intake.promotions import PromotionRequest
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation

READER = Actor("ruth", frozenset({Role.READER}))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path) as found:
        found.application.keeper.stop()
        yield found


def why(
    house: MemoryInstallation, name: str, version: str = "1.0", dist: str | None = "bookworm", arch: str | None = None
) -> Explanation:
    return house.application.explanations.why(READER, Wanted(name, version, arch, dist))


def kinds(found: Explanation) -> list[str]:
    return [fact.kind for fact in found.facts]


def codes(found: Explanation) -> list[str]:
    return [one.code for one in found.obstacles]


def test_what_is_published(house: MemoryInstallation) -> None:
    push(house, "plain")
    house.wait_published("bookworm")
    found = why(house, "plain")
    assert (found.standing.value, found.case.visible, found.obstacles) == ("published", True, [])
    assert found.told.startswith(
        "plain 1.0 all is in bookworm: clients can have it since 2026-01-02 03:04 UTC, from generation "
    )
    assert "dora sent it on 2026-01-02 03:04 UTC." in found.told
    assert {"history", "check", "placed", "published"} <= set(kinds(found))
    assert [fact.at for fact in found.facts] == sorted(fact.at for fact in found.facts if fact.at)
    structure = next(fact for fact in found.facts if fact.data.get("check") == "structure")
    assert (structure.result, structure.data["distribution"]) == ("clean", "bookworm")


def test_since_when_stays_the_same_when_generations_are_forgotten(house: MemoryInstallation) -> None:
    push(house, "old")
    house.wait_published("bookworm")
    first = why(house, "old").case.shown
    for number in range(3):
        house.clock.advance(hours=1)
        push(house, f"later{number}")
        house.wait_published("bookworm")
    with house.catalog.write() as unit:
        for generation in unit.generations(house.suite("bookworm").id)[1:]:
            unit.forget_generation(generation)
    assert first is not None
    assert why(house, "old").case.shown == first


def test_what_waits_and_who_let_it_in(house: MemoryInstallation) -> None:
    hold(house)
    found = why(house, "odd")
    assert (found.standing.value, found.case.visible) == ("held", False)
    assert "it waits for a person since 2026-01-02 03:04 UTC" in found.told
    assert "resists removal" in found.told
    [obstacle] = found.obstacles
    assert obstacle.code not in {"held", ""}
    assert any(fact.kind == "policy" and fact.result == "review" for fact in found.facts)
    house.clock.advance(hours=1)
    decide(house, DecisionAction.EXCEPTION, days=7)
    house.wait_published("bookworm")
    found = why(house, "odd")
    assert found.standing.value == "published"
    assert "rita decided exception until 2026-01-09 04:04 UTC: read by two of us." in found.told
    decision = next(fact for fact in found.facts if fact.kind == "decision")
    assert (decision.by, decision.data["in_force"]) == ("rita", True)
    house.clock.advance(days=8)
    house.application.decisions.waivers.pursue()
    found = why(house, "odd")
    assert found.standing.value == "held"
    assert [fact.result for fact in found.facts if fact.kind == "decision"] == ["exception", "expired"]


def test_what_people_keep_out(house: MemoryInstallation) -> None:
    hold(house)
    decide(house, DecisionAction.REJECT)
    found = why(house, "odd")
    assert (found.standing.value, codes(found)[0]) == ("rejected", "decision.reject")
    assert "rita decided reject: read by two of us" in found.told.replace("Rita", "rita")
    push(house, "broken")
    house.wait_published("bookworm")
    quarantine(house, "broken")
    found = why(house, "broken")
    assert (found.standing.value, codes(found)) == ("quarantined", ["quarantined"])
    assert "the build host was broken into" in found.told
    house.wait_published("bookworm")
    assert not why(house, "broken").case.visible


def test_what_was_removed(house: MemoryInstallation) -> None:
    push(house, "gone")
    house.wait_published("bookworm")
    house.application.movements.remove(RITA, "gone", "1.0", None, "bookworm")
    house.wait_published("bookworm")
    found = why(house, "gone")
    assert (found.standing.value, codes(found), found.case.visible) == ("removed", ["removed"], False)
    assert "it left bookworm on 2026-01-02 03:04 UTC (DELETE, by rita)" in found.told


def test_a_newer_version_is_named(house: MemoryInstallation) -> None:
    push(house, "tool")
    push(house, "tool", "2.0")
    house.wait_published("bookworm")
    assert why(house, "tool").notes == ["clients take 2.0 instead, unless they ask for this version"]
    assert not why(house, "tool", "2.0").notes


def test_what_was_promoted_and_what_asks_for_it(house: MemoryInstallation) -> None:
    push(house, "moved")
    house.application.transfers.promotions.promote(RITA, PromotionRequest("moved", "bookworm", "focal"))
    house.wait_published("focal")
    found = why(house, "moved", dist="focal")
    assert "rita promoted it from bookworm on 2026-01-02" in found.told
    assert "checks found nothing before bookworm" in found.told
    assert found.standing.value == "published"


def test_findings_rules_of_the_suite_and_what_was_accepted(house: MemoryInstallation) -> None:
    advise(house, "leaky", "2.0", "high")
    house.application.policies.change_suite(ADMIN, "bookworm", {"high": "review"})
    house.upload(build_deb("leaky", "1.0"), "leaky_1.0_all.deb", "bookworm", actor=UPLOADER)
    found = why(house, "leaky")
    assert found.own_rules == ["high"]
    assert "DSA-leaky (high) in leaky 1.0" in found.told
    assert codes(found) == ["cve.high"]
    decide(house, name="leaky")
    house.wait_published("bookworm")
    house.application.vulnerabilities.rematch.pursue()
    found = why(house, "leaky")
    [findings] = [fact for fact in found.facts if fact.kind == "findings"]
    rows = findings.data["findings"]
    assert isinstance(rows, list)
    assert [(row["id"], row["accepted"]) for row in rows] == [("DSA-leaky", True)]
    assert findings.data["accepted_by"] == "rita"
    assert "knowing DSA-leaky" in found.told


def test_a_cooldown_says_until_when(house: MemoryInstallation) -> None:
    house.application.policies.change_suite(ADMIN, "bookworm", {"cooldown": {"days": 3}})
    house.upload(build_deb("young", "1.0"), "young_1.0_all.deb", "bookworm", actor=UPLOADER)
    found = why(house, "young")
    assert codes(found) == ["cooldown.young"]
    assert "cools down until 2026-01-05 03:04 UTC" in found.told
    house.clock.advance(days=1)
    assert house.clock.now() - timedelta(days=1) in {fact.at for fact in found.facts}


def test_what_never_came_is_said_with_where_it_is(house: MemoryInstallation) -> None:
    push(house, "here")
    for wanted, sentence in (
        (Wanted("here", "1.0", None, "focal"), "here 1.0 never came to focal; it is in bookworm"),
        (Wanted("here", "9.9", None, "bookworm"), "here 9.9 never came to bookworm; known are 1.0 all"),
        (Wanted("nothing", "1", "amd64"), "nobody sent nothing 1 amd64, nor another version of it"),
    ):
        with pytest.raises(NotFound) as refused:
            house.application.explanations.why(READER, wanted)
        assert refused.value.detail == sentence
    with pytest.raises(UnknownDistribution):
        why(house, "here", dist="absent")
    with pytest.raises(PermissionDenied):
        house.application.explanations.why(Actor("x", frozenset()), Wanted("here", "1.0"))
    assert why(house, "here", dist=None).case.suite.codename == "bookworm"


def test_what_nobody_gets_is_listed_for_those_who_review(house: MemoryInstallation) -> None:
    push(house, "broken")
    house.wait_published("bookworm")
    quarantine(house, "broken")
    listings = house.application.listings
    assert listings.quarantined(READER, PackageFilter(), 0, 9) == ([], 0)
    [found], total = listings.quarantined(RITA, PackageFilter(suite="bookworm"), 0, 9)
    assert (total, found.name, [one.status for one in found.versions]) == (1, "broken", ["quarantined"])
    assert found.versions[0].distributions == ["bookworm"]
    assert listings.quarantined(RITA, PackageFilter(name="absent"), 0, 9) == ([], 0)
