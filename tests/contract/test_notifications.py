"""What goes out: events from what is done, to real receivers, at least once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from entrepot.adapters.catalog.messages import Medium, Message, MessageFilter, MessageState
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.adapters.mail.base import Mail
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.errors import AlreadyExists
from entrepot.services.intake.promotions import PromotionRequest
from entrepot.services.notify import KeyExpiry, Outbox
from entrepot.testing.mail import Mailbox, running_mail_server
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb
from entrepot.testing.receiver import Call, Receiver, Reply, running_receiver

SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four byte").decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path) as found:
        found.wait_idle()
        settle(found)
        yield found


def settle(installation: MemoryInstallation) -> None:
    """As the keeper does: everything recorded becomes messages, everything due is sent."""
    installation.application.notifications.unmet()
    installation.application.notifications.notify()


def configure(installation: MemoryInstallation, **sections: Any) -> None:
    installation.application.configurations.change(ADMIN, sections)


def log(installation: MemoryInstallation, **conditions: Any) -> list[Message]:
    return installation.application.notifications.deliveries(ADMIN, MessageFilter(**conditions), 0, 200)[0]


def kinds(calls: list[Call]) -> list[tuple[str, str | None]]:
    return [(call.event["type"], call.event["data"]["package"]) for call in calls]


def upload(installation: MemoryInstallation, name: str, version: str = "1.0", suite: str = "jammy") -> None:
    installation.upload(build_deb(name, version), f"{name}_{version}_all.deb", suite)
    installation.wait_published(suite)


def test_what_is_done_is_told_and_signed(installation: MemoryInstallation, receiver: Receiver) -> None:
    upload(installation, "before")
    installation.clock.advance(seconds=20)
    settle(installation)
    configure(installation, webhook=receiver.settings(secret=SECRET))
    upload(installation, "hello")
    installation.application.transfers.promotions.promote(ADMIN, PromotionRequest("hello", "jammy", "noble"))
    installation.wait_published("noble")
    installation.application.movements.remove(ADMIN, "hello", "1.0", None, "jammy")
    installation.wait_published("jammy")
    settle(installation)
    calls = receiver.wait(lambda calls: len(calls) >= 4)
    assert sorted(kinds(calls)) == [
        ("deleted", "hello"),
        ("promoted", "hello"),
        ("published", "hello"),
        ("published", "hello"),
    ]
    published = next(call.event for call in calls if call.event["type"] == "published")
    assert published["data"]["distribution"] == "jammy"
    assert (published["data"]["version"], published["data"]["arch"], published["data"]["user"]) == (
        "1.0",
        "all",
        "admin",
    )
    assert len(published["data"]["sha256"]) == 64
    for call in calls:
        signed = f"{call.ident}.{call.headers['webhook-timestamp']}.".encode() + call.body
        wanted = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        assert call.headers["webhook-signature"] == "v1," + base64.b64encode(wanted).decode()
        older = hmac.new(SECRET.encode(), call.body, hashlib.sha256).hexdigest()
        assert call.headers["x-hub-signature-256"] == f"sha256={older}"
        assert call.headers["content-type"] == "application/json"
    assert len({call.ident for call in calls}) == 4
    assert {message.state for message in log(installation)} == {MessageState.SENT}


def test_only_what_was_asked_for_is_sent(installation: MemoryInstallation, receiver: Receiver) -> None:
    configure(installation, webhook=receiver.settings(events=["deleted"]))
    upload(installation, "hello")
    installation.application.movements.remove(ADMIN, "hello", "1.0", None, "jammy")
    installation.wait_published("jammy")
    settle(installation)
    assert kinds(receiver.wait(len)) == [("deleted", "hello")]
    assert "webhook-signature" not in receiver.calls[0].headers


def test_a_flood_is_one_event(installation: MemoryInstallation, receiver: Receiver) -> None:
    configure(installation, webhook=receiver.settings())
    with installation.catalog.write() as unit:
        before = unit.touch_suite(installation.suite("jammy").id)
    installation.queue.stop()
    for number in range(25):
        name = f"many{number}"
        installation.upload(build_deb(name), f"{name}_1.0_all.deb", "jammy")
    installation.application.publisher.publish(installation.suite("jammy").id)
    settle(installation)
    [call] = receiver.wait(len)
    assert (call.event["type"], call.event["data"]["count"], call.event["data"]["package"]) == ("published", 25, None)
    assert before


def tried(attempts: int, found: list[Message]) -> bool:
    """Whether the first message failed that often."""
    return bool(found[0].last_error) and found[0].attempts == attempts


def test_failures_are_tried_again_later_and_later(installation: MemoryInstallation, receiver: Receiver) -> None:
    configure(installation, webhook=receiver.settings())
    receiver.reply = lambda _: Reply(500)
    upload(installation, "hello")
    settle(installation)
    waits = []
    for attempt in range(1, 4):
        [message] = until(installation, partial(tried, attempt))
        assert (message.state, message.http_status) == (MessageState.WAITING, 500)
        waits.append(message.next_at - installation.clock.now())
        settle(installation)
        assert len(receiver.calls) == attempt, "not before its time"
        installation.clock.advance(seconds=waits[-1].total_seconds())
        settle(installation)
    assert timedelta(seconds=7) < waits[0] < waits[1] < waits[2]
    receiver.reply = lambda _: Reply(200)
    installation.clock.advance(minutes=10)
    settle(installation)
    [message] = until(installation, lambda found: found[0].state is MessageState.SENT)
    assert len({call.ident for call in receiver.calls}) == len({call.body for call in receiver.calls}) == 1


def until(installation: MemoryInstallation, wanted: Callable[[list[Message]], object]) -> list[Message]:
    """The keeper of the installation sends as well, so the log may be a moment late."""
    deadline = time.monotonic() + 60
    while not wanted(found := log(installation)):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def test_after_three_days_it_failed_and_can_be_sent_again(installation: MemoryInstallation, receiver: Receiver) -> None:
    configure(installation, webhook=receiver.settings())
    receiver.reply = lambda _: Reply(503)
    upload(installation, "hello")
    for _ in range(40):
        settle(installation)
        installation.clock.advance(hours=3)
    [message] = until(installation, lambda found: found[0].state is MessageState.FAILED)
    assert message.last_error == "the receiver answered 503"
    tries = len(receiver.calls)
    assert 10 < tries < 30
    receiver.reply = lambda _: Reply(200)
    installation.application.notifications.redeliver(ADMIN, message.ident)
    settle(installation)
    until(installation, lambda found: found[0].state is MessageState.SENT)
    assert len(receiver.calls) == tries + 1
    assert len({call.ident for call in receiver.calls}) == 1


@pytest.mark.parametrize(
    ("reply", "said", "final"),
    [
        (Reply(302, {"Location": "http://127.0.0.1:1/"}), "not followed", False),
        (Reply(410), "gone", True),
        (Reply(429, {"Retry-After": "3600"}), "429", False),
    ],
)
def test_answers_that_are_no_success(
    installation: MemoryInstallation, receiver: Receiver, reply: Reply, said: str, final: bool
) -> None:
    configure(installation, webhook=receiver.settings())
    receiver.reply = lambda _: reply
    upload(installation, "hello")
    settle(installation)
    [message] = until(installation, lambda found: found[0].last_error)
    assert said in message.last_error
    assert (message.state is MessageState.FAILED) == final
    if reply.status == 429:
        assert message.next_at - installation.clock.now() >= timedelta(hours=1)
    assert len(receiver.calls) == 1


def test_what_a_dead_sender_had_is_sent_by_another(installation: MemoryInstallation, receiver: Receiver) -> None:
    configure(installation, webhook=receiver.settings(enabled=True))
    outbox, now = Outbox(bytes(32), installation.clock.now), installation.clock.now()
    message = outbox.call("deleted", "deleted: hello", "http://x", '{"type":"deleted","data":{}}')
    with installation.catalog.write() as unit:
        unit.add_messages([message])
        claimed = unit.claim_message(Medium.WEBHOOK, now, now + timedelta(minutes=2))
        assert claimed is not None
        assert unit.claim_message(Medium.WEBHOOK, now, now + timedelta(minutes=2)) is None
    settle(installation)
    assert receiver.calls == []
    installation.clock.advance(minutes=3)
    settle(installation)
    assert receiver.wait(len)[0].ident == message.ident
    [sent] = until(installation, lambda found: found[0].state is MessageState.SENT)
    with installation.catalog.write() as unit:
        assert not unit.conclude_message(claimed), "it belongs to another sender"
    assert sent.attempts == 2


def test_the_own_network_is_closed_unless_it_is_opened(installation: MemoryInstallation, receiver: Receiver) -> None:
    configure(installation, webhook=receiver.settings(allow_private_addresses=False))
    upload(installation, "hello")
    settle(installation)
    [message] = until(installation, lambda found: found[0].last_error)
    assert "must not be asked" in message.last_error
    assert receiver.calls == []


@contextmanager
def mail_to(installation: MemoryInstallation, folder: Path, *rules: dict[str, object]) -> Iterator[Mailbox]:
    with running_mail_server(folder) as mailbox:
        configure(installation, email=mailbox.settings(), notification_rules=list(rules), app_url="https://p.example")
        yield mailbox


def test_rules_say_who_gets_which_mail(installation: MemoryInstallation, tmp_path: Path) -> None:
    rules: list[dict[str, object]] = [
        {"name": "all of jammy", "distributions": ["jammy"], "to_addresses": ["jammy@example.org"]},
        {"name": "removals", "events": ["deleted"]},
        {"name": "off", "enabled": False, "to_addresses": ["nobody@example.org"]},
    ]
    with mail_to(installation, tmp_path, *rules) as mailbox:
        upload(installation, "hello")
        upload(installation, "other", suite="noble")
        installation.application.movements.remove(ADMIN, "hello", "1.0", None, "jammy")
        installation.wait_published("jammy")
        settle(installation)
        mails = mailbox.wait(2)
        found = {str(mail["subject"]): str(mail["to"]) for mail in mails}
        assert found == {
            "[p.example] published: hello 1.0 all in jammy": "jammy@example.org",
            "[p.example] deleted: hello 1.0 all in jammy": "jammy@example.org, ops@example.org",
        }
        html = mails[0].get_body(("html",))
        assert html is not None
        assert "<strong>hello 1.0 all</strong>" in html.get_content()
        assert len(mailbox.received) == 2


def test_events_that_come_together_are_one_mail_and_a_changed_text_is_used(
    installation: MemoryInstallation, tmp_path: Path
) -> None:
    text = "{% for entry in entries %}{{ entry.package }} {% endfor %}"
    installation.application.templates.change(ADMIN, "deleted", "{{ count }} gone", text, "")
    with mail_to(installation, tmp_path, {"name": "removals", "events": ["deleted"]}) as mailbox:
        now = installation.clock.now()
        with installation.catalog.write() as unit:
            for name in ("a<b>", "c", "d"):
                unit.audit(AuditEntry("DELETE", "SUCCESS", ADMIN, now, name, "1.0", "jammy"))
        settle(installation)
        [mail] = mailbox.wait()
        assert (mail["subject"], mail.get_content().strip()) == ("3 gone", "a<b> c d")


def test_a_mail_to_a_person_leaves_with_its_unit_and_its_text_is_forgotten(
    installation: MemoryInstallation, tmp_path: Path
) -> None:
    outbox = Outbox(bytes(32), installation.clock.now)
    mail = Mail(("ada@example.org",), "Reset", "the-secret-link")
    with pytest.raises(AlreadyExists), installation.catalog.write() as unit:  # noqa: PT012 - one unit
        outbox.post(unit, mail)
        unit.add_archive(Format.DEB, "main")
    assert log(installation) == []
    with mail_to(installation, tmp_path) as mailbox:
        with installation.catalog.write() as unit:
            outbox.post(unit, mail)
            [waiting], _ = unit.message_page(MessageFilter(), 0, 1)
            assert waiting.body
            assert "the-secret-link" not in waiting.body
        settle(installation)
        assert mailbox.wait()[0].get_content() == "the-secret-link\n"
        [message] = until(installation, lambda found: found[0].state is MessageState.SENT)
        assert message.body == ""


def test_mail_that_is_switched_off_waits(installation: MemoryInstallation, tmp_path: Path) -> None:
    with installation.catalog.write() as unit:
        Outbox(bytes(32), installation.clock.now).post(unit, Mail(("ada@example.org",), "Reset", "link"))
    settle(installation)
    [message] = until(installation, lambda found: found[0].last_error)
    assert (message.state, "switched off" in message.last_error) == (MessageState.WAITING, True)
    with mail_to(installation, tmp_path) as mailbox:
        installation.clock.advance(minutes=1)
        settle(installation)
        assert mailbox.wait()


def test_whoever_switches_it_on_hears_no_old_stories(installation: MemoryInstallation, receiver: Receiver) -> None:
    upload(installation, "old")
    installation.clock.advance(days=3)
    settle(installation)
    configure(installation, webhook=receiver.settings())
    upload(installation, "new")
    settle(installation)
    assert kinds(receiver.wait(len)) == [("published", "new")]


def test_the_log_is_forgotten_after_a_month(installation: MemoryInstallation, receiver: Receiver) -> None:
    configure(installation, webhook=receiver.settings())
    upload(installation, "hello")
    settle(installation)
    until(installation, lambda found: found[0].state is MessageState.SENT)
    installation.clock.advance(days=31)
    settle(installation)
    until(installation, lambda found: not found)


ENTRIES: list[tuple[str, str, dict[str, Any], str | None]] = [
    ("UPLOAD", "PENDING_REVIEW", {"reasons": ["no signature"]}, "held"),
    ("UPLOAD", "BLOCKED", {"reasons": ["a virus"]}, "rejected"),
    ("VALIDATE", "PENDING_REVIEW", {}, "held"),
    ("VALIDATE", "BLOCKED", {}, "rejected"),
    ("SECURITY_DECISION", "SUCCESS", {"decision": "approve", "justification": "looked at it"}, "approved"),
    ("SECURITY_DECISION", "SUCCESS", {"decision": "reject"}, "rejected"),
    ("QUARANTINE", "SUCCESS", {}, "quarantined"),
    ("PROMOTE_APPROVE", "SUCCESS", {}, "promoted"),
    ("PROMOTE_REJECT", "SUCCESS", {}, "rejected"),
    ("CVE_REMATCH", "WARNING", {}, "findings"),
    ("SLA_EXPIRED", "WARNING", {}, "expired"),
    ("RETENTION", "SUCCESS", {"reason": "one of many"}, None),
    ("MIGRATE", "SUCCESS", {"from": "jammy"}, None),
    ("PROMOTE", "SUCCESS", {"count": 0}, None),
    ("PROMOTE_APPROVE", "BLOCKED", {}, "rejected"),
    ("UPLOAD", "SUCCESS", {}, None),
    ("UPLOAD", "FAILURE", {}, None),
    ("LOGIN", "SUCCESS", {}, None),
    ("CVE_REMATCH", "SUCCESS", {}, None),
]


def test_what_the_log_says_is_an_event_or_none(installation: MemoryInstallation, receiver: Receiver) -> None:
    configure(installation, webhook=receiver.settings())
    now, actor = installation.clock.now(), Actor("rita", frozenset(), "192.0.2.7")
    with installation.catalog.write() as unit:
        for number, (action, result, detail, _) in enumerate(ENTRIES):
            unit.audit(AuditEntry(action, result, actor, now, f"p{number}", "1.0", "jammy", detail))
    settle(installation)
    wanted = [(kind, f"p{number}") for number, (*_, kind) in enumerate(ENTRIES) if kind]
    calls = receiver.wait(lambda calls: len(calls) >= len(wanted))
    assert sorted(kinds(calls)) == sorted(wanted)
    reasons = {call.event["data"]["package"]: call.event["data"]["reason"] for call in calls}
    assert (reasons["p0"], reasons["p4"], reasons["p6"]) == ("no signature", "looked at it", None)


def test_a_run_over_many_packages_is_one_event(installation: MemoryInstallation, receiver: Receiver) -> None:
    configure(installation, webhook=receiver.settings())
    now = installation.clock.now()
    with installation.catalog.write() as unit:
        for deleted in (0, 3000):
            unit.audit(AuditEntry("RETENTION", "SUCCESS", ADMIN, now, detail={"deleted": deleted, "freed_bytes": 9}))
        unit.audit(AuditEntry("MIGRATE", "PARTIAL", ADMIN, now, suite="noble", detail={"moved": 7, "errors": 1}))
    settle(installation)
    calls = receiver.wait(lambda calls: len(calls) >= 2)
    found = {call.event["type"]: call.event["data"]["count"] for call in calls}
    assert found == {"retention": 3000, "promoted": 7}
    assert len(calls) == 2


class Aging:
    """A keyring whose keys end; of its own it knows nothing of ends yet."""

    def __init__(self, keyring: MemoryKeyring, ends_at: datetime) -> None:
        self._keyring = keyring
        self.ends_at = ends_at

    def names(self) -> tuple[str, ...]:
        return ("deb-main",)  # one that is there from the start; that of the audit log is made when it is wanted

    def keys(self, name: str) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(name=name, fingerprint=key.fingerprint, expires_at=self.ends_at)
            for key in self._keyring.keys(name)
        ]


def test_the_end_of_a_key_is_told_in_time_and_once(installation: MemoryInstallation, receiver: Receiver) -> None:
    configure(installation, webhook=receiver.settings())
    start = installation.clock.now()
    keyring = cast("Any", Aging(installation.keyring, start + timedelta(days=60)))
    days = []
    for day in range(63):
        count = told(installation)
        for _ in range(2):  # on two nodes
            KeyExpiry(installation.catalog, keyring, installation.clock.now).look()
        days += [day] * (told(installation) - count)
        installation.clock.advance(days=1)
    assert days == [30, 53, 59, 60]
    settle(installation)
    calls = receiver.wait(lambda calls: len(calls) >= 4)
    left = sorted(call.event["data"]["days_left"] for call in calls if call.event["type"] == "key_expiry")
    assert left == [0, 1, 7, 30]


def told(installation: MemoryInstallation) -> int:
    with installation.catalog.read() as reading:
        return len([entry for entry in reading.audit_entries(500) if entry.action == "KEY_EXPIRY"])
