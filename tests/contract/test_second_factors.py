"""Second factors through the main API (contract 4.1 and 4.13): replay, guesses, recovery."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pyotp
import pytest
from tests.contract.people import PASSWORD, Office, open_office, status_of

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.model.actor import Role

pytestmark = pytest.mark.xdist_group("factors")  # one server for all

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WRONG = "000000"
_STEP = 30


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("factors")) as found:
        yield found


@dataclass
class Phone:
    """An app that makes codes."""

    secret: str
    recovery: list[str] = field(default_factory=list)

    def code(self, around: int = 0) -> str:
        """Of now, or of a step beside it."""
        return pyotp.TOTP(self.secret).at(int(time.time()) + around * _STEP)

    def wrong(self) -> str:
        """Six digits that are no code these minutes."""
        good = {self.code(around) for around in range(-3, 4)}
        return next(code for code in (WRONG, "111111", "222222", "333333") if code not in good)


def enrol(office: Office, **fields: Any) -> tuple[str, Phone]:
    """Somebody with a second factor; the code before the present one was used for it."""
    username = office.hire(**fields)
    with office.session(username) as client:
        phone = Phone(client.post("/auth/mfa/setup").json()["secret"])
        done = client.post("/auth/mfa/confirm", json={"totp_code": phone.code(-1)})
        assert done.status_code == 200, done.text
        phone.recovery = done.json()["recovery_codes"]
    return username, phone


def challenge(office: Office, username: str, address: str = "127.0.0.1") -> str:
    """The token of the first step."""
    answer = office.sign_in(username, address=address)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "access_token": None,
        "token_type": "bearer",
        "mfa_required": True,
        "mfa_token": answer.json()["mfa_token"],
    }
    return str(answer.json()["mfa_token"])


def authenticate(office: Office, token: str, code: str, address: str = "127.0.0.1") -> httpx2.Response:
    with httpx2.Client(transport=httpx2.HTTPTransport(local_address=address), timeout=30) as client:
        body = {"mfa_token": token, "totp_code": code}
        return client.post(f"{office.server.url}/auth/mfa/authenticate", json=body)


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
@pytest.mark.parametrize("end", ["", "/"])
def test_a_second_factor_from_its_set_up_to_its_end(office: Office, prefix: str, end: str) -> None:
    username = office.hire()
    with office.session(username) as client:
        begun = client.post(f"{prefix}/auth/mfa/setup{end}").json()
        assert base64.b64decode(begun["qr_code_base64"]).startswith(b"\x89PNG\r\n")
        uri = urlsplit(begun["otpauth_uri"])
        assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
        assert parse_qs(uri.query)["secret"] == [begun["secret"]]
        assert uri.path.endswith(username)
        assert client.get(f"{prefix}/auth/mfa{end}").json()["pending"] is True
        # Not in force before a first code has come.
        assert office.sign_in(username).json()["access_token"]
        phone = Phone(begun["secret"])
        assert client.post(f"{prefix}/auth/mfa/confirm{end}", json={"totp_code": phone.wrong()}).status_code == 400
        done = client.post(f"{prefix}/auth/mfa/confirm{end}", json={"totp_code": phone.code(-1)})
        assert done.status_code == 200, done.text
        assert len(set(done.json()["recovery_codes"])) == 10
        assert client.get("/auth/me").json()["mfa_enabled"] is True
        listed = office.admin.get("/auth/users", params={"q": username}).json()["users"]
        assert [row["mfa_enabled"] for row in listed if row["username"] == username] == [True]
        assert client.post("/auth/mfa/setup").status_code == 409
        assert client.post("/auth/mfa/confirm", json={"totp_code": phone.code()}).status_code == 409
        opened = authenticate(office, challenge(office, username), phone.code())
        assert (opened.status_code, opened.json()["expires_in"]) == (200, 3600)
        with office.bearing(opened.json()["access_token"]) as second:
            assert second.get("/auth/me").json()["username"] == username
        entries = office.audited("LOGIN")[:2]
        assert [(entry["result"], entry["detail"]["second_factor"]) for entry in entries] == [
            ("SUCCESS", "totp"),
            ("START", "asked"),
        ]
        assert client.post(f"{prefix}/auth/mfa/disable{end}", json={"password": "Wrong-one-1"}).status_code == 400
        off = client.post(f"{prefix}/auth/mfa/disable{end}", json={"password": PASSWORD})
        assert (off.status_code, off.json()["mfa_enabled"]) == (200, False)
        assert client.get("/auth/mfa").json() == {
            "mfa_enabled": False,
            "mfa_since": None,
            "pending": False,
            "recovery_codes_left": 0,
        }
        assert client.post("/auth/mfa/disable", json={"password": PASSWORD}).status_code == 400
    assert office.sign_in(username).json()["access_token"]
    for action in ("MFA_ENABLE", "MFA_DISABLE"):
        entry = office.audited(action)[0]
        assert (entry["user"], entry["result"]) == (username, "SUCCESS")


def test_a_code_is_taken_once(office: Office) -> None:
    username, phone = enrol(office)
    # The one that switched it on counts as used.
    assert authenticate(office, challenge(office, username), phone.code(-1)).status_code == 401
    first, second = challenge(office, username), challenge(office, username)
    code = phone.code()
    assert authenticate(office, first, code).status_code == 200
    for token in (second, challenge(office, username)):
        answer = authenticate(office, token, code)
        assert (answer.status_code, answer.json()["error"]) == (401, "sign_in_failed")
    # Neither is the challenge good for a second session.
    assert authenticate(office, first, phone.code(1)).status_code == 401
    assert authenticate(office, second, phone.code(1)).status_code == 200


def test_a_challenge_is_not_a_session_and_a_session_not_a_challenge(office: Office) -> None:
    username, phone = enrol(office)
    token = challenge(office, username)
    with office.bearing(token) as client:
        assert status_of(client) == 401
        assert client.post("/auth/refresh").status_code == 401
    session = authenticate(office, token, phone.code()).json()["access_token"]
    assert authenticate(office, session, phone.code(1)).status_code == 401
    for junk in ("", "x", "a.b.c", f"{token}x"):
        assert authenticate(office, junk, phone.code(1)).status_code == 401


def test_five_wrong_codes_end_a_challenge(office: Office) -> None:
    username, phone = enrol(office)
    token = challenge(office, username)
    for number in range(1, 6):
        answer = authenticate(office, token, phone.wrong(), f"127.0.2.{number}")
        assert (answer.status_code, answer.json()["error"]) == (401, "sign_in_failed")
    over = authenticate(office, token, phone.code(), "127.0.2.9")
    assert (over.status_code, over.json()["error"]) == (401, "not_signed_in")


def test_guesses_from_an_address_are_throttled_and_a_right_password_does_not_help(office: Office) -> None:
    username, phone = enrol(office)
    there = "127.0.3.1"
    for _ in range(5):
        assert authenticate(office, challenge(office, username, there), phone.wrong(), there).status_code == 401
    limited = authenticate(office, challenge(office, username, there), phone.code(), there)
    assert limited.status_code == 429
    assert int(limited.headers["retry-after"]) >= 1
    # The owner is elsewhere.
    assert authenticate(office, challenge(office, username), phone.code()).status_code == 200


def test_guesses_from_everywhere_are_throttled_too(office: Office) -> None:
    username, phone = enrol(office)
    statuses = []
    for number in range(21):
        here = f"127.0.4.{number + 1}"
        statuses.append(authenticate(office, challenge(office, username, here), phone.wrong(), here).status_code)
    assert statuses == [401] * 20 + [429]
    assert office.admin.delete(f"/auth/users/{username}/mfa").status_code == 200
    assert office.sign_in(username).json()["access_token"]


def test_strangers_without_the_password_lock_nobody_out(office: Office) -> None:
    username, phone = enrol(office)
    for _ in range(8):
        office.sign_in(username, "Wrong-one-1", "127.0.5.1")
        authenticate(office, "made.up.token", phone.wrong(), "127.0.5.1")
    assert authenticate(office, challenge(office, username), phone.code()).status_code == 200


def test_a_recovery_code_is_good_once(office: Office) -> None:
    username, phone = enrol(office)
    spare = phone.recovery[0]
    assert authenticate(office, challenge(office, username), spare.upper().replace("-", " ")).status_code == 200
    assert office.audited("LOGIN")[0]["detail"]["second_factor"] == "recovery code"
    again = authenticate(office, challenge(office, username), spare)
    assert (again.status_code, again.json()["error"]) == (401, "sign_in_failed")
    opened = authenticate(office, challenge(office, username), phone.code()).json()["access_token"]
    with office.bearing(opened) as client:
        assert client.get("/auth/mfa").json()["recovery_codes_left"] == 9
        assert client.post("/auth/mfa/recovery-codes", json={"totp_code": phone.wrong()}).status_code == 400
        renewed = client.post("/auth/mfa/recovery-codes", json={"totp_code": phone.recovery[1]})
        assert len(renewed.json()["recovery_codes"]) == 10
    assert authenticate(office, challenge(office, username), phone.recovery[2]).status_code == 401
    assert authenticate(office, challenge(office, username), renewed.json()["recovery_codes"][2]).status_code == 200


def test_whoever_lost_the_phone_is_helped_by_an_administrator(office: Office) -> None:
    username, _ = enrol(office)
    with office.session(office.hire()) as client:
        assert client.delete(f"/auth/users/{username}/mfa").status_code == 403
    gone = office.admin.delete(f"/auth/users/{username}/mfa/")
    assert (gone.status_code, gone.json()) == (200, {"status": "ok", "mfa_enabled": False, "username": username})
    entry = office.audited("MFA_DISABLE")[0]
    assert (entry["user"], entry["detail"]) == ("admin", {"username": username})
    assert office.sign_in(username).json()["access_token"]
    assert office.admin.delete(f"/auth/users/{username}/mfa").status_code == 404
    assert office.admin.delete("/auth/users/nobody/mfa").status_code == 404
    # One's own needs the password.
    assert office.admin.delete("/auth/users/admin/mfa").status_code == 400


def test_a_challenge_ends_with_the_account_and_its_password(office: Office) -> None:
    username, phone = enrol(office)
    first = challenge(office, username)
    office.admin.post(f"/auth/users/{username}/reset-password", json={"new_password": PASSWORD})
    assert authenticate(office, first, phone.code()).status_code == 401
    second = challenge(office, username)
    office.admin.patch(f"/auth/users/{username}", json={"active": False})
    assert authenticate(office, second, phone.code()).status_code == 401
    # A new account of that name has nothing of it.
    office.admin.delete(f"/auth/users/{username}")
    office.admin.post("/auth/users", json={"username": username, "password": PASSWORD})
    assert authenticate(office, second, phone.code()).status_code == 401
    assert office.sign_in(username).json()["access_token"]


def test_api_tokens_are_not_asked_for_a_code(office: Office) -> None:
    username, _ = enrol(office, role="admin")
    with contextlib.ExitStack() as stack:
        phone_session = stack.enter_context(office.bearing(office.token(role="admin")["token"]))
        assert status_of(phone_session) == 200
        assert phone_session.post("/auth/mfa/setup").status_code == 403
        assert phone_session.get("/auth/mfa").status_code == 403
        assert phone_session.get("/auth/me").json()["auth_source"] == "api_token"
    secret = office.token()["token"]
    assert office.sign_in(username, secret).json()["access_token"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/auth/mfa/confirm", {"totp_code": "123456"}, 400),
        ("/auth/mfa/confirm", {"totp_code": ""}, 400),
        ("/auth/mfa/confirm", {"totp_code": 123456}, 422),
        ("/auth/mfa/confirm", {}, 422),
        ("/auth/mfa/disable", {}, 422),
        ("/auth/mfa/disable", {"password": PASSWORD}, 400),
        ("/auth/mfa/recovery-codes", {"totp_code": "123456"}, 400),
        ("/auth/mfa/authenticate", {"totp_code": "123456"}, 422),
    ],
    ids=str,
)
def test_a_bad_request_is_refused(office: Office, path: str, body: dict[str, Any], status: int) -> None:
    with office.session(office.hire()) as client:
        assert client.post(path, json=body).status_code == status


def test_a_code_that_is_no_text_is_wrong(office: Office) -> None:
    username, _ = enrol(office)
    body = f'{{"mfa_token": "{challenge(office, username)}", "totp_code": "\\ud800"}}'
    headers = {"content-type": "application/json"}
    answer = httpx2.post(f"{office.server.url}/auth/mfa/authenticate", content=body, headers=headers)
    assert answer.status_code in {401, 422}


def test_no_code_and_no_secret_is_kept_or_written_in_the_clear(office: Office) -> None:
    username, phone = enrol(office)
    token = challenge(office, username)
    assert authenticate(office, token, phone.recovery[0]).status_code == 200
    written = office.server.log.read_bytes()
    written += b"".join(path.read_bytes() for path in office.server.data.rglob("entrepot.db*"))
    assert username.encode() in written
    for each in (phone.secret, phone.recovery[0], phone.recovery[1], token.rpartition(".")[2]):
        assert each.encode() not in written


def test_a_step_is_taken_once_on_every_engine(database_url: str) -> None:
    with contextlib.closing(SqlCatalog(database_url)) as catalog, catalog.write() as unit:
        unit.add_account(Account(0, "rita", "none", frozenset({Role.READER}), "", "", True, 1, NOW, None))
        unit.set_second_factor("rita", "sealed", NOW)
        unit.set_recovery_codes("rita", ["a", "b"])
        assert [unit.take_step("rita", step) for step in (7, 7, 6, 8)] == [True, False, False, True]
        assert [unit.take_recovery_code("rita", code, NOW) for code in ("a", "a", "c")] == [True, False, False]
        assert unit.recovery_codes_left("rita") == 1
        unit.remove_account("rita")
        assert unit.second_factor("rita") is None
        assert unit.recovery_codes_left("rita") == 0
