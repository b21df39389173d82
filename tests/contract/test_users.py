"""Accounts, as administrators see them through the main API (contract 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.people import PASSWORD, Office, open_office, status_of

FIELDS = {
    *("id", "username", "role", "roles", "full_name", "email", "active"),
    *("created_at", "last_login", "auth_source", "mfa_enabled"),
}

pytestmark = pytest.mark.xdist_group("users")  # one server for all


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("users")) as found:
        yield found


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
@pytest.mark.parametrize("end", ["", "/"])
def test_an_account_from_its_creation_to_its_removal(office: Office, prefix: str, end: str) -> None:
    username = f"Rita_{'s' * len(prefix)}.{len(end)}-x"
    body = {"username": username, "password": PASSWORD, "role": "uploader", "full_name": "Rita", "email": "r@e.org"}
    made = office.admin.post(f"{prefix}/auth/users{end}", json=body)
    assert made.status_code == 201, made.text
    user = made.json()
    assert set(user) == FIELDS
    assert (user["role"], user["roles"], user["full_name"], user["email"]) == (
        "uploader",
        ["uploader"],
        "Rita",
        "r@e.org",
    )
    assert (user["active"], user["last_login"], user["auth_source"]) == (True, None, "local")
    found = office.admin.get(f"{prefix}/auth/users{end}", params={"q": username.upper()}).json()
    assert (found["users"], found["total"]) == ([user], 1)
    url = f"{prefix}/auth/users/{username}"
    changed = office.admin.patch(f"{url}{end}", json={"role": "maintainer", "active": False})
    assert changed.json() == {**user, "role": "maintainer", "roles": ["maintainer"], "active": False}
    reset = office.admin.post(f"{url}/reset-password{end}", json={"new_password": "TempPass9!"})
    assert (reset.status_code, reset.json()["status"]) == (200, "ok")
    removed = office.admin.delete(f"{url}{end}")
    assert (removed.status_code, removed.json()) == (200, {"status": "deleted", "username": username})
    assert office.admin.delete(f"{url}{end}").status_code == 404
    actions = ("USER_CREATE", "USER_UPDATE", "PASSWORD_RESET", "USER_DELETE")
    last = [office.audited(action)[0] for action in actions]
    assert {(entry["user"], entry["result"], entry["detail"]["username"]) for entry in last} == {
        ("admin", "SUCCESS", username)
    }
    assert last[1]["detail"]["changed"] == ["active", "roles"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["reader"]),
        ({"role": "viewer"}, ["reader"]),
        ({"roles": ["uploader"]}, ["uploader"]),
        ({"roles": "auditor"}, ["auditor"]),
        ({"roles": ["viewer", "uploader", "uploader"]}, ["uploader", "reader"]),
        ({"role": "reader", "roles": ["maintainer", "admin"]}, ["admin", "maintainer"]),
    ],
)
def test_roles_are_taken_in_every_spelling(office: Office, fields: dict[str, Any], expected: list[str]) -> None:
    username = office.hire(**fields)
    [user] = office.admin.get("/auth/users", params={"q": username}).json()["users"]
    assert (user["role"], user["roles"]) == (expected[0], expected)
    assert office.admin.patch(f"/auth/users/{username}", json=fields).json()["roles"] == expected


@pytest.mark.parametrize("password", ["Admin1234!", "NewPass5678!", "SecurePass1!", "TempPass9!", "Deploy9876!"])
def test_the_passwords_of_the_documents_are_good_enough(office: Office, password: str) -> None:
    assert office.sign_in(office.hire(password=password), password).status_code == 200


GOOD: dict[str, Any] = {"username": "good-name", "password": PASSWORD}


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"username": "ab"}, 400, "invalid_request"),
        ({"username": "a" * 65}, 400, "invalid_request"),
        ({"username": ""}, 400, "invalid_request"),
        ({"username": "..."}, 400, "invalid_request"),
        ({"username": "two words"}, 400, "invalid_request"),
        ({"username": "a/b/c"}, 400, "invalid_request"),
        ({"username": "nul\0byte"}, 400, "invalid_request"),
        ({"username": "übler"}, 400, "invalid_request"),
        ({"username": "name\n"}, 400, "invalid_request"),
        ({"username": "abc\u202e"}, 400, "invalid_request"),
        ({"username": "System"}, 409, "already_exists"),
        ({"password": "Short1!"}, 400, "weak_password"),
        ({"password": "no-upper-case-1"}, 400, "weak_password"),
        ({"password": "OnlyLettersHere"}, 400, "weak_password"),
        ({"password": "Xx1" * 43}, 400, "weak_password"),
        ({"role": "root"}, 400, "invalid_request"),
        ({"role": ""}, 400, "invalid_request"),
        ({"roles": []}, 400, "invalid_request"),
        ({"roles": ["reader", "king"]}, 400, "invalid_request"),
        ({"email": "not an address"}, 400, "invalid_request"),
        ({"email": "a@b\r\nBcc: c@d"}, 400, "invalid_request"),
        ({"full_name": "two\nlines"}, 400, "invalid_request"),
        ({"username": None}, 422, "validation_error"),
        ({"username": 1}, 422, "validation_error"),
        ({"password": None}, 422, "validation_error"),
        ({"password": {"$ne": ""}}, 422, "validation_error"),
        ({"role": None}, 422, "validation_error"),
        ({"role": 5}, 422, "validation_error"),
        ({"roles": {"admin": True}}, 422, "validation_error"),
        ({"roles": [["admin"]]}, 422, "validation_error"),
        ({"roles": ["reader"] * 17}, 422, "validation_error"),
        ({"full_name": True}, 422, "validation_error"),
        ({"email": []}, 422, "validation_error"),
    ],
    ids=str,
)
def test_a_bad_account_is_refused_with_its_reason(
    office: Office, fields: dict[str, Any], status: int, code: str
) -> None:
    answer = office.admin.post("/auth/users", json={**GOOD, **fields})
    assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    if status == 422:
        assert {error["loc"][1] for error in answer.json()["detail"]} == set(fields)
    assert str(fields.get("password") or PASSWORD) not in answer.text
    assert office.admin.get("/auth/users", params={"q": "good-name"}).json()["total"] == 0


def test_a_required_field_that_is_missing_is_named(office: Office) -> None:
    for missing in GOOD:
        answer = office.admin.post("/auth/users", json={name: GOOD[name] for name in GOOD if name != missing})
        [error] = answer.json()["detail"]
        assert (answer.status_code, error["loc"], error["type"]) == (422, ["body", missing], "missing")
    answer = office.admin.post("/auth/users", content=b'{"username": "x"', headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    answer = office.admin.post("/auth/users", content=b"username=good-name", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "twin",
    [
        *("twin.one", "TWIN.one", "twin.one.", ".twin.one", " twin.one"),
        "\uff54\uff57\uff49\uff4e.one",  # full width
        "twin\uff0eone",
        "\ufb06win.one",  # a ligature of s and t
    ],
)
def test_names_that_look_alike_are_the_same(office: Office, twin: str) -> None:
    original = "stwin.one" if twin.startswith("\ufb06") else "twin.one"
    office.admin.post("/auth/users", json={**GOOD, "username": original})
    answer = office.admin.post("/auth/users", json={**GOOD, "username": twin})
    assert (answer.status_code, answer.json()["error"]) == (409, "already_exists"), answer.text


def test_what_a_client_may_not_set_stays_as_it_is(office: Office) -> None:
    username = office.hire(id=4711, active=False, is_admin=True, created_at="1970-01-01", auth_source="ldap")
    [user] = office.admin.get("/auth/users", params={"q": username}).json()["users"]
    assert user["id"] != 4711
    assert (user["active"], user["role"], user["auth_source"]) == (True, "reader", "local")
    sent = {"id": 1, "username": "other", "session_epoch": 0, "password_hash": "x", "password": "TempPass9!"}
    answer = office.admin.patch(f"/auth/users/{username}", json={**sent, "auth_source": "ldap", "__class__": "x"})
    assert (answer.status_code, answer.json()) == (200, user)
    assert office.sign_in(username).status_code == 200


def test_texts_come_back_as_they_were_sent(office: Office) -> None:
    name = "Ré\u0301a <b>\u202e\u0627\u0644</b> 👩\u200d💻 ='x'"
    username = office.hire(full_name=name)
    assert office.admin.get("/auth/users", params={"q": username}).json()["users"][0]["full_name"] == name


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"role": "king"}, 400),
        ({"roles": []}, 400),
        ({"email": "nonsense"}, 400),
        ({"active": "no"}, 422),
        ({"active": None}, 422),
        ({"active": 0}, 422),
        ({"full_name": None}, 422),
        ([], 422),
        ("x", 422),
    ],
    ids=str,
)
def test_a_bad_change_changes_nothing(office: Office, body: object, status: int) -> None:
    username = office.hire()
    [before] = office.admin.get("/auth/users", params={"q": username}).json()["users"]
    assert office.admin.patch(f"/auth/users/{username}", json=body).status_code == status
    assert office.admin.get("/auth/users", params={"q": username}).json()["users"] == [before]


def test_administrators_cannot_saw_off_their_own_branch(office: Office) -> None:
    mine = "/auth/users/admin"
    for body in ({"role": "reader"}, {"roles": ["admin", "reader"]}, {"active": False}):
        answer = office.admin.patch(mine, json=body)
        assert (answer.status_code, answer.json()["error"]) == (400, "account_protected")
    assert office.admin.delete(mine).json()["error"] == "account_protected"
    # What is no loss of rights is allowed.
    assert office.admin.patch(mine, json={"role": "admin", "active": True, "full_name": "A"}).status_code == 200


def test_there_is_always_an_active_administrator(office: Office) -> None:
    second = office.hire(role="admin")
    for user in office.admin.get("/auth/users").json()["users"]:
        if user["role"] == "admin" and user["username"] not in {"admin", second}:
            office.admin.delete(f"/auth/users/{user['username']}")
    with office.session(second) as other:
        assert other.patch("/auth/users/admin", json={"active": False}).status_code == 200
        # A token has its maker's place: whoever made it cannot be removed with it.
        token = other.post("/auth/api-tokens", json={"name": "saw", "role": "admin"}).json()["token"]
        with office.bearing(token) as program:
            for method, body in (("PATCH", {"role": "reader"}), ("PATCH", {"active": False}), ("DELETE", None)):
                assert program.request(method, f"/auth/users/{second}", json=body).status_code == 400
        assert other.patch("/auth/users/admin", json={"active": True}).status_code == 200
    assert status_of(office.admin) == 401, "switched off and on again is still signed out"
    office.admin.headers["Authorization"] = f"Bearer {office.server.token()}"
    assert office.admin.delete(f"/auth/users/{second}").status_code == 200


@pytest.mark.parametrize("name", ["nobody-here", "%00", "..%2e", "a%0ab", "%F0%9F%92%A9", "x" * 3000])
def test_an_account_that_is_not_there_is_404(office: Office, name: str) -> None:
    url = f"/auth/users/{name}"
    assert office.admin.patch(url, json={"active": True}).status_code == 404
    assert office.admin.delete(url).status_code == 404
    assert office.admin.post(f"{url}/reset-password", json={"new_password": "TempPass9!"}).status_code == 404


def test_a_reset_is_refused_with_its_reason(office: Office) -> None:
    url = f"/auth/users/{office.hire()}/reset-password"
    for password in ("Short1!", "no-upper-case-1", "OnlyLettersHere"):
        answer = office.admin.post(url, json={"new_password": password})
        assert (answer.status_code, answer.json()["error"]) == (400, "weak_password")
    for body in ({}, {"new_password": None}, {"new_password": 12345678}):
        assert office.admin.post(url, json=body).status_code == 422


def test_a_long_list_comes_in_pages(office: Office) -> None:
    for _ in range(5):
        office.hire(full_name="Page_100%")
    found = office.admin.get("/auth/users", params={"q": "page_100%", "page": 2, "per_page": 2}).json()
    assert (len(found["users"]), found["total"], found["page"], found["per_page"], found["pages"]) == (2, 5, 2, 2, 3)
    assert office.admin.get("/auth/users?q=%25&page=1000000").json()["users"] == []
    assert office.admin.get("/auth/users?q=age%5f10_").json()["total"] == 0
    for query in ("page=0", "page=-1", "page=1e3", "page=99999999999999999999", "per_page=0", "per_page=1001", "q=%00"):
        assert office.admin.get(f"/auth/users?{query}").status_code == 422, query
