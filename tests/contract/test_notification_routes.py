"""Mail and webhooks through the main API of a real server (contract 4.12, 4.13)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.people import Office, open_office

from entrepot.testing.mail import PASSWORD, Mailbox, running_mail_server
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb
from entrepot.testing.receiver import Receiver, Reply, running_receiver
from entrepot.testing.server import Server

pytestmark = pytest.mark.xdist_group("notification_routes")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("notifications")) as found:
        yield found


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with running_mail_server(tmp_path_factory.mktemp("mail")) as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


def configure(office: Office, **sections: Any) -> None:
    answer = office.admin.patch("/settings", json=sections)
    assert answer.status_code == 200, answer.text


def test_a_webhook_is_tried_out(office: Office, receiver: Receiver) -> None:
    configure(office, webhook=None)
    assert office.admin.post("/settings/test-webhook").status_code == 400
    closed = office.admin.post("/settings/test-webhook", json={"url": f"{receiver.url}/hidden-part"})
    assert (closed.status_code, closed.json()["error"]) == (400, "url.forbidden")
    assert receiver.calls == []
    configure(office, webhook=receiver.settings(enabled=False, secret="tell nobody"))
    good = office.admin.post("/api/v1/settings/test-webhook/")
    assert (good.status_code, good.json()["status"], good.json()["http_status"]) == (200, "ok", 204)
    assert receiver.calls[0].event["type"] == "test"
    assert "webhook-signature" in receiver.calls[0].headers
    other = office.admin.post("/settings/test-webhook", json={"url": f"{receiver.url}/other"})
    assert (other.status_code, receiver.calls[1].path) == (200, "/other")
    for reply in (Reply(500), Reply(302, {"Location": "/"})):
        receiver.reply = lambda _, reply=reply: reply  # type: ignore[misc]
        bad = office.admin.post("/settings/test-webhook")
        assert (bad.status_code, bad.json()["http_status"]) == (502, reply.status)
    assert [entry["result"] for entry in office.audited("WEBHOOK_TEST")][:4] == ["FAILURE"] * 2 + ["SUCCESS"] * 2
    for url in ("ftp://example.org", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "nothing"):
        refused = office.admin.post("/settings/test-webhook", json={"url": url})
        assert (refused.status_code, refused.json()["error"]) == (400, "url.forbidden"), url
    assert office.admin.post("/settings/test-webhook", json={"url": 3}).status_code == 422


def test_mail_is_tried_out(office: Office, mailbox: Mailbox) -> None:
    configure(office, email=None)
    assert office.admin.post("/settings/test-email").status_code == 400
    configure(office, email=mailbox.settings())
    good = office.admin.post("/settings/test-email")
    assert (good.status_code, good.json()) == (200, {"status": "ok", "message": "sent to ops@example.org"})
    other = office.admin.post("/settings/test-email", json={"to_override": "ada@example.org"})
    assert other.status_code == 200
    assert [str(mail["to"]) for mail in mailbox.received[-2:]] == ["ops@example.org", "ada@example.org"]
    for bad in ("no address", "ada@example.org\r\nBcc: eve@example.org"):
        assert office.admin.post("/settings/test-email", json={"to_override": bad}).status_code == 400
    configure(office, smtp_password="Another-One-1")
    failed = office.admin.post("/settings/test-email")
    assert (failed.status_code, failed.json()["error"]) == (400, "mail.not_sent")
    assert PASSWORD.encode() not in office.server.log.read_bytes()
    assert "Another-One-1" not in failed.text


@pytest.mark.parametrize(
    "change",
    [
        {"email": {"to_addresses": ["a@example.org\r\nBcc: b@example.org"]}},
        {"smtp_from": "nobody"},
        {"webhook": {"events": ["publish"]}},
        {"notification_rules": [{"name": "x", "events": ["unheard-of"]}]},
    ],
)
def test_addresses_and_events_are_looked_at_when_they_are_set(office: Office, change: dict[str, Any]) -> None:
    assert office.admin.patch("/settings", json=change).status_code == 400


def test_the_delivery_log(office: Office, receiver: Receiver) -> None:
    receiver.reply = lambda _: Reply(500)
    configure(office, email=None, webhook=receiver.settings(events=["published"], secret="tell nobody"))
    Maintainer(office.admin).push(build_deb("told", "1.0"), "jammy")
    first = receiver.wait(len)[0]
    row = next(row for row in rows(office) if row["id"] == first.ident)
    assert (row["channel"], row["event"], row["subject"]) == (
        "webhook",
        "published",
        "published: told 1.0 all in jammy",
    )
    assert row["recipient"] == receiver.url
    receiver.reply = lambda _: Reply(200)
    again = office.admin.post(f"/notifications/deliveries/{first.ident}/redeliver")
    assert again.status_code == 200, again.text
    calls = receiver.wait(lambda calls: len(calls) >= 2)
    assert (calls[1].ident, calls[1].body) == (first.ident, first.body)
    assert office.audited("REDELIVER")[0]["detail"]["message"] == first.ident
    assert rows(office, channel="mail", event="published") == []
    assert rows(office, state="failed") == []
    assert office.admin.post("/notifications/deliveries/msg_absent/redeliver").status_code == 404
    assert office.admin.get("/notifications/deliveries", params={"state": "lost"}).status_code == 422
    page = office.admin.get("/notifications/deliveries", params={"per_page": 1}).json()
    assert (len(page["items"]), page["per_page"]) == (1, 1)


def rows(office: Office, **conditions: str) -> list[dict[str, Any]]:
    answer = office.admin.get("/notifications/deliveries", params=conditions)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_texts_are_changed_tried_and_reset(office: Office) -> None:
    listed = office.admin.get("/templates").json()
    assert {"published", "held", "key_expiry", "test"} <= {row["name"] for row in listed["templates"]}
    before = office.admin.get("/templates/held").json()
    given = {"subject": "{{ count }} wait", "text": "{% for e in entries %}{{ e.package }};{% endfor %}"}
    seen = office.admin.post("/templates/held/preview", json=given).json()
    assert (seen["subject"], seen["text"]) == ("2 wait", "nginx;curl;")
    assert office.admin.get("/templates/held").json() == before
    stored = office.admin.put("/templates/held", json=given)
    assert stored.status_code == 200, stored.text
    assert (stored.json()["customized"], stored.json()["changed_by"], stored.json()["html"]) == (
        True,
        "admin",
        before["html"],
    )
    assert office.admin.post("/templates/held/preview").json()["text"] == "nginx;curl;"
    assert office.audited("SETTINGS_CHANGE")[0]["detail"]["settings"] == ["templates.held"]
    assert office.admin.post("/templates/held/reset").json()["text"] == before["text"]
    assert office.admin.get("/templates/held").json() == before
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "/reset"), ("POST", "/preview")):
        assert office.admin.request(method, f"/templates/absent{path}", json={}).status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        "{{ cycler.__init__.__globals__.os.popen('touch /tmp/entrepot-was-here').read() }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ lipsum.__globals__['os'].system('id') }}",
        "{% for a in range(10**9) %}{{ a }}{% endfor %}",
        "{{ 'a' * 10**10 }}",
        "{{ nothing_of_that_name }}",
        "{{ open",
    ],
)
@pytest.mark.parametrize("part", ["subject", "text", "html"])
def test_a_text_that_runs_code_is_refused(office: Office, text: str, part: str) -> None:
    for method, path in (("PUT", "/templates/held"), ("POST", "/templates/held/preview")):
        answer = office.admin.request(method, path, json={part: text})
        assert (answer.status_code, answer.json()["error"]) == (400, "template.refused"), answer.text
    assert not Path("/tmp/entrepot-was-here").exists()


def test_values_are_escaped_in_html(office: Office) -> None:
    seen = office.admin.post("/templates/held/preview", json={"html": "<p>{{ '<script>' }}{{ headline }}</p>"}).json()
    assert re.match(r"<p>&lt;script&gt;\w", seen["html"])


def test_what_was_acknowledged_before_a_kill_is_told_after_it(tmp_path: Path, receiver: Receiver) -> None:
    server = Server(tmp_path / "data")
    server.start()
    try:
        with server.client() as client:
            assert client.patch("/settings", json={"webhook": receiver.settings()}).status_code == 200
            Maintainer(client).push(build_deb("before", "1.0"), "jammy")
            receiver.wait(lambda calls: any(call.event["data"]["package"] == "before" for call in calls))
            Maintainer(client).push(build_deb("survivor", "1.0"), "jammy")
        server.kill()  # within two seconds, before the keeper looked
        server.start()
        calls = receiver.wait(lambda calls: {call.event["data"]["package"] for call in calls} >= {"before", "survivor"})
        assert {call.event["type"] for call in calls} == {"published"}
    finally:
        server.stop()
