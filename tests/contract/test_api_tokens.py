"""API tokens, as administrators and programs see them through the main API (contract 4.1, G5, D-03, D-21)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from tests.contract.people import PASSWORD, Office, open_office, status_of

from entrepot.testing.debs import build_deb

ROW = {
    *("id", "name", "role", "roles", "prefix", "hint", "created_by", "created_at"),
    *("expires_at", "last_used", "revoked", "distributions"),
}

pytestmark = pytest.mark.xdist_group("api-tokens")  # one server for all


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("tokens")) as found:
        yield found


def row_of(office: Office, ident: str) -> dict[str, Any]:
    """A token in the list."""
    found: list[dict[str, Any]] = office.admin.get("/auth/api-tokens").json()["tokens"]
    return next(row for row in found if row["id"] == ident)


def upload(client: httpx2.Client, name: str, distribution: str, version: str = "1.0") -> httpx2.Response:
    """A small package."""
    files = {"file": (f"{name}.deb", build_deb(name, version))}
    return client.post("/upload", files=files, data={"distribution": distribution})


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
@pytest.mark.parametrize("end", ["", "/"])
def test_a_token_from_its_creation_to_its_end(office: Office, prefix: str, end: str) -> None:
    name = f"ci {len(prefix)}{len(end)}"
    body = {"name": name, "role": "uploader", "expires_days": 90, "distributions": ["noble", "main/jammy"]}
    made = office.admin.post(f"{prefix}/auth/api-tokens{end}", json=body)
    assert made.status_code == 201, made.text
    token = made.json()
    secret = token["token"]
    assert set(token) == {*ROW, "token", "message"}
    assert (token["id"][:4], secret[:6], token["prefix"], token["hint"]) == ("tok_", "repod_", "repod_", secret[-4:])
    assert (token["name"], token["role"], token["roles"], token["created_by"]) == (
        name,
        "uploader",
        ["uploader"],
        "admin",
    )
    assert token["distributions"] == ["jammy", "noble"]
    lifetime = datetime.fromisoformat(token["expires_at"]) - datetime.fromisoformat(token["created_at"])
    assert lifetime == timedelta(days=90)
    listed = office.admin.get(f"{prefix}/auth/api-tokens{end}").json()
    assert listed["total"] == len(listed["tokens"])
    assert set(listed["tokens"][0]) == ROW
    assert secret not in str(listed)
    with office.bearing(secret) as program:
        me = program.get(f"{prefix}/auth/me{end}").json()
        assert (me["username"], me["role"], me["auth_source"]) == (f"token:{name}", "uploader", "api_token")
        assert program.post(f"{prefix}/auth/users{end}", json={}).status_code == 403
        used = datetime.fromisoformat(row_of(office, token["id"])["last_used"])
        assert datetime.now(UTC) - used < timedelta(minutes=5)
        gone = office.admin.delete(f"{prefix}/auth/api-tokens/{token['id'] if end else name}{end}")
        assert (gone.status_code, gone.json()) == (200, {"status": "revoked", "id": token["id"], "name": name})
        assert status_of(program) == 401
    assert row_of(office, token["id"])["revoked"] is True
    assert office.admin.delete(f"{prefix}/auth/api-tokens/{token['id']}{end}").status_code == 404
    entries = [office.audited(action)[0] for action in ("TOKEN_CREATE", "TOKEN_REVOKE")]
    assert {(entry["user"], entry["result"], entry["detail"]["id"]) for entry in entries} == {
        ("admin", "SUCCESS", token["id"])
    }
    # The name is free again.
    again = office.admin.post("/auth/api-tokens", json={"name": name}).json()
    assert (again["role"], again["expires_at"], again["distributions"]) == ("uploader", None, None)
    assert office.admin.delete(f"/auth/api-tokens/{name}").json()["id"] == again["id"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": ""}, 400),
        ({"name": "x" * 65}, 400),
        ({"name": "tok_abc"}, 400),
        ({"name": "line\nbreak"}, 400),
        ({"name": "nul\0byte"}, 400),
        ({"name": "a/b"}, 400),
        ({"role": "king"}, 400),
        ({"roles": []}, 400),
        ({"expires_days": 0}, 400),
        ({"expires_days": -1}, 400),
        ({"expires_days": 10**6}, 400),
        ({"expires_days": 2**63}, 400),
        ({"expires_days": 2**200}, 400),
        ({"distributions": []}, 400),
        ({"distributions": ["nowhere"]}, 400),
        ({"distributions": ["jammy", "main/"]}, 400),
        ({"name": None}, 422),
        ({"name": 7}, 422),
        ({"role": None}, 422),
        ({"expires_days": "1"}, 422),
        ({"expires_days": True}, 422),
        ({"expires_days": 1.5}, 422),
        ({"expires_days": []}, 422),
        ({"distributions": "jammy"}, 422),
        ({"distributions": [1]}, 422),
    ],
    ids=str,
)
def test_a_bad_token_is_refused(office: Office, fields: dict[str, Any], status: int) -> None:
    answer = office.admin.post("/auth/api-tokens", json={"name": "refused", **fields})
    assert answer.status_code == status, answer.text
    if status == 422:
        assert {error["loc"][1] for error in answer.json()["detail"]} == set(fields)
    assert "refused" not in {row["name"] for row in office.admin.get("/auth/api-tokens").json()["tokens"]}


def test_a_name_in_use_is_a_conflict(office: Office) -> None:
    name = office.token()["name"]
    for twin in (name, name.upper()):
        answer = office.admin.post("/auth/api-tokens", json={"name": twin})
        assert (answer.status_code, answer.json()["error"]) == (409, "already_exists")
    assert office.admin.post("/auth/api-tokens", json={"role": "reader"}).status_code == 422


@pytest.mark.parametrize("name", ["nothing", "tok_000000000000", "%00", "x" * 3000, "%0a"])
def test_a_token_that_is_not_there_is_404(office: Office, name: str) -> None:
    assert office.admin.delete(f"/auth/api-tokens/{name}").status_code == 404


def test_a_secret_that_is_not_exactly_right_is_worth_nothing(office: Office) -> None:
    secret = office.token()["token"]
    other = "A" if secret[10] != "A" else "B"
    for wrong in (secret[:-1], secret + "x", secret[:10] + other + secret[11:], secret.upper(), f"Repod_{secret[6:]}"):
        with office.bearing(wrong) as program:
            answer = program.get("/auth/me")
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert wrong not in answer.text


def test_a_token_has_no_session_of_its_own(office: Office) -> None:
    with office.bearing(office.token(role="admin")["token"]) as program:
        assert program.post("/auth/logout").status_code == 403
        assert program.post("/auth/refresh").status_code == 403
        body = {"current_password": office.server.password, "new_password": PASSWORD}
        assert program.post("/auth/change-password", json=body).status_code == 403
        assert status_of(program, "/auth/users") == 200


def test_a_secret_is_a_password_for_any_name(office: Office) -> None:
    token = office.token(role="auditor", expires_days=1)
    answer = office.sign_in("github-actions", token["token"])
    assert (answer.status_code, answer.json()["expires_in"]) == (200, 3600)
    entry = office.audited("LOGIN")[0]
    assert (entry["user"], entry["detail"]) == (f"token:{token['name']}", {"username": "github-actions"})
    with office.bearing(answer.json()["access_token"]) as program:
        me = program.get("/auth/me").json()
        assert (me["role"], me["username"]) == ("auditor", f"token:{token['name']}")
        assert status_of(program, "/auth/users") == 403
        with office.bearing(program.post("/auth/refresh").json()["access_token"]) as renewed:
            assert renewed.post("/auth/logout").status_code == 200
        assert status_of(program) == 401
    with office.bearing(office.sign_in("", token["token"]).json()["access_token"]) as program:
        assert status_of(program) == 200
        office.admin.delete(f"/auth/api-tokens/{token['id']}")
        assert status_of(program) == 401
        assert program.post("/auth/refresh").status_code == 401
    assert office.sign_in("github-actions", token["token"]).status_code == 401


def test_a_token_never_has_more_than_its_creator_has_now(office: Office) -> None:
    creator = office.hire(role="admin")
    with office.session(creator) as client:
        made = client.post("/auth/api-tokens", json={"name": "of a colleague", "roles": ["maintainer", "uploader"]})
    account = f"/auth/users/{creator}"
    with office.bearing(made.json()["token"]) as program:
        assert program.get("/auth/me").json()["roles"] == ["maintainer", "uploader"]
        office.admin.patch(account, json={"role": "auditor"})
        assert program.get("/auth/me").json()["roles"] == ["auditor", "uploader"]
        assert program.delete("/artifacts/absent").status_code == 403
        office.admin.patch(account, json={"role": "viewer"})
        assert program.get("/auth/me").json()["roles"] == ["reader"]
        assert upload(program, "too-much", "jammy").status_code == 403
        office.admin.patch(account, json={"active": False})
        assert status_of(program) == 401
        office.admin.patch(account, json={"active": True, "role": "admin"})
        assert program.get("/auth/me").json()["roles"] == ["maintainer", "uploader"]
        office.admin.delete(account)
        assert status_of(program) == 401
        # Neither does a new account of that name bring it to life.
        office.admin.post("/auth/users", json={"username": creator, "password": PASSWORD, "role": "admin"})
        assert status_of(program) == 401
    row = row_of(office, made.json()["id"])
    assert (row["revoked"], row["created_by"]) == (True, creator)
    assert office.audited("USER_DELETE")[0]["detail"]["revoked_tokens"] == ["of a colleague"]


def test_a_scope_holds_wherever_a_suite_is_written(office: Office) -> None:
    assert upload(office.admin, "elsewhere", "noble").status_code == 201
    assert upload(office.admin, "everywhere", "noble").status_code == 201
    assert upload(office.admin, "everywhere", "jammy").status_code == 201
    with office.bearing(office.token(role="maintainer", distributions=["jammy"])["token"]) as program:
        assert upload(program, "within", "jammy").status_code == 201
        refused = upload(program, "outside", "noble")
        assert refused.status_code == 403
        assert "noble" in refused.json()["detail"]

        def promote(package: str, source: str, target: str) -> int:
            body = {"package": package, "from_dist": source, "to_dist": target}
            return program.post("/distributions/promote", json=body).status_code

        assert promote("elsewhere", "noble", "jammy") == 200
        assert promote("within", "jammy", "noble") == 403
        assert program.delete("/artifacts/everywhere").status_code == 403
        assert program.delete("/artifacts/everywhere/1.0", params={"distribution": "noble"}).status_code == 403
        assert program.delete("/artifacts/everywhere", params={"distribution": "jammy"}).status_code == 200
        # Reading is not limited; what touches all suites is out of reach.
        assert status_of(program, "/artifacts/everywhere") == 200
        assert program.post("/artifacts/admin/sync-index").status_code == 403
    found = office.admin.get("/artifacts/everywhere").json()
    assert found["info"]["versions"]["1.0"]["distributions"] == ["noble"]
    assert office.admin.get("/artifacts/outside").status_code == 404
    with office.bearing(office.token(role="admin", distributions=["jammy"])["token"]) as program:
        for path in ("/auth/users", "/auth/api-tokens"):
            answer = program.get(path)
            assert (answer.status_code, "limited" in answer.json()["detail"]) == (403, True)


def test_no_secret_is_kept_or_written_anywhere(office: Office) -> None:
    username = office.hire(password="Kept-Nowhere-1")
    secret = office.token()["token"]
    session = office.sign_in(username, "Kept-Nowhere-1").json()["access_token"]
    with office.bearing(secret) as program, office.bearing(session) as client:
        assert (status_of(program), status_of(client)) == (200, 200)
        client.post(
            "/auth/change-password", json={"current_password": "Kept-Nowhere-1", "new_password": "Kept-Nowhere-2"}
        )
    office.sign_in("Kept-Nowhere-3", "typed in the wrong field")
    office.admin.post(f"/auth/users/{username}/reset-password", json={"new_password": "Kept-Nowhere-4"})
    written = office.server.log.read_bytes()
    written += b"".join(path.read_bytes() for path in office.server.data.rglob("entrepot.db*"))
    assert username.encode() in written
    for each in (secret, session, session.rpartition(".")[2], "Kept-Nowhere", office.server.password):
        assert each.encode() not in written
