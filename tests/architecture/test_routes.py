"""Every route, asked by every kind of caller: below the role that it needs there is 401 or 403 and nothing else."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import httpx2
import pytest
from tests.architecture.calls import CALLS, Call
from tests.architecture.conftest import SECRET, InProcess

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import Writing
from entrepot.adapters.catalog.groups import CustomRole
from entrepot.application import Application
from entrepot.domain.model.actor import Role
from entrepot.domain.policy.permissions import Permission
from entrepot.main import wall_clock
from entrepot.services.access.tokens import SessionClaims, SessionTokens
from entrepot.testing.reference import openapi

# One's own account: for whoever is signed in.
OWN = ("/auth/me", "/auth/refresh", "/auth/change-password", "/auth/logout", "/auth/mfa", "/groups/me")
# Routes that give rights, asked here to give some that the caller lacks.
# Routes of the main API that need several permissions at once.
DOING_MORE = {"/artifacts/{name}/{version}/attestations", "/distributions/{codename}/packages"}
GIVING = {"/auth/users", "/auth/api-tokens", "/roles"}
DESCRIBED = {
    (method.upper(), path): operation.get("x-permissions")
    for path, operations in openapi()["paths"].items()
    for method, operation in operations.items()
}
# Open by design: what package managers fetch, without an account.
CONTENT = ("/apt/main/key.asc", "/apt/main/jammy.sources", "/rpm/main/almalinux9.repo", "/apt/main/dists/jammy/absent")


def add_account_of(unit: Writing, name: str, roles: frozenset[Role]) -> None:
    """An account that nobody can sign in to by a password."""
    account = Account(
        id=0,
        username=name,
        password_hash="none",
        roles=roles,
        full_name="",
        email="",
        active=True,
        session_epoch=1,
        created_at=wall_clock(),
        last_login=None,
    )
    unit.add_account(account)


@pytest.fixture(scope="module")
def accounts(in_process: InProcess) -> InProcess:
    """With an account for every role and for every permission."""
    with in_process.application.catalog.write() as unit:
        for role in Role:
            add_account_of(unit, role.value, frozenset({role}))
    add_specialists(in_process.application)
    return in_process


def session(role: Role | str) -> str:
    """A good session of its own: one of the routes ends the session that it is asked with."""
    issuer = SessionTokens(SECRET, timedelta(hours=1))
    return f"Bearer {issuer.issue(SessionClaims(str(role), 1), wall_clock())}"


def add_specialists(application: Application) -> None:
    """Accounts that have one custom role and nothing else: all permissions but one, and those that a test says."""
    codes = {permission.code for permission in Permission}
    kinds: dict[str, set[str]] = {f"without.{code}": codes - {code} for code in codes} | {"walker": set()}
    with application.catalog.write() as unit:
        for name, permissions in kinds.items():
            add_account_of(unit, name, frozenset())
            unit.add_custom_role(CustomRole(0, name, name, "", "gray", frozenset(permissions), wall_clock(), "admin"))
            unit.give_custom_roles(name, [name])


def strangers() -> dict[str, str | None]:
    """Credentials that must be worth nothing, though all are made for the administrator."""
    now, lifetime = wall_clock(), timedelta(hours=1)
    ours = SessionTokens(SECRET, lifetime)
    good = ours.issue(SessionClaims("admin", 1), now)
    foreign = SessionTokens(secrets.token_bytes(32), lifetime).issue(SessionClaims("admin", 1), now)
    head, _, signature = good.split(".")
    return {
        "anonymous": None,
        "expired": f"Bearer {ours.issue(SessionClaims('admin', 1), now - 2 * lifetime)}",
        "older epoch": f"Bearer {ours.issue(SessionClaims('admin', 0), now)}",
        "nobody": f"Bearer {ours.issue(SessionClaims('nobody', 1), now)}",
        "foreign secret": f"Bearer {foreign}",
        "no signature": f"Bearer {good.rpartition('.')[0]}.",
        "algorithm none": f"Bearer eyJhbGciOiJub25lIn0.{good.split('.')[1]}.",
        "other claims": f"Bearer {head}.eyJzdWIiOiJhZG1pbiJ9.{signature}",
        "garbage": "Bearer garbage",
        "unknown API token": f"Bearer repod_{secrets.token_urlsafe(32)}",
        "long garbage": f"Bearer {'x' * 8000}",
        "other scheme": f"Basic {base64.b64encode(f'{secrets.token_hex(8)}:admin'.encode()).decode()}",
        "bare token": good,
    }


def ask(in_process: InProcess, call: Call, authorization: str | None) -> httpx2.Response:
    """One request to the real application."""

    async def send() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=cast("Any", in_process.front), raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://entrepot.example") as client:
            arguments = dict(call.arguments)
            headers = {**arguments.pop("headers", {})}
            if authorization is not None:
                headers["authorization"] = authorization
            return await client.request(call.method, call.path, headers=headers, **arguments)

    return asyncio.run(send())


def routes_of(router: Any) -> Iterator[tuple[str, str]]:
    """Methods and paths, those of included routers too."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_of(inner)
        else:
            yield from ((method, route.path) for method in route.methods if method != "HEAD")


def test_the_table_has_every_route_and_no_other(in_process: InProcess) -> None:
    api = cast("Any", in_process.front)._api
    asked = [(call.method, call.route) for call in CALLS]
    # The last one describes the API, and nothing of this installation.
    assert sorted(routes_of(api)) == sorted([*asked, ("GET", "/openapi.json")])


