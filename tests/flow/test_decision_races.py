"""People, programs and the clock at the same moment: one decision, and nothing out that nobody let out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.flow.test_decisions import CARL, ODD, RITA, UPLOADER, queue, records, turn

from entrepot.adapters.catalog.records import PackageFilter
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.errors import EntrepotError
from entrepot.services.intake.decisions.acts import Choice
from entrepot.services.intake.decisions.records import Change
from entrepot.services.intake.promotions import PromotionRequest
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation

ROUNDS = 4
Attempt = Callable[[], object]


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path, database_url=database_url) as found:
        found.application.keeper.stop()
        yield found


def at_once(*attempts: Attempt) -> list[object]:
    """What each came to: its answer, or the failure that it has a name for."""
    barrier, outcomes = threading.Barrier(len(attempts)), list[object]([None] * len(attempts))

    def run(number: int, attempt: Attempt) -> None:
        barrier.wait()
        try:
            outcomes[number] = attempt()
        except EntrepotError as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=one) for one in enumerate(attempts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not any(isinstance(one, EntrepotError) and one.code.startswith("catalog") for one in outcomes), outcomes
    return outcomes


def won(outcomes: list[object]) -> list[int]:
    return [number for number, one in enumerate(outcomes) if not isinstance(one, EntrepotError)]


def deciding(house: MemoryInstallation, name: str, action: DecisionAction, actor: Actor = RITA) -> Attempt:
    choice = Choice(action, "read by two of us")
    return lambda: house.application.reviews.decide(actor, name, "1.0", choice)


def quarantining(house: MemoryInstallation, name: str) -> Attempt:
    return lambda: house.application.decisions.quarantines.quarantine(CARL, name, "1.0", None, "broken into")


def sending(house: MemoryInstallation, data: bytes, dist: str) -> Attempt:
    return lambda: house.upload(data, "x.deb", dist, actor=UPLOADER)


def prolonging(house: MemoryInstallation, number: int) -> Attempt:
    return lambda: house.application.decisions.records.change(RITA, number, Change(expires_in_days=30))


def revoking(house: MemoryInstallation, number: int) -> Attempt:
    return lambda: house.application.decisions.records.revoke(RITA, number, "enough")


def push(house: MemoryInstallation, name: str, summary: str = "", dist: str = "bookworm", *, odd: bool = True) -> bytes:
    fields = {**(ODD if odd else {}), **({"Description": summary} if summary else {})}
    data = build_deb(name, "1.0", "all", fields=fields)
    house.upload(data, "x.deb", dist, actor=UPLOADER)
    return data


def live(house: MemoryInstallation, name: str) -> dict[str, str]:
    """Digest by suite."""
    with house.catalog.read() as reading:
        return {one.suite.codename: one.package.digest for one in reading.placements(PackageFilter(name=name))}


def in_force(house: MemoryInstallation, name: str) -> list[str]:
    return [one.action.value for one in records(house, name) if one.ended_at is None]


def test_two_approve(house: MemoryInstallation) -> None:
    for number in range(ROUNDS):
        name = f"twice{number}"
        push(house, name)
        outcomes = at_once(*[deciding(house, name, DecisionAction.ACCEPT_RISK, who) for who in (RITA, CARL, ADMIN)])
        assert len(won(outcomes)) == 1, outcomes
        assert in_force(house, name) == ["accept_risk"]
        assert set(live(house, name)) == {"bookworm"}


def test_one_approves_and_one_rejects(house: MemoryInstallation) -> None:
    for number in range(ROUNDS):
        name = f"both{number}"
        push(house, name)
        attempts = [deciding(house, name, action) for action in (DecisionAction.ACCEPT_RISK, DecisionAction.REJECT)]
        [winner] = won(at_once(*attempts))
        assert in_force(house, name) == (["accept_risk"], ["reject"])[winner]
        assert bool(live(house, name)) == (winner == 0)


def test_other_bytes_come_while_somebody_decides(house: MemoryInstallation) -> None:
    for number in range(ROUNDS):
        name = f"bytes{number}"
        first = push(house, name)
        choice = Choice(DecisionAction.ACCEPT_RISK, "read")
        with house.catalog.read() as reading:
            [package] = reading.packages_keyed(PackageFilter(name=name))

        def approve(name: str = name, digest: str = package.digest, choice: Choice = choice) -> object:
            return house.application.reviews.decide(RITA, name, "1.0", choice, digest=digest)

        other = build_deb(name, "1.0", "all", fields={**ODD, "Description": "built again"})
        at_once(approve, sending(house, other, "bookworm"))
        assert live(house, name) == {"bookworm": package.digest}, "what was looked at, and nothing else"
        assert first


def test_rejected_bytes_come_again(house: MemoryInstallation) -> None:
    for number in range(ROUNDS):
        name = f"again{number}"
        data = push(house, name)
        at_once(
            deciding(house, name, DecisionAction.REJECT),
            sending(house, data, "bookworm"),
        )
        assert live(house, name) == {}
        assert in_force(house, name) == ["reject"]
        assert queue(house) == []


def test_quarantine_while_others_publish_and_promote(house: MemoryInstallation) -> None:
    for number in range(ROUNDS):
        name = f"apart{number}"
        data = push(house, name, odd=False)
        house.application.transfers.promotions.promote(ADMIN, PromotionRequest(name, "bookworm", "focal"))

        def promote(name: str = name, target: str = "jammy") -> object:
            return house.application.transfers.promotions.promote(ADMIN, PromotionRequest(name, "bookworm", target))

        at_once(
            quarantining(house, name),
            promote,
            sending(house, data, "noble"),
        )
        assert live(house, name) == {}, "out of every distribution, whoever was first"
        assert set(in_force(house, name)) == {"quarantine"}


def test_approval_and_quarantine(house: MemoryInstallation) -> None:
    for number in range(ROUNDS):
        name = f"halt{number}"
        push(house, name)
        at_once(quarantining(house, name), deciding(house, name, DecisionAction.ACCEPT_RISK))
        with house.catalog.read() as reading:
            [package] = reading.packages_keyed(PackageFilter(name=name))
            apart = package.id in reading.quarantined([package.id])
        # Whoever approves after the quarantine releases it; nothing is both.
        assert bool(live(house, name)) != apart
        assert in_force(house, name) == (["quarantine"] if apart else ["accept_risk"])


def test_an_exception_ends_while_somebody_prolongs_or_revokes_it(house: MemoryInstallation) -> None:
    for number in range(ROUNDS):
        name = f"ends{number}"
        push(house, name)
        choice = Choice(DecisionAction.EXCEPTION, "read", expires_in_days=1)
        record = house.application.reviews.decide(RITA, name, "1.0", choice).records[0]
        house.clock.advance(days=2)
        outcomes = at_once(
            lambda: turn(house),
            lambda: turn(house),
            prolonging(house, record.id),
            revoking(house, record.id),
        )
        [after] = records(house, name)
        waits = f"{name}=1.0" in queue(house)
        assert bool(live(house, name)) == (after.ended_at is None), outcomes
        assert waits == (after.ended_at is not None)
        assert [f"{name}=1.0"] * waits == [one for one in queue(house) if one.startswith(name)], "it waits once"


def test_an_exception_ends_while_somebody_approves_for_good(house: MemoryInstallation) -> None:
    for number in range(ROUNDS):
        name = f"good{number}"
        push(house, name)
        choice = Choice(DecisionAction.EXCEPTION, "read", expires_in_days=1)
        house.application.reviews.decide(RITA, name, "1.0", choice)
        house.clock.advance(days=2)
        outcomes = at_once(lambda: turn(house), deciding(house, name, DecisionAction.ACCEPT_RISK))
        approved = 1 in won(outcomes)
        assert bool(live(house, name)) == approved
        assert in_force(house, name) == (["accept_risk"] if approved else [])
        assert (f"{name}=1.0" in queue(house)) != approved
