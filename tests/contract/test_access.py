"""Sign-in, sessions and one's own password, as clients of the main API see them (contract 4.1)."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from tests.contract.people import PASSWORD, Office, open_office, status_of

PREFIXES = ("", "/api", "/api/v1")

pytestmark = pytest.mark.xdist_group("access")  # one server for all


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("access")) as found:
        yield found


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("end", ["", "/"])
def test_a_session_from_sign_in_to_logout(office: Office, prefix: str, end: str) -> None:
    username = office.hire(role="maintainer", full_name="Rita Réault", email="rita@example.org")
    url = f"{office.server.url}{prefix}"
    answer = httpx2.post(f"{url}/auth/token{end}", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200
    token = answer.json().pop("access_token")
    assert answer.json() == {"access_token": token, "token_type": "bearer", "expires_in": 3600}
    with office.bearing(token) as client:
        me = client.get(f"{prefix}/auth/me{end}").json()
        assert me["last_login"] is not None
        assert {name: me[name] for name in me if name not in ("permissions", "last_login")} == {
            "username": username,
            "role": "maintainer",
            "roles": ["maintainer"],
            "full_name": "Rita Réault",
            "email": "rita@example.org",
            "active": True,
            "mfa_enabled": False,
            "auth_source": "local",
            "distributions": None,
        }
        assert "package.delete" in me["permissions"]
        assert "user.write" not in me["permissions"]
        renewed = client.post(f"{prefix}/auth/refresh{end}")
        assert (renewed.status_code, renewed.json()["token_type"], renewed.json()["expires_in"]) == (
            200,
            "bearer",
            3600,
        )
        assert client.post(f"{prefix}/auth/logout{end}").json() == {"status": "logged_out"}
        assert client.post(f"{prefix}/auth/logout{end}").status_code == 401
        ended = client.get("/auth/me")
        assert (ended.status_code, ended.headers["www-authenticate"]) == (401, "Bearer")
    # What it was refreshed to is the same session.
    with office.bearing(renewed.json()["access_token"]) as client:
        assert status_of(client) == 401
    assert [entry["user"] for entry in office.audited("LOGOUT")[:1]] == [username]


def test_a_form_is_taken_as_oauth_clients_send_it(office: Office) -> None:
    form = {"grant_type": "password", "username": "admin", "password": office.server.password}
    answer = httpx2.post(f"{office.server.url}/auth/token", data=form)
    assert answer.status_code == 200
    assert httpx2.post(f"{office.server.url}/auth/token", data={"username": "admin"}).status_code == 422


def test_failures_to_sign_in_are_not_told_apart(office: Office) -> None:
    known, inactive = office.hire(), office.hire()
    office.admin.patch(f"/auth/users/{inactive}", json={"active": False})
    answers = [
        office.sign_in(known, "Wrong-password-1"),
        office.sign_in("nobody-of-this-name", PASSWORD),
        office.sign_in(inactive, PASSWORD),
        office.sign_in("bad\0name", PASSWORD),
        office.sign_in(known, "repod_" + "x" * 43),
        office.sign_in(known, ""),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.text for answer in answers} == {
        '{"detail":"user name or password is wrong","error":"sign_in_failed"}'
    }
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{}", 422),
        (b'{"username": "admin"}', 422),
        (b'{"username": "admin", "password": null}', 422),
        (b'{"username": ["admin"], "password": "x"}', 422),
        (b'{"username": "admin", "password": 1}', 422),
        (b'{"username": "admin", "password": "' + b"x" * 2000 + b'"}', 422),
        (b'{"username": "admin", "password": "x",}', 400),
        (b'\xef\xbb\xbf{"username": "admin", "password": "x"}', 400),
        ('{"username": "admin", "password": "x"}'.encode("utf-16"), 400),
        (b'{"username": "admin", "password": "x", "password": "y"}', 400),
        (b'{"username": "admin", "password": NaN}', 400),
        (b'{"username": "admin", "password": "x" /* why */}', 400),
        (b'{"username": "\xe9t\xe9", "password": "x"}', 400),
        (b'{"username": "admin", "password": ' + b"9" * 5000 + b"}", 400),
        (b'{"username": "admin", "password": "\\ud800"}', 422),
        (b"[]", 422),
        (b"null", 422),
        (b"[" * 10_000, 400),
        (b'{"username": "' + b"x" * 70_000 + b'"}', 413),
    ],
)
def test_a_malformed_sign_in_is_named(office: Office, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    answer = httpx2.post(f"{office.server.url}/auth/token", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert {error["loc"][0] for error in answer.json()["detail"]} == {"body"}
        assert set(answer.json()["detail"][0]) == {"type", "loc", "msg", "input"}
        assert answer.json()["detail"][0]["input"] is None, "a password must not come back"


def test_wrong_passwords_lock_a_name_for_one_address_only(office: Office) -> None:
    username = office.hire()
    for _ in range(5):
        assert office.sign_in(username, "Wrong-password-1").status_code == 401
    locked = office.sign_in(username, PASSWORD)
    assert locked.status_code == 429
    assert 1 <= int(locked.headers["retry-after"]) <= 901
    assert locked.json()["detail"]["error"] == "rate_limit_exceeded"
    assert locked.json()["detail"]["retry_after"] == int(locked.headers["retry-after"])
    assert office.sign_in(username, PASSWORD, address="127.0.0.9").status_code == 200
    # A name that nobody has is locked alike, so that nothing can be learned from it.
    for _ in range(5):
        office.sign_in("nobody-at-all", "Wrong-password-1")
    assert office.sign_in("nobody-at-all", "Wrong-password-1").status_code == 429
    # A reset opens the door again.
    answer = office.admin.post(f"/auth/users/{username}/reset-password", json={"new_password": "TempPass9!"})
    assert answer.status_code == 200
    assert office.sign_in(username, "TempPass9!").status_code == 200


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_new_password_ends_the_other_sessions(office: Office, prefix: str) -> None:
    username = office.hire()
    with office.session(username) as here, office.session(username) as there:
        body = {"current_password": PASSWORD, "new_password": "NewPass5678!"}
        answer = here.post(f"{prefix}/auth/change-password", json=body)
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        assert set(answer.json()) == {"status", "message"}
        assert (status_of(here), status_of(there)) == (200, 401)
        # The session that is left can be refreshed, and ended as before.
        renewed = here.post("/auth/refresh").json()["access_token"]
        with office.bearing(renewed) as again:
            assert status_of(again) == 200
            assert again.post("/auth/logout").status_code == 200
        assert status_of(here) == 401
    assert office.sign_in(username).status_code == 401
    assert office.sign_in(username, "NewPass5678!").status_code == 200
    assert [(entry["user"], entry["result"]) for entry in office.audited("PASSWORD_CHANGE")[:1]] == [
        (username, "SUCCESS")
    ]


def test_a_password_change_is_refused_with_its_reason(office: Office) -> None:
    username = office.hire()
    with office.session(username) as client:

        def change(**body: object) -> httpx2.Response:
            return client.post("/auth/change-password", json=body)

        wrong = change(current_password="Wrong-password-1", new_password="NewPass5678!")
        assert (wrong.status_code, wrong.json()["detail"]) == (400, "the current password is wrong")
        for weak in ("Short1!", "no-upper-case-1", "OnlyLettersHere", "Xx1" * 43):
            answer = change(current_password=PASSWORD, new_password=weak)
            assert (answer.status_code, answer.json()["error"]) == (400, "weak_password")
            assert weak not in answer.text
        assert change(current_password=PASSWORD).status_code == 422
        assert change(current_password=PASSWORD, new_password=None).status_code == 422
        assert change(current_password=PASSWORD, new_password=["NewPass5678!"]).status_code == 422
        for _ in range(4):
            change(current_password="Wrong-password-1", new_password="NewPass5678!")
        # Somebody found an open session and guesses.
        assert change(current_password=PASSWORD, new_password="NewPass5678!").status_code == 429
        assert status_of(client) == 200
    assert {entry["result"] for entry in office.audited("PASSWORD_CHANGE") if entry["user"] == username} == {"FAILURE"}


def test_a_session_ends_with_reset_deactivation_and_removal(office: Office) -> None:
    changes = (
        ("POST", "/reset-password", {"new_password": "TempPass9!"}),
        ("PATCH", "", {"active": False}),
        ("DELETE", "", None),
    )
    for method, path, body in changes:
        username = office.hire()
        with office.session(username) as client:
            assert status_of(client) == 200
            answer = office.admin.request(method, f"/auth/users/{username}{path}", json=body)
            assert answer.status_code == 200, answer.text
            assert status_of(client) == 401
            assert client.post("/auth/refresh").status_code == 401
            # Neither does a new account of the same name, or the old one switched on again, revive it.
            if method == "DELETE":
                office.admin.post("/auth/users", json={"username": username, "password": PASSWORD})
            office.admin.patch(f"/auth/users/{username}", json={"active": True})
            assert status_of(client) == 401


def test_a_demotion_holds_from_the_next_request_on(office: Office) -> None:
    username = office.hire(role="admin")
    with office.session(username) as client:
        assert status_of(client, "/auth/users") == 200
        office.admin.patch(f"/auth/users/{username}", json={"role": "reader"})
        denied = client.get("/auth/users")
        assert (denied.status_code, denied.json()["detail"]) == (403, "admin role required")
        with office.bearing(client.post("/auth/refresh").json()["access_token"]) as renewed:
            assert status_of(renewed, "/auth/users") == 403
            assert renewed.get("/auth/me").json()["role"] == "reader"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Bearer")],
        [("Authorization", "Basic YWRtaW46YWRtaW4=")],
        [("Authorization", "Bearer repod_")],
        [("Authorization", "Bearer repod_" + "x" * 4000)],
        [("Authorization", "Bearer a.b.c")],
        [("Authorization", "Bearer \xff\xfe")],
        [("Cookie", "access_token=GOOD")],
        [("Authorization", "Bearer GOOD"), ("Authorization", "Bearer GOOD")],
    ],
    ids=str,
)
def test_whatever_is_no_credential_gets_401_before_the_body_is_read(
    office: Office, headers: list[tuple[str, str]]
) -> None:
    good = office.server.token()
    sent = [(name.encode(), value.replace("GOOD", good).encode("latin-1")) for name, value in headers]
    for body in (b"{}", b"{" * 100_000):
        answer = httpx2.post(
            f"{office.server.url}/auth/users?access_token={good}",
            headers=[*sent, (b"content-type", b"application/json")],
            content=body,
        )
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_older_words_are_written_for_whoever_asks_for_them(office: Office) -> None:
    username = office.hire(roles=["viewer"])
    with office.session(username) as client:
        assert client.get("/auth/me").json()["role"] == "reader"
        assert client.get("/auth/me?compat=1").json()["roles"] == ["viewer"]
        older = client.get("/auth/me", headers={"X-Repod-Compat": "1"}).json()
        assert (older["role"], older["roles"]) == ("viewer", ["viewer"])
    found = office.admin.get("/auth/users", params={"q": username, "compat": "1"}).json()["users"]
    assert [row["role"] for row in found] == ["viewer"]
