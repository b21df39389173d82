"""Mail to a real server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from entrepot.adapters.mail.base import Mail
from entrepot.adapters.mail.smtp import SmtpMailer
from entrepot.domain.model.configuration import Email
from entrepot.errors import MailNotSent, MailRefused
from entrepot.testing import mail as mail_server
from entrepot.testing.mail import PASSWORD, Mailbox, running_mail_server

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MAIL = Mail(("ada@example.org", "Bob <bob@example.org>"), "Grüße", "Schöne Grüße\n", "<p>Schöne Grüße</p>\n")


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with running_mail_server(tmp_path_factory.mktemp("mail")) as found:
        yield found


def send(mailbox: Mailbox, mail: Mail = MAIL, **more: Any) -> None:
    SmtpMailer(lambda: NOW, seconds=5).send(Email.model_validate(mailbox.settings(**more)), mail, "msg_1")


def test_starttls_with_a_password(mailbox: Mailbox) -> None:
    send(mailbox)
    mail = mailbox.wait()[-1]
    assert (mail["from"], mail["to"]) == (
        "Entrepot <packages@example.org>",
        "ada@example.org, Bob <bob@example.org>",
    )
    assert (mail["subject"], mail["message-id"], mail["auto-submitted"]) == (
        "Grüße",
        "<msg_1@example.org>",
        "auto-generated",
    )
    assert mail["date"].datetime == NOW
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content() == "Schöne Grüße\n"
    assert mailbox.encrypted == [True]
    assert mailbox.recipients == [["ada@example.org", "bob@example.org"]]


@pytest.mark.parametrize("tls", ["inside", "none"])
def test_other_ways_to_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str) -> None:
    with running_mail_server(tmp_path, tls=tls) as mailbox:
        if tls == "inside":  # what stands for port 465, which only root may open
            monkeypatch.setattr("entrepot.adapters.mail.smtp._SUBMISSIONS_PORT", mailbox.port)
            send(mailbox, smtp_user="")
        else:
            send(mailbox, use_tls=False, smtp_user="", smtp_password="")
        assert len(mailbox.wait()) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"smtp_password": "Wrong-Secret-1"}, "user name or password"),
        ({"tls_ca": ""}, "certificate"),
        ({"use_tls": False}, "no mail|answered|does not offer"),
        ({"smtp_host": ""}, "smtp_host"),
        ({"from_address": ""}, "from_address"),
        ({"smtp_host": "absent.invalid"}, "absent.invalid"),
        ({"tls_ca": "no certificate"}, "no mail"),
    ],
)
def test_what_goes_wrong_is_named_without_the_password(mailbox: Mailbox, more: dict[str, Any], said: str) -> None:
    count = len(mailbox.received)
    with pytest.raises(MailNotSent, match=said) as failed:
        send(mailbox, **more)
    assert PASSWORD not in failed.value.detail
    assert "Wrong-Secret-1" not in failed.value.detail
    assert len(mailbox.received) == count


def test_a_password_that_a_server_repeats_is_hidden(mailbox: Mailbox) -> None:
    mailbox.reply = lambda: f"451 not now, {PASSWORD}"
    with pytest.raises(MailNotSent, match=r"451 not now, \*\*\*"):
        send(mailbox)
    mailbox.reply = lambda: None


@pytest.mark.parametrize(
    "to",
    ["ada@example.org\r\nBcc: eve@example.org", "ada", "", "ada@", "@example.org", "a@b@c", "ada@example.org,eve@x.y"],
)
def test_headers_cannot_be_smuggled_in_by_addresses(mailbox: Mailbox, to: str) -> None:
    count = len(mailbox.received)
    with pytest.raises(MailRefused):
        send(mailbox, Mail((to,), "Hello", "text"))
    assert len(mailbox.received) == count


def test_a_subject_is_one_line(mailbox: Mailbox) -> None:
    send(mailbox, Mail(("ada@example.org",), "Hello\r\nBcc: eve@example.org\r\n\r\nbody", "text\n.\nQUIT\n"))
    mail = mailbox.received[-1]
    assert mail["subject"] == "Hello Bcc: eve@example.org body"
    assert mail["bcc"] is None
    assert mail.get_content() == "text\n.\nQUIT\n"
    assert mailbox.recipients[-1] == ["ada@example.org"]


def test_a_recipient_who_is_not_there_is_final_unless_another_is(mailbox: Mailbox) -> None:
    mailbox.refused = {"gone@example.org"}
    with pytest.raises(MailRefused, match="550 no such mailbox"):
        send(mailbox, Mail(("gone@example.org",), "Hello", "text"))
    send(mailbox, Mail(("gone@example.org", "ada@example.org"), "Hello", "text"))
    assert mailbox.recipients[-1] == ["ada@example.org"]


def test_a_server_that_hangs_is_given_up(mailbox: Mailbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Email.model_validate(mailbox.settings(smtp_port=silent.getsockname()[1]))
        with pytest.raises(MailNotSent, match="timed out"):
            SmtpMailer(lambda: NOW, seconds=0.3).send(settings, MAIL, "msg_1")


def test_a_server_without_tls_gets_no_password(tmp_path: Path) -> None:
    with running_mail_server(tmp_path, tls="none") as mailbox:
        with pytest.raises(MailNotSent, match="does not offer"):
            send(mailbox)
        assert mailbox.received == []
    assert mail_server.USER
