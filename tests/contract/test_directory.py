"""Sign-in through a real directory (slapd): who gets in, with which role, and who does not."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx2
import pyotp
import pytest
from tests.contract.people import Office, open_office, status_of

from entrepot.testing.certificates import Authority
from entrepot.testing.directory import (
    BASE,
    READER,
    READER_PASSWORD,
    DirectoryServer,
    find_slapd,
    running_directory,
)

pytestmark = [
    pytest.mark.xdist_group("directory"),
    pytest.mark.skipif(find_slapd() is None, reason="SLAPD IS NOT INSTALLED (Debian: slapd); LDAP is NOT TESTED"),
]
PASSWORD = "Wonder-land 1"
WRONG = "user name or password is wrong"
_numbers = count(1)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryServer]:
    with running_directory(tmp_path_factory.mktemp("directory") / "ldap") as found:
        found.add_group("Package, Admins", found.add_person("boss", PASSWORD))
        found.add_group("uploaders", found.add_person("first", PASSWORD))
        found.add_group("lookers", "nobody-yet", posix=True)
        yield found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, directory: DirectoryServer) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("office")) as found:
        yield found


@pytest.fixture(autouse=True)
def settings(office: Office, directory: DirectoryServer) -> dict[str, Any]:
    """Those that work, at the beginning of every test."""
    return use(
        office,
        enabled=True,
        url=directory.secure_url,
        tls_ca=directory.authority.pem,
        start_tls=False,
        bind_dn=READER,
        bind_password=READER_PASSWORD,
        base_dn=BASE,
        user_filter="(uid={username})",
        group_role_map={
            rf"CN=Package\, Admins, OU=groups,{BASE}": "admin",
            "uploaders": "uploader",
            "lookers": "viewer",
        },
    )


def use(office: Office, **fields: Any) -> dict[str, Any]:
    """Settings of the section ``ldap``."""
    if "group_role_map" in fields:
        office.admin.patch("/settings", json={"ldap": {"group_role_map": None}})
    answer = office.admin.patch("/settings", json={"ldap": fields})
    assert answer.status_code == 200, answer.text
    return fields


@pytest.fixture
def person(directory: DirectoryServer) -> str:
    """In the group of uploaders."""
    uid = f"rita{next(_numbers)}"
    dn = directory.add_person(uid, PASSWORD, displayName="Rita Ríos")
    directory.change(f"cn=uploaders,ou=groups,{BASE}", "member", add=[dn])
    return uid


def me(office: Office, uid: str, password: str = PASSWORD) -> dict[str, Any]:
    with office.session(uid, password) as client:
        answer = client.get("/auth/me")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def dn_of(uid: str) -> str:
    return f"uid={uid},ou=people,{BASE}"


@pytest.mark.parametrize("way", ["plain", "start_tls", "ldaps"])
def test_a_person_of_the_directory_signs_in(office: Office, directory: DirectoryServer, person: str, way: str) -> None:
    use(office, url=directory.secure_url if way == "ldaps" else directory.url, start_tls=way == "start_tls")
    found = me(office, person)
    assert (found["username"], found["role"], found["auth_source"]) == (person, "uploader", "ldap")
    assert (found["full_name"], found["email"]) == ("Rita Ríos", f"{person}@example.org")
    row = next(row for row in office.admin.get("/auth/users", params={"q": person}).json()["users"])
    assert (row["auth_source"], row["active"]) == ("ldap", True)
    assert [entry["detail"]["auth_source"] for entry in office.audited("USER_CREATE")[:1]] == ["ldap"]


def test_the_spelling_is_that_of_the_directory(office: Office, person: str) -> None:
    assert me(office, person.upper())["username"] == person
    assert me(office, person)["username"] == person


@pytest.mark.parametrize(("uid", "role"), [("boss", "admin"), ("first", "uploader")])
def test_groups_are_found_by_their_dn_and_by_their_name(office: Office, uid: str, role: str) -> None:
    assert me(office, uid)["role"] == role


def test_a_posix_group_counts(office: Office, directory: DirectoryServer) -> None:
    uid = f"posix{next(_numbers)}"
    directory.add_person(uid, PASSWORD)
    directory.change(f"cn=lookers,ou=groups,{BASE}", "memberUid", add=[uid])
    assert me(office, uid)["role"] == "reader"


def test_a_role_is_as_the_groups_are_at_each_sign_in(office: Office, directory: DirectoryServer, person: str) -> None:
    assert me(office, person)["role"] == "uploader"
    directory.change(f"cn=Package\\, Admins,ou=groups,{BASE}", "member", add=[dn_of(person)])
    assert me(office, person)["roles"] == ["admin", "uploader"]
    entry = office.audited("USER_UPDATE")[0]["detail"]
    assert (entry["roles_before"], entry["roles"]) == (["uploader"], ["uploader", "admin"])
    directory.change(f"cn=Package\\, Admins,ou=groups,{BASE}", "member", drop=[dn_of(person)])
    assert me(office, person)["role"] == "uploader"


def test_who_leaves_every_group_is_out_with_sessions_and_tokens(
    office: Office, directory: DirectoryServer, person: str
) -> None:
    admins = rf"cn=Package\, Admins,ou=groups,{BASE}"
    directory.change(admins, "member", add=[dn_of(person)])
    with office.session(person, PASSWORD) as client:
        made = client.post("/auth/api-tokens", json={"name": f"of {person}"}).json()["token"]
        directory.change(admins, "member", drop=[dn_of(person)])
        directory.change(f"cn=uploaders,ou=groups,{BASE}", "member", drop=[dn_of(person)])
        refused = office.sign_in(person, PASSWORD)
        assert (refused.status_code, refused.json()["detail"]) == (401, WRONG)
        assert office.audited("LOGIN")[0]["detail"]["reason"] == "no_role"
        assert office.audited("LOGIN")[0]["user"] == person
        assert status_of(client) == 401
    with office.bearing(made) as program:
        assert program.get("/packages").status_code == 401


def test_a_session_is_refreshed_while_the_directory_knows_its_owner(
    office: Office, directory: DirectoryServer, person: str
) -> None:
    with office.session(person, PASSWORD) as client:
        assert client.post("/auth/refresh").status_code == 200
        directory.remove(dn_of(person))
        gone = client.post("/auth/refresh")
        assert (gone.status_code, gone.json()["error"]) == (401, "not_signed_in")


@pytest.mark.parametrize(
    "username",
    ["*", "*)(uid=*", "{}*", "{})(|(cn=*", "{}\0", "\\2a", "nobody", "{})(objectClass=*))(&(uid=x", "é" * 200],
)
def test_a_name_is_a_name_and_no_filter(office: Office, person: str, username: str) -> None:
    refused = office.sign_in(username.replace("{}", person), PASSWORD)
    assert (refused.status_code, refused.json()["detail"]) == (401, WRONG)


@pytest.mark.parametrize("password", ["", "wrong", " ", "\0", "x" * 1000])
def test_a_wrong_or_empty_password_is_refused(office: Office, person: str, password: str) -> None:
    refused = office.sign_in(person, password)
    assert (refused.status_code, refused.json()["detail"]) == (401, WRONG)


def test_a_name_that_stands_for_two_is_nobody(office: Office, directory: DirectoryServer, person: str) -> None:
    directory.add(f"ou=more{person},{BASE}", ["organizationalUnit"], {"ou": f"more{person}"})
    twin = {"cn": "Twin", "sn": "Twin", "uid": person, "userPassword": PASSWORD}
    directory.add(f"cn=twin,ou=more{person},{BASE}", ["inetOrgPerson"], twin)
    assert office.sign_in(person, PASSWORD).status_code == 401


def test_failures_lock_as_they_do_for_others(office: Office, person: str) -> None:
    for _ in range(5):
        assert office.sign_in(person, "wrong", "127.0.0.7").status_code == 401
    locked = office.sign_in(person, PASSWORD, "127.0.0.7")
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 0
    assert office.sign_in(person, PASSWORD, "127.0.0.8").status_code == 200


def test_a_local_account_is_never_taken_over(office: Office, directory: DirectoryServer) -> None:
    local = office.hire(role="reader")
    for name in (local, local.upper(), f"{local}."):
        with contextlib.suppress(RuntimeError):  # the directory takes names that differ in case for one
            directory.change(f"cn=uploaders,ou=groups,{BASE}", "member", add=[directory.add_person(name, PASSWORD)])
        assert office.sign_in(name, PASSWORD).status_code == 401
    assert me(office, local, "SecurePass1!")["auth_source"] == "local"


def test_names_alike_in_the_directory_are_not_one_account(
    office: Office, directory: DirectoryServer, person: str
) -> None:
    assert me(office, person)["username"] == person
    directory.change(f"cn=uploaders,ou=groups,{BASE}", "member", add=[directory.add_person(f"{person}.", PASSWORD)])
    assert office.sign_in(f"{person}.", PASSWORD).status_code == 401
    assert office.audited("LOGIN")[0]["detail"]["reason"] == "name_taken"


@pytest.mark.parametrize("uid", ["system", "with blank", "a"])
def test_a_name_that_cannot_be_used_here_is_refused(office: Office, directory: DirectoryServer, uid: str) -> None:
    directory.change(f"cn=uploaders,ou=groups,{BASE}", "member", add=[directory.add_person(uid, PASSWORD)])
    assert office.sign_in(uid, PASSWORD).status_code == 401
    assert office.audited("LOGIN")[0]["detail"]["reason"] == "name_unusable"


def test_an_account_that_is_switched_off_stays_off(office: Office, person: str) -> None:
    me(office, person)
    assert office.admin.patch(f"/auth/users/{person}", json={"active": False}).status_code == 200
    assert office.sign_in(person, PASSWORD).json()["detail"] == WRONG
    assert office.audited("LOGIN")[0]["detail"]["reason"] == "inactive"
    rows = office.admin.get("/auth/users", params={"q": person}).json()["users"]
    assert [row["active"] for row in rows] == [False]
    assert office.admin.delete(f"/auth/users/{person}").status_code == 200
    assert me(office, person)["role"] == "uploader"


def test_password_and_role_are_changed_where_they_are_kept(office: Office, person: str) -> None:
    with office.session(person, PASSWORD) as client:
        own = client.post("/auth/change-password", json={"current_password": PASSWORD, "new_password": "Other-pass1"})
    reset = office.admin.post(f"/auth/users/{person}/reset-password", json={"new_password": "Other-pass1"})
    role = office.admin.patch(f"/auth/users/{person}", json={"role": "admin"})
    for answer in (own, reset, role):
        assert (answer.status_code, answer.json()["auth_source"]) == (400, "ldap")
        assert "the directory" in answer.json()["detail"]
    assert office.admin.patch(f"/auth/users/{person}", json={"email": "x@example.org"}).status_code == 200


def test_the_last_local_administrator_stays(office: Office) -> None:
    with office.session("boss", PASSWORD) as boss:
        kept = boss.patch("/auth/users/admin", json={"active": False})
        assert (kept.status_code, kept.json()["error"]) == (400, "account_protected")


@pytest.mark.parametrize("what", ["down", "wrong CA", "no TLS", "bad service password", "wrong base", "hanging"])
def test_without_the_directory_local_accounts_sign_in_and_others_are_told(
    office: Office, directory: DirectoryServer, person: str, what: str
) -> None:
    me(office, person)
    with contextlib.ExitStack() as stack:
        changes: dict[str, dict[str, Any]] = {
            "down": {"url": "ldap://127.0.0.1:1"},
            "wrong CA": {"tls_ca": Authority().pem},
            "no TLS": {"url": directory.url.replace("ldap:", "ldaps:")},
            "bad service password": {"bind_password": "wrong"},
            "wrong base": {"base_dn": "dc=nowhere"},
            "hanging": {"url": f"ldap://127.0.0.1:{stack.enter_context(silent_port())}"},
        }
        use(office, **changes[what])
        unknown = office.sign_in(person, PASSWORD)
        assert unknown.status_code == 503, unknown.text
        assert "directory cannot be asked" in unknown.json()["detail"]
        assert int(unknown.headers["retry-after"]) > 0
        local = office.hire()
        assert office.sign_in(local).status_code == 200
        assert office.sign_in(local, "wrong").status_code == 401
        tried = office.admin.post("/settings/test-ldap", json={})
        assert tried.status_code == (504 if what == "hanging" else 400), tried.text
        assert not any(secret in tried.text for secret in (READER_PASSWORD, PASSWORD))
    assert "directory.unavailable" in office.server.log.read_text(errors="replace")
    assert PASSWORD not in office.server.log.read_text(errors="replace")


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """Something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(server.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for one in taken:
            one.close()


def test_switched_off_nobody_of_the_directory_gets_in(office: Office, person: str) -> None:
    with office.session(person, PASSWORD) as client:
        use(office, enabled=False)
        assert office.sign_in(person, PASSWORD).status_code == 401
        assert client.post("/auth/refresh").status_code == 401


def tried(office: Office, **overrides: Any) -> httpx2.Response:
    return office.admin.post("/settings/test-ldap", json=overrides)


def test_the_settings_are_tried_without_being_stored(office: Office, directory: DirectoryServer) -> None:
    good = tried(office)
    assert good.status_code == 200, good.text
    assert good.json()["status"] == "ok"
    assert good.json()["users_found"] >= 2
    # The stored password would go to whoever the body names.
    away = tried(office, ldap_url=directory.url)
    assert (away.status_code, "ldap_bind_password" in away.text) == (400, True)
    plain = tried(office, ldap_url=directory.url, ldap_bind_password=READER_PASSWORD)
    assert "NOT encrypted" in plain.json()["message"]
    assert tried(office, ldap_user_filter="(uid={username}").status_code == 400
    assert tried(office, ldap_user_filter="(uid=somebody)").status_code == 400
    assert tried(office, ldap_bind_dn="cn=nobody", ldap_bind_password="x").status_code == 400
    assert tried(office, ldap_url="").status_code == 400
    assert tried(office, ldap_start_tls="yes").status_code == 422
    assert office.admin.get("/settings").json()["ldap_url"] == directory.secure_url
    with office.session(office.hire(role="maintainer")) as client:
        assert client.post("/settings/test-ldap", json={}).status_code == 403


@pytest.mark.parametrize(
    "given",
    [
        {"ldap_user_filter": "uid={username}"},
        {"ldap_tls_ca": "not a certificate"},
        {"ldap": {"group_role_map": {"x": "king"}}},
    ],
)
def test_settings_that_cannot_work_are_refused(office: Office, given: dict[str, Any]) -> None:
    assert office.admin.patch("/settings", json=given).status_code == 400


def test_a_role_of_the_site_is_given_here_and_opens_no_door_alone(
    office: Office, directory: DirectoryServer, person: str
) -> None:
    role = f"evidence-{person}"
    made = office.admin.post("/roles", json={"name": role, "permissions": ["audit.read"]})
    assert made.status_code == 201, made.text
    mapped = office.admin.patch("/settings", json={"ldap": {"group_role_map": {"uploaders": role}}})
    assert (mapped.status_code, "role of the program" in mapped.text) == (400, True)
    me(office, person)
    given = office.admin.patch(f"/auth/users/{person}", json={"roles": ["uploader", role]})
    assert given.status_code == 200, given.text
    # It stays at the next sign-in, and on its own it lets nobody in who has left all groups.
    assert set(me(office, person)["roles"]) == {"uploader", role}
    with office.session(person, PASSWORD) as client:
        assert client.get("/artifacts/audit/logs").status_code == 200
        directory.change(f"cn=uploaders,ou=groups,{BASE}", "member", drop=[dn_of(person)])
        assert office.sign_in(person, PASSWORD).status_code == 401
        assert client.get("/artifacts/audit/logs").status_code == 401


def test_a_second_factor_of_ours_is_asked_for_after_the_directory(office: Office, person: str) -> None:
    with office.session(person, PASSWORD) as client:
        maker = pyotp.TOTP(client.post("/auth/mfa/setup").json()["secret"])
        code = maker.now()
        spare = client.post("/auth/mfa/confirm", json={"totp_code": code}).json()["recovery_codes"]
    assert office.sign_in(person, "wrong").status_code == 401
    asked = office.sign_in(person, PASSWORD).json()
    assert (asked["access_token"], asked["mfa_required"]) == (None, True)

    def send(text: str) -> httpx2.Response:
        body = {"mfa_token": office.sign_in(person, PASSWORD).json()["mfa_token"], "totp_code": text}
        return httpx2.post(f"{office.server.url}/auth/mfa/authenticate", json=body)

    assert send(code).status_code == 401  # used for the confirmation
    answer = send(spare[0])
    assert answer.status_code == 200, answer.text
    with office.bearing(answer.json()["access_token"]) as client:
        assert client.get("/auth/me").json()["auth_source"] == "ldap"
        assert client.post("/auth/refresh").status_code == 200
        # There is no password of ours to ask for: a code takes it away.
        assert client.post("/auth/mfa/disable", json={"password": PASSWORD}).status_code == 400
    use(office, url="ldap://127.0.0.1:1")
    assert office.sign_in(person, PASSWORD).status_code == 503


def test_the_health_page_says_how_the_directory_is(office: Office, person: str) -> None:
    def state() -> tuple[str, str]:
        body = office.admin.get("/health").json()
        return body["components"]["directory"], body["status"]

    me(office, person)
    assert state() == ("ok", "ok")
    use(office, url="ldap://127.0.0.1:1")
    office.sign_in(person, PASSWORD)
    assert state() == ("error", "degraded")
    assert "127.0.0.1" not in office.admin.get("/health").json()["checks"]["directory"]["detail"]
    assert "checks" not in httpx2.get(f"{office.server.url}/health").json()
    # What somebody tries out says nothing about what is in force.
    assert tried(office, ldap_user_filter="(uid={username})").status_code == 400
    use(office, enabled=False)
    assert state() == ("disabled", "ok")
