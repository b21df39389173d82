"""Messages in the catalog, on every engine: claimed by one, concluded by whoever has it, told once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.contract.test_catalogs import make_suite, put

from entrepot.adapters.catalog.messages import Arrival, MailTemplate, Medium, Message, MessageFilter, MessageState
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.package import Format, PackageKey

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LEASE = timedelta(minutes=2)


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    found = SqlCatalog(database_url)
    yield found
    found.close()


def message(number: int, medium: Medium = Medium.WEBHOOK, event: str = "deleted") -> Message:
    return Message(
        ident=f"msg_{number}",
        medium=medium,
        event=event,
        subject=f"number {number}",
        recipient="https://example.org",
        body="sealed",
        created_at=NOW,
        next_at=NOW,
        give_up_at=NOW + timedelta(days=3),
    )


def test_each_message_is_claimed_by_one_of_many(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        unit.add_messages([message(number) for number in range(20)])

    def claim_all(_: int) -> list[str]:
        mine: list[str] = []
        while True:
            with catalog.write() as unit:
                found = unit.claim_message(Medium.WEBHOOK, NOW, NOW + LEASE)
            if found is None:
                return mine
            mine.append(found.ident)

    with ThreadPoolExecutor(4) as pool:
        claimed = [ident for mine in pool.map(claim_all, range(4)) for ident in mine]
    assert sorted(claimed) == sorted(f"msg_{number}" for number in range(20))
    with catalog.read() as reading:
        assert not reading.messages_due(NOW + timedelta(seconds=100))
        assert reading.messages_due(NOW + LEASE)


def test_a_claim_that_ran_out_cannot_conclude(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        unit.add_messages([message(1)])
        first = unit.claim_message(Medium.WEBHOOK, NOW, NOW + LEASE)
    with catalog.write() as unit:
        second = unit.claim_message(Medium.WEBHOOK, NOW + LEASE, NOW + 2 * LEASE)
    assert first is not None
    assert second is not None
    assert (first.ident, first.attempts, second.attempts) == ("msg_1", 1, 2)
    with catalog.write() as unit:
        assert not unit.conclude_message(replace(first, state=MessageState.FAILED, finished_at=NOW))
        assert unit.conclude_message(replace(second, state=MessageState.SENT, finished_at=NOW, http_status=204))
        assert not unit.conclude_message(replace(second, state=MessageState.FAILED, finished_at=NOW))
    with catalog.read() as reading:
        found = reading.message("msg_1")
    assert found == replace(second, state=MessageState.SENT, finished_at=NOW, http_status=204)


def test_the_log_is_filtered_and_forgotten(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        unit.add_messages([message(1), message(2, Medium.MAIL), message(3, event="held")])
        done = unit.claim_message(Medium.MAIL, NOW, NOW + LEASE)
        assert done is not None
        unit.conclude_message(replace(done, state=MessageState.SENT, finished_at=NOW))

    def idents(**conditions: object) -> list[str]:
        with catalog.read() as reading:
            page, total = reading.message_page(MessageFilter(**conditions), 0, 10)  # type: ignore[arg-type]
        assert len(page) == total
        return [each.ident for each in page]

    assert idents() == ["msg_3", "msg_2", "msg_1"]
    assert idents(medium=Medium.WEBHOOK) == ["msg_3", "msg_1"]
    assert idents(state=MessageState.SENT) == ["msg_2"]
    assert idents(event="held") == ["msg_3"]
    with catalog.write() as unit:
        assert unit.forget_messages(NOW) == 0
        assert unit.forget_messages(NOW + timedelta(seconds=1)) == 1
        assert unit.revive_message("msg_1", NOW, NOW)
        assert not unit.revive_message("msg_2", NOW, NOW)
    assert idents() == ["msg_3", "msg_1"]


def test_the_position_is_moved_by_one_of_two(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        assert unit.move_event_position(None, 5)
        assert not unit.move_event_position(None, 7)
        assert unit.move_event_position(5, 9)
        assert not unit.move_event_position(5, 11)
        assert unit.event_position() == 9


def test_templates_are_replaced(catalog: SqlCatalog) -> None:
    row = MailTemplate("held", "a", "b", "", "rita", NOW)
    with catalog.write() as unit:
        unit.set_mail_template(row)
        unit.set_mail_template(replace(row, subject="c"))
        assert unit.mail_templates() == [replace(row, subject="c")]
        assert unit.remove_mail_template("held")
        assert not unit.remove_mail_template("held")


def test_arrivals_are_what_came_between_two_revisions_and_stayed(catalog: SqlCatalog) -> None:
    with catalog.write() as unit:
        suite = make_suite(unit)
        put(unit, suite, "old")
        before = unit.suite(suite.id).revision
        put(unit, suite, "b")
        gone = put(unit, suite, "gone")
        put(unit, suite, "a", "2.0")
        unit.withdraw(suite.id, gone, unit.touch_suite(suite.id))
        now = unit.suite(suite.id).revision
        found, total = unit.arrivals(suite.id, before, now, 10)
        first, _ = unit.arrivals(suite.id, before, now, 1)
    digest = digest_of(f"{PackageKey(Format.DEB, 'b', '1.0', 'amd64')}".encode())
    assert found[0] == Arrival("b", "1.0", "amd64", str(digest), "rita")
    assert ([each.name for each in found], total) == (["b", "a"], 2)
    assert first == found[:1]