GUARDED = [call for call in CALLS if call.role is not None]
OPEN = [call for call in CALLS if call.role is None]


@pytest.mark.parametrize("call", GUARDED, ids=lambda call: f"{call.method} {call.route}")
def test_strangers_get_401_before_anything_else(accounts: InProcess, call: Call) -> None:
    for name, authorization in strangers().items():
        answer = ask(accounts, call, authorization)
        assert answer.status_code == 401, f"{name}: {answer.text}"
        assert answer.headers["www-authenticate"].startswith(call.challenge)


@pytest.mark.parametrize("call", GUARDED, ids=lambda call: f"{call.method} {call.route}")
def test_a_lower_role_gets_403_before_anything_else(accounts: InProcess, call: Call) -> None:
    assert call.role is not None
    for role in Role:
        answer = ask(accounts, call, session(role))
        if role.level < call.role.level:
            assert answer.status_code == 403, f"{role}: {answer.text}"
            assert answer.json()["detail"] == f"{call.role.value} role required"
        else:
            assert answer.status_code not in {403, 405, 500}, f"{role}: {answer.text}"
            # A wrong password is 401 as well.
            assert answer.status_code != 401 or answer.json()["error"] == "sign_in_failed", f"{role}: {answer.text}"


@pytest.mark.parametrize("call", GUARDED, ids=lambda call: f"{call.method} {call.route}")
def test_a_custom_role_reaches_exactly_the_routes_of_its_permissions(accounts: InProcess, call: Call) -> None:
    needed: list[Permission] = []
    while True:
        with accounts.application.catalog.write() as unit:
            [walker] = [role for role in unit.custom_roles() if role.name == "walker"]
            unit.set_permissions(walker.id, {permission.code for permission in needed})
        answer = ask(accounts, call, session("walker"))
        if answer.status_code != 403 or answer.json()["detail"].startswith("nobody decides about rights"):
            break
        wanted = next(each for each in Permission if each.code == answer.json()["permission"])
        assert wanted not in needed, answer.text
        needed.append(wanted)
    assert answer.status_code not in {401, 405, 500}, answer.text
    # Whoever may manage accounts and nothing else cannot make somebody who may more.
    assert answer.status_code != 403 or call.route in GIVING
    if not needed:
        assert call.route.startswith(OWN), "open to everybody who is signed in"
        return
    described = DESCRIBED.get((call.method, call.route.replace(":path", "")))
    assert described, "the description does not say which permission is needed"
    assert set(described) <= {permission.code for permission in needed}
    # Some routes do two things; nearly all need exactly one permission.
    assert max((permission.role for permission in needed), key=lambda role: role.level) is call.role
    assert len(needed) == 1 or call.route in DOING_MORE or call.route.startswith("/api/"), needed
    for permission in needed:
        # All others taken together do not help, so none of them does by itself.
        without = ask(accounts, call, session(f"without.{permission.code}"))
        assert (without.status_code, without.json().get("permission")) == (403, permission.code), without.text


@pytest.mark.parametrize("call", OPEN, ids=lambda call: f"{call.method} {call.route}")
def test_open_routes_take_any_caller_alike(accounts: InProcess, call: Call) -> None:
    statuses = {ask(accounts, call, token).status_code for token in (None, session(Role.READER))}
    assert len(statuses) == 1
    assert statuses <= {200, 400, 401, 422}  # 401: a wrong password; 400, 422: no one-time token


@pytest.mark.parametrize("call", GUARDED, ids=lambda call: f"{call.method} {call.route}")
def test_every_prefix_and_a_slash_lead_to_the_same_guard(in_process: InProcess, call: Call) -> None:
    own = call.route.startswith(("/api/", "/incoming/"))  # of other APIs, which have no prefixes
    for prefix, end in (("/api", ""), ("/api/v1", ""), ("", "/"), ("/api/v1", "/")):
        if own and prefix:
            continue
        there = Call(call.method, prefix + call.route + end, call.role, call.arguments)
        assert ask(in_process, there, None).status_code == 401


def test_a_stranger_learns_nothing_from_malformed_parameters(in_process: InProcess) -> None:
    for path in ("/packages?page=0", "/artifacts?per_page=many", "/distributions/absent/packages?page=-1"):
        assert ask(in_process, Call("GET", path, Role.READER), None).status_code == 401
    wrong_shape = {"json": {"nothing": "useful"}}
    for path in ("/distributions/promote", "/distributions/init"):
        assert ask(in_process, Call("POST", path, Role.ADMIN, wrong_shape), None).status_code == 401


@pytest.mark.parametrize("path", CONTENT)
def test_content_is_open(in_process: InProcess, path: str) -> None:
    assert ask(in_process, Call("GET", path, None), None).status_code in {200, 404}
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ask(in_process, Call(method, path, None), None).status_code == 405


def test_an_account_that_is_switched_off_loses_its_session(accounts: InProcess) -> None:
    call = Call("GET", "/auth/me", Role.READER)
    application = accounts.application
    for change in ({"active": False}, {"active": True, "session_epoch": 2}):
        with application.catalog.write() as unit:
            unit.change_account("auditor", change)
        assert ask(accounts, call, session(Role.AUDITOR)).status_code == 401
    with application.catalog.write() as unit:
        unit.change_account("auditor", {"session_epoch": 1})
    assert ask(accounts, call, session(Role.AUDITOR)).status_code == 200
