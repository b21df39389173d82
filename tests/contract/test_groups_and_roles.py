"""Groups and custom roles through the main API (contract 3 and 4.13), and that they are really in force."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx2
import pytest
from tests.contract.people import PASSWORD, Office, open_office, status_of

ROLE = {
    *("id", "name", "label", "description", "color", "is_builtin", "level", "permissions", "user_count"),
    *("created_at", "created_by"),
}
GROUP = {"id", "name", "description", "color", "default_role", "member_count", "created_at", "created_by"}
_numbers = count(1)

pytestmark = pytest.mark.xdist_group("groups")  # one server for all


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("groups")) as found:
        yield found


def define(office: Office, *permissions: str) -> dict[str, Any]:
    """A new custom role."""
    body = {"name": f"role.{next(_numbers)}", "permissions": list(permissions)}
    answer = office.admin.post("/roles", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["role"])


def found(office: Office, default_role: str | None = None) -> dict[str, Any]:
    """A new group."""
    answer = office.admin.post("/groups", json={"name": f"group {next(_numbers)}", "default_role": default_role})
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["group"])


def join(client: httpx2.Client, group: dict[str, Any], username: str) -> httpx2.Response:
    return client.post(f"/groups/{group['id']}/members", json={"username": username})


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
@pytest.mark.parametrize("end", ["", "/"])
def test_a_role_from_its_creation_to_its_removal(office: Office, prefix: str, end: str) -> None:
    body = {"name": f"evidence{len(prefix)}{len(end)}", "label": "Evidence", "permissions": ["audit.read"]}
    made = office.admin.post(f"{prefix}/roles{end}", json=body)
    assert made.status_code == 201, made.text
    role = made.json()["role"]
    assert set(role) == ROLE
    assert (role["label"], role["permissions"], role["created_by"]) == ("Evidence", ["audit.read"], "admin")
    listed = office.admin.get(f"{prefix}/roles{end}").json()
    assert [row["name"] for row in listed["roles"]][:5] == ["admin", "maintainer", "auditor", "uploader", "reader"]
    assert role in listed["roles"]
    assert "audit.read" in listed["all_permissions"]
    assert "audit.read" in listed["permission_categories"]["audit"]
    place = f"{prefix}/roles/{role['id']}"
    assert office.admin.get(f"{prefix}/roles/{role['name']}{end}").json() == {"role": role}
    changed = office.admin.put(f"{place}{end}", json={"label": "Proof", "color": "#112233", "name": "ignored"})
    assert changed.json()["role"] == {**role, "label": "Proof", "color": "#112233"}
    wider = office.admin.put(f"{place}/permissions{end}", json={"permissions": ["package.read", "audit.read"]})
    assert wider.json() == {"permissions": ["audit.read", "package.read"]}
    assert office.admin.get(f"{place}/permissions{end}").json() == wider.json()
    shown = office.admin.get(f"{prefix}/auth/roles{end}").json()
    assert shown["roles"][role["name"]]["permissions"] == ["audit.read", "package.read"]
    assert shown["items"][:5] == ["admin", "maintainer", "auditor", "uploader", "reader"]
    assert role["name"] in shown["items"]
    gone = office.admin.delete(f"{place}{end}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert office.admin.get(place).status_code == office.admin.delete(place).status_code == 404
    for action in ("ROLE_CREATE", "ROLE_UPDATE", "ROLE_DELETE"):
        assert office.audited(action)[0]["detail"]["role"] == role["name"]


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
@pytest.mark.parametrize("end", ["", "/"])
def test_a_group_from_its_creation_to_its_removal(office: Office, prefix: str, end: str) -> None:
    person = office.hire()
    body = {"name": f"release team {len(prefix)}{len(end)}", "description": "They ship.", "default_role": "viewer"}
    made = office.admin.post(f"{prefix}/groups{end}", json=body)
    assert made.status_code == 201, made.text
    group = made.json()["group"]
    assert set(group) == GROUP
    assert (group["default_role"], group["member_count"], group["color"]) == ("reader", 0, "blue")
    place = f"{prefix}/groups/{group['id']}"
    joined = office.admin.post(f"{place}/members{end}", json={"username": person})
    assert (joined.status_code, joined.json()) == (201, {"status": "ok", "username": person})
    assert office.admin.post(f"{place}/members{end}", json={"username": person}).status_code == 409
    [member] = office.admin.get(f"{place}/members{end}").json()["members"]
    assert (member["username"], member["added_by"], member["active"]) == (person, "admin", True)
    group = {**group, "member_count": 1}
    assert group in office.admin.get(f"{prefix}/groups{end}").json()["groups"]
    with office.session(person) as client:
        assert client.get(f"{prefix}/groups/me{end}").json() == {"groups": [group]}
        assert client.get(f"{place}{end}").json() == {"group": group}
    assert office.admin.get(f"{prefix}/groups/me{end}").json() == {"groups": []}
    changed = office.admin.put(f"{place}{end}", json={"name": group["name"].upper(), "default_role": None})
    assert changed.json()["group"] == {**group, "name": group["name"].upper(), "default_role": None}
    left = office.admin.delete(f"{place}/members/{person}{end}")
    assert (left.status_code, left.content) == (204, b"")
    assert office.admin.delete(f"{place}/members/{person}").status_code == 404
    assert office.admin.delete(f"{place}{end}").status_code == 204
    assert office.admin.get(place).status_code == office.admin.delete(place).status_code == 404
    for action in ("GROUP_CREATE", "GROUP_MEMBER_ADD", "GROUP_UPDATE", "GROUP_MEMBER_REMOVE", "GROUP_DELETE"):
        entry = office.audited(action)[0]
        assert (entry["user"], entry["result"]) == ("admin", "SUCCESS")
        assert entry["detail"]["group"].lower() == group["name"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": "ab"}, 400),
        ({"name": "with blank"}, 400),
        ({"name": "12345"}, 400),
        ({"name": "a/b/c"}, 400),
        ({"name": "Admin"}, 409),
        ({"name": "viewer"}, 409),
        ({"name": "system"}, 409),
        ({"permissions": ["audit.read", "king.be"]}, 400),
        ({"permissions": [""]}, 400),
        ({"color": "url(x)"}, 400),
        ({"label": "two\nlines"}, 400),
        ({"description": "x" * 1001}, 400),
        ({"permissions": "audit.read"}, 422),
        ({"permissions": [1]}, 422),
        ({"name": None}, 422),
    ],
    ids=str,
)
def test_a_bad_role_is_refused(office: Office, fields: dict[str, Any], status: int) -> None:
    answer = office.admin.post("/roles", json={"name": "refused", **fields})
    assert answer.status_code == status, answer.text
    assert "refused" not in {row["name"] for row in office.admin.get("/roles").json()["roles"]}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": "x"}, 400),
        ({"name": "1234"}, 400),
        ({"name": "a/b"}, 400),
        ({"name": "line\nbreak"}, 400),
        ({"default_role": "king"}, 400),
        ({"color": "BLUE;"}, 400),
        ({"name": None}, 422),
        ({"default_role": 7}, 422),
    ],
    ids=str,
)
def test_a_bad_group_is_refused(office: Office, fields: dict[str, Any], status: int) -> None:
    answer = office.admin.post("/groups", json={"name": "refused", **fields})
    assert answer.status_code == status, answer.text


def test_names_are_taken_once(office: Office) -> None:
    for path, name in (("/roles", define(office)["name"]), ("/groups", found(office)["name"])):
        answer = office.admin.post(path, json={"name": name.upper()})
        assert (answer.status_code, answer.json()["error"]) == (409, "already_exists")
    first, second = found(office), found(office)
    assert office.admin.put(f"/groups/{first['id']}", json={"name": second["name"]}).status_code == 409


def test_roles_of_the_program_stay_as_they_are(office: Office) -> None:
    for name in ("admin", "reader", "viewer"):
        shown = office.admin.get(f"/roles/{name}").json()["role"]
        assert shown["is_builtin"] is True
        for answer in (
            office.admin.put(f"/roles/{name}", json={"label": "x"}),
            office.admin.put(f"/roles/{name}/permissions", json={"permissions": []}),
            office.admin.delete(f"/roles/{name}"),
        ):
            assert (answer.status_code, answer.json()["error"]) == (409, "built_in_role")


def test_a_custom_role_is_assignable_and_in_force_at_once(office: Office) -> None:
    role = define(office, "audit.read", "review.read")
    person = office.hire(roles=[role["name"]])
    row = next(row for row in office.admin.get("/auth/users").json()["users"] if row["username"] == person)
    assert (row["role"], row["roles"]) == (role["name"], [role["name"]])
    with office.session(person) as client:
        me = client.get("/auth/me").json()
        assert (me["roles"], me["permissions"]) == (
            [role["name"]],
            ["profile.read", "profile.write", "audit.read", "review.read"],
        )
        assert status_of(client, "/security/review-queue") == 200
        denied = client.get("/packages")
        assert (denied.status_code, denied.json()["detail"]) == (403, "reader role required")
        place = f"/roles/{role['id']}"
        office.admin.put(f"{place}/permissions", json={"permissions": ["package.read"]})
        assert (status_of(client, "/security/review-queue"), status_of(client, "/packages")) == (403, 200)
        office.admin.patch(f"/auth/users/{person}", json={"roles": ["uploader", role["name"]]})
        assert client.get("/auth/me").json()["roles"] == ["uploader", role["name"]]
        office.admin.put(f"{place}/permissions", json={"permissions": ["setting.read"]})
        assert (status_of(client, "/settings"), client.patch("/settings", json={}).status_code) == (200, 403)
        assert office.admin.get(place).json()["role"]["user_count"] == 1
        office.admin.delete(place)
        assert status_of(client, "/settings") == 403
        me = client.get("/auth/me").json()
        assert (me["role"], me["roles"]) == ("uploader", ["uploader"])
        office.admin.patch(f"/auth/users/{person}", json={"role": "reader"})
    # A new role of that name is not what they had.
    office.admin.post("/roles", json={"name": role["name"], "permissions": ["setting.read"]})
    with office.session(person) as client:
        assert client.get("/auth/me").json()["roles"] == ["reader"]


def test_a_group_gives_its_role_and_takes_it_back_at_once(office: Office) -> None:
    role = define(office, "setting.read")
    person = office.hire()
    of_program, of_site = found(office, "uploader"), found(office, role["name"])
    with office.session(person) as client:

        def rights() -> tuple[list[str], bool, bool]:
            me = client.get("/auth/me").json()
            return me["roles"], "package.upload" in me["permissions"], status_of(client, "/settings") == 200

        assert rights() == (["reader"], False, False)
        assert join(office.admin, of_program, person).status_code == 201
        assert rights() == (["uploader", "reader"], True, False)
        assert join(office.admin, of_site, person).status_code == 201
        assert rights() == (["uploader", "reader", role["name"]], True, True)
        office.admin.put(f"/groups/{of_program['id']}", json={"default_role": "auditor"})
        assert rights()[0] == ["auditor", "reader", role["name"]]
        office.admin.delete(f"/groups/{of_program['id']}")
        assert rights() == (["reader", role["name"]], False, True)
        office.admin.delete(f"/roles/{role['id']}")
        assert rights() == (["reader"], False, False)
        assert office.admin.get(f"/groups/{of_site['id']}").json()["group"]["default_role"] is None
    # What an account has through groups is not its own, and does not stay behind.
    row = next(row for row in office.admin.get("/auth/users").json()["users"] if row["username"] == person)
    assert row["roles"] == ["reader"]


def test_an_api_token_has_what_its_roles_and_its_creator_have_in_common(office: Office) -> None:
    role = define(office, "setting.read", "package.read")
    creator = office.hire(role="admin")
    with office.session(creator) as client:
        made = client.post("/auth/api-tokens", json={"name": f"n{next(_numbers)}", "roles": [role["name"]]})
        assert made.status_code == 201, made.text
        assert made.json()["roles"] == [role["name"]]
    with office.bearing(made.json()["token"]) as program:
        assert (status_of(program, "/settings"), status_of(program, "/packages")) == (200, 200)
        assert status_of(program, "/distributions") == 403
        office.admin.patch(f"/auth/users/{creator}", json={"role": "reader"})
        assert (status_of(program, "/settings"), status_of(program, "/packages")) == (403, 200)
        other = define(office, "setting.read")
        office.admin.patch(f"/auth/users/{creator}", json={"roles": [other["name"]]})
        assert (status_of(program, "/settings"), status_of(program, "/packages")) == (200, 403)
        office.admin.delete(f"/roles/{role['id']}")
        assert (status_of(program, "/settings"), status_of(program, "/packages")) == (403, 403)


def test_whoever_manages_accounts_only_cannot_become_more(office: Office) -> None:
    manager = define(office, "user.write", "group.write", "role.write", "token.write")
    weak = define(office, "package.read")
    admins, weaklings = found(office, "admin"), found(office, weak["name"])
    person, boss = office.hire(roles=[manager["name"]]), office.hire(role="admin")
    with office.session(person) as client:

        def refused(method: str, path: str, **body: Any) -> None:
            answer = client.request(method, path, json=body)
            assert answer.status_code == 403, f"{method} {path}: {answer.text}"
            assert "rights" in answer.json()["detail"]

        account = {"username": "sneaked.in", "password": PASSWORD}
        refused("POST", "/auth/users", **account, role="admin")
        refused("POST", "/auth/users", **account, roles=[weak["name"]])
        refused("POST", "/auth/api-tokens", name="sneaked in", role="uploader")
        refused("POST", "/roles", name="sneaked-in", permissions=["setting.write"])
        refused("PUT", f"/roles/{weak['id']}/permissions", permissions=["user.write"])
        refused("DELETE", f"/roles/{weak['id']}")
        refused("POST", "/groups", name="sneaked in", default_role="maintainer")
        refused("POST", f"/groups/{admins['id']}/members", username=person)
        refused("POST", f"/groups/{weaklings['id']}/members", username=person)
        refused("PUT", f"/groups/{admins['id']}", default_role=None)
        refused("DELETE", f"/groups/{admins['id']}")
        refused("POST", f"/auth/users/{boss}/reset-password", new_password=PASSWORD)
        refused("PATCH", f"/auth/users/{boss}", active=False)
        refused("DELETE", f"/auth/users/{boss}")
        equal = client.post("/auth/users", json={**account, "roles": [manager["name"]]})
        assert equal.status_code == 201, equal.text
        assert client.delete("/auth/users/sneaked.in").status_code == 200


def test_nobody_takes_away_their_own_right_to_manage(office: Office) -> None:
    manager = define(office, "user.write", "group.write", "role.write")
    group = found(office, manager["name"])
    person = office.hire(roles=[define(office)["name"]])
    assert join(office.admin, group, person).status_code == 201
    with office.session(person) as client:
        for answer in (
            client.delete(f"/groups/{group['id']}/members/{person}"),
            client.put(f"/groups/{group['id']}", json={"default_role": None}),
            client.delete(f"/groups/{group['id']}"),
            client.put(f"/roles/{manager['id']}/permissions", json={"permissions": ["user.write"]}),
            client.delete(f"/roles/{manager['id']}"),
            client.patch(f"/auth/users/{person}", json={"role": "reader"}),
        ):
            assert (answer.status_code, answer.json()["error"]) in {
                (400, "account_protected"),
                (403, "permission_denied"),
            }
        assert status_of(client, "/auth/users") == 200


def test_an_administrator_through_a_group_is_not_the_last_one(office: Office) -> None:
    """Groups and custom roles can go at any time, so that one administrator always is one without them."""
    admins = found(office, "admin")
    person = office.hire()
    join(office.admin, admins, person)
    with office.session(person) as client:
        others = [row["username"] for row in client.get("/auth/users").json()["users"] if row["role"] == "admin"]
        for name in set(others) - {"admin"}:
            assert client.patch(f"/auth/users/{name}", json={"role": "reader"}).status_code == 200
        for change in ({"role": "reader"}, {"active": False}, {"roles": ["maintainer"]}):
            answer = client.patch("/auth/users/admin", json=change)
            assert (answer.status_code, answer.json()["error"]) == (400, "account_protected")
        assert client.delete("/auth/users/admin").status_code == 400
    office.admin.delete(f"/groups/{admins['id']}")
    assert status_of(office.admin, "/auth/users") == 200


def test_an_account_takes_its_memberships_along(office: Office) -> None:
    group, role = found(office, "uploader"), define(office, "setting.read")
    person = office.hire(roles=[role["name"]])
    join(office.admin, group, person)
    assert office.admin.delete(f"/auth/users/{person}").status_code == 200
    assert office.admin.get(f"/groups/{group['id']}/members").json()["members"] == []
    office.admin.post("/auth/users", json={"username": person, "password": PASSWORD})
    with office.session(person) as client:
        assert client.get("/auth/me").json()["roles"] == ["reader"]
