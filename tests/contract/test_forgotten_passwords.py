"""Forgotten passwords (contract 4.1, D-24) and the look before the set-up (4.13), on both engines."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from entrepot.adapters.catalog.base import Writing
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.mail.base import Mail
from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.adapters.storage.memory import MemoryBlobStore
from entrepot.application import Application
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.configuration import Configuration
from entrepot.errors import InvalidRequest, NotSignedIn, SignInFailed, WeakPassword
from entrepot.main import Parts, assemble
from entrepot.program.serving import make_front
from entrepot.services.access import PasswordResets, Session
from entrepot.services.access.attempts import Attempts
from entrepot.services.access.first import NewAccount
from entrepot.settings import load_settings
from entrepot.testing.memory import Clock

SECRET = b"a secret of the tests, thirty-two bytes or more"
ADMIN = Actor("admin", frozenset({Role.ADMIN}))
PASSWORD, NEXT = "SecurePass1!", "NewPass5678!"
HERE, THERE = "192.0.2.1", "192.0.2.2"


@dataclass
class House:
    """An installation without a mail server; the mails are kept here."""

    application: Application
    resets: PasswordResets
    clock: Clock
    front: object
    mails: list[Mail] = field(default_factory=list)

    def link(self) -> str:
        """The token of the newest mail."""
        found = re.search(r"https://packages\.example\.org/reset-password#token=(\S+)", self.mails[-1].text)
        assert found is not None
        return found[1]

    def request(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """To the real application."""

        async def send() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=cast("Any", self.front))
            async with httpx2.AsyncClient(transport=transport, base_url="http://entrepot.example") as client:
                return await client.request(method, path, **arguments)

        return asyncio.run(send())


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    settings = load_settings(data=tmp_path, key_algorithm="ed25519", public_url="https://packages.example.org/")
    clock, mails = Clock(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)), list[Mail]()

    def post(unit: Writing, mail: Mail) -> None:
        assert unit.fact("nothing") is None  # within the unit of the change
        mails.append(mail)

    with contextlib.closing(SqlCatalog(database_url)) as catalog:
        parts = Parts(catalog, MemoryBlobStore(), MemoryKeyring(clock.now), MemoryQueue(), SECRET, clock.now)
        application = assemble(settings, parts)
        site = "https://packages.example.org"
        resets = PasswordResets(catalog, SECRET, Attempts(Configuration, clock.now), post, lambda: site, clock.now)
        for name, email in (("rita", "Rita@example.org"), ("carl", "both@example.org"), ("dora", "both@example.org")):
            application.users.create(ADMIN, NewAccount(name, PASSWORD, frozenset({Role.READER}), "", email))
        application.users.create(ADMIN, NewAccount("mute", PASSWORD, frozenset({Role.READER})))
        yield House(application, resets, clock, make_front(application, settings), mails)


def test_a_link_is_good_once_and_ends_all_sessions(house: House) -> None:
    access = house.application.access
    opened = access.sign_in("rita", PASSWORD, HERE)
    assert isinstance(opened, Session)
    for _ in range(5):
        with pytest.raises(SignInFailed):
            access.sign_in("rita", "Wrong-one-1", THERE)
    house.resets.ask("rita", "", HERE)
    assert house.mails[0].to == ("Rita@example.org",)
    with pytest.raises(WeakPassword):
        house.resets.use(house.link(), "weak", HERE)
    house.resets.use(house.link(), NEXT, HERE)
    with pytest.raises(NotSignedIn):
        access.authenticate(opened.token, HERE)
    # The lock is cleared as well.
    assert isinstance(access.sign_in("rita", NEXT, THERE), Session)
    with pytest.raises(SignInFailed):
        access.sign_in("rita", PASSWORD, HERE)
    with pytest.raises(InvalidRequest, match="not valid any more"):
        house.resets.use(house.link(), "Another-Pass1", HERE)
    with house.application.catalog.read() as reading:
        entries = [entry for entry in reading.audit_entries(20) if entry.action == "PASSWORD_RESET"]
    assert [(entry.actor.name, entry.result) for entry in entries] == [("rita", "SUCCESS"), ("rita", "START")]


def test_only_the_newest_link_is_good_and_only_for_half_an_hour(house: House) -> None:
    house.resets.ask("", "rita@EXAMPLE.org", HERE)
    old = house.link()
    house.resets.ask("rita", "rita@example.org", HERE)
    with pytest.raises(InvalidRequest):
        house.resets.use(old, NEXT, HERE)
    house.clock.advance(minutes=30)
    with pytest.raises(InvalidRequest):
        house.resets.use(house.link(), NEXT, HERE)


@pytest.mark.parametrize(
    ("username", "email"),
    [
        ("nobody", ""),
        ("", "nobody@example.org"),
        ("", "both@example.org"),
        ("rita", "carl@example.org"),
        ("mute", ""),
        ("x" * 256, ""),
        ("\0", "\0"),
    ],
    ids=str,
)
def test_who_cannot_be_meant_gets_no_mail(house: House, username: str, email: str) -> None:
    house.resets.ask(username, email, HERE)
    assert house.mails == []


def test_an_account_that_is_off_is_neither_mailed_nor_changed(house: House) -> None:
    house.resets.ask("rita", "", HERE)
    with house.application.catalog.write() as unit:
        unit.change_account("rita", {"active": False})
    with pytest.raises(InvalidRequest):
        house.resets.use(house.link(), NEXT, HERE)
    house.resets.ask("rita", "", HERE)
    assert len(house.mails) == 1


def test_nobody_is_flooded_with_mails(house: House) -> None:
    for _ in range(6):
        house.resets.ask("rita", "", HERE)
    assert len(house.mails) == 3
    house.clock.advance(hours=1, seconds=1)
    house.resets.ask("rita", "", HERE)
    assert len(house.mails) == 4


def test_a_removed_account_takes_its_link_along(house: House) -> None:
    house.resets.ask("rita", "", HERE)
    house.application.users.remove(ADMIN, "rita")
    house.application.users.create(ADMIN, NewAccount("rita", PASSWORD, frozenset({Role.READER})))
    with pytest.raises(InvalidRequest):
        house.resets.use(house.link(), NEXT, HERE)


def test_the_routes_say_the_same_to_everybody(house: House) -> None:
    bodies: list[dict[str, Any]] = [{"username": "rita"}, {"email": "nobody@example.org"}, {"username": "nobody"}]
    answers = [
        house.request("POST", f"{at}/auth/forgot-password/", json=body) for at in ("", "/api") for body in bodies
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert house.request("POST", "/auth/forgot-password", json={}).status_code == 422
    assert house.request("POST", "/auth/forgot-password", json={"email": 7}).status_code == 422
    house.resets.ask("rita", "", HERE)
    body = {"token": house.link(), "new_password": "weak"}
    assert house.request("POST", "/auth/reset-password", json=body).json()["error"] == "weak_password"
    assert house.request("POST", "/auth/reset-password", json=body | {"token": "x"}).status_code == 400
    assert house.request("POST", "/auth/reset-password", json={"token": "x"}).status_code == 422
    answer = house.request("POST", "/auth/reset-password/", json=body | {"new_password": NEXT})
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_the_page_sets_a_password_without_sending_the_link_on(house: House) -> None:
    page = house.request("GET", "/reset-password")
    assert (page.status_code, "script-src 'sha256-" in page.headers["content-security-policy"]) == (200, True)
    assert page.headers["referrer-policy"] == "no-referrer"
    house.resets.ask("rita", "", HERE)
    fields = {"token": house.link(), "new_password": NEXT, "again": "Other-Pass1"}
    other = house.request("POST", "/reset-password/form", data=fields)
    assert (other.status_code, "not the same" in other.text, house.link() in other.text) == (400, True, True)
    wrong = house.request("POST", "/reset-password/form", data={**fields, "token": "'><b>", "again": NEXT})
    assert (wrong.status_code, "<b>" in wrong.text) == (400, False)
    done = house.request("POST", "/reset-password/form", data={**fields, "again": NEXT})
    assert (done.status_code, "changed" in done.text) == (200, True)
    assert isinstance(house.application.access.sign_in("rita", NEXT, HERE), Session)


def test_the_look_before_the_set_up_is_open_until_it_is_done(house: House) -> None:
    answer = house.request("GET", "/setup/preflight")
    assert answer.status_code == 200
    found = answer.json()
    assert set(found["checks"]) == {"database", "disk_space", "clamav", "grype", "secrets", "tls"}
    assert {frozenset(check) for check in found["checks"].values()} == {frozenset({"ok", "detail"})}
    assert found["ready"] is (found["checks"]["database"]["ok"] and found["checks"]["disk_space"]["ok"])
    assert found["checks"]["tls"]["ok"] is True
    house.application.access.prepare("root", PASSWORD)
    assert house.request("GET", "/setup/preflight").status_code == 401
    reader = house.application.access.sign_in("rita", PASSWORD, HERE)
    root = house.application.access.sign_in("root", PASSWORD, HERE)
    assert isinstance(reader, Session)
    assert isinstance(root, Session)
    for session, status in ((reader, 403), (root, 200)):
        headers = {"Authorization": f"Bearer {session.token}"}
        assert house.request("GET", "/setup/preflight", headers=headers).status_code == status
