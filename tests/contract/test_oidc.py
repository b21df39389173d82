"""People sign in at an identity provider, as a browser does it: redirects, a cookie, a one-time code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from tests.contract.people import Office, open_office, status_of

from entrepot.testing.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, running_provider

pytestmark = pytest.mark.xdist_group("oidc")
_numbers = count(1)


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with running_provider() as found:
        yield found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("oidc")) as found:
        limit = {"rate_limits": {"oidc": "1000000/minute"}}
        assert found.admin.patch("/settings", json=limit).status_code == 200
        yield found


@pytest.fixture(autouse=True)
def person(office: Office, provider: IdentityProvider) -> str:
    """Signed in at the provider, and an uploader here."""
    name = f"olga{next(_numbers)}"
    provider.person = {
        "sub": f"subject of {name}",
        "preferred_username": name,
        "name": "Olga Örn",
        "email": f"{name}@example.org",
        "groups": ["/staff", "uploaders"],
    }
    provider.userinfo, provider.id_token_changes, provider.discovery_changes, provider.trouble = {}, {}, {}, ""
    configure(office, provider)
    return name


def configure(office: Office, provider: IdentityProvider, **fields: Any) -> None:
    section = {
        "enabled": True,
        "issuer": provider.url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "group_role_map": {"uploaders": "uploader", "chiefs": "admin"},
        "groups_claim": "groups",
        "username_claim": "preferred_username",
        "default_role": "",
        **fields,
    }
    answer = office.admin.patch("/settings", json={"oidc": section})
    assert answer.status_code == 200, answer.text


@contextlib.contextmanager
def browser(office: Office) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=office.server.url, timeout=60) as client:
        yield client


def come_back(client: httpx2.Client, **headers: str) -> httpx2.Response:
    """From our door through the provider to the callback, whose answer this is."""
    begun = client.get("/auth/oidc/login")
    assert begun.status_code == 302, begun.text
    there = httpx2.get(begun.headers["location"])
    return client.get(there.headers["location"], headers=headers)


def take(client: httpx2.Client, landed: httpx2.Response) -> httpx2.Response:
    """What the page does with the fragment."""
    assert landed.status_code == 302, landed.text
    code = urlsplit(landed.headers["location"]).fragment.removeprefix("sign-in=")
    return client.post("/auth/oidc/session", json={"code": code})


def signed_in(office: Office) -> dict[str, Any]:
    """Whole; the profile."""
    with browser(office) as client:
        answer = take(client, come_back(client))
        assert answer.status_code == 200, answer.text
        with office.bearing(answer.json()["access_token"]) as session:
            return dict(session.get("/auth/me").json())


def refusal(office: Office) -> str:
    """Why not; the reason in the audit is compared by the caller."""
    with browser(office) as client:
        answer = come_back(client)
        assert (answer.status_code, answer.json()["error"]) == (401, "sign_in_failed")
        return str(answer.json()["detail"])


def test_a_person_signs_in(office: Office, person: str) -> None:
    found = signed_in(office)
    assert (found["username"], found["role"], found["auth_source"]) == (person, "uploader", "oidc")
    assert (found["full_name"], found["email"]) == ("Olga Örn", f"{person}@example.org")
    made = office.audited("USER_CREATE")[0]["detail"]
    assert (made["auth_source"], made["subject"]) == ("oidc", f"subject of {person}")
    assert office.audited("LOGIN")[0]["detail"] == {"auth_source": "oidc"}


def test_the_request_to_the_provider_has_all_that_protects_it(office: Office, provider: IdentityProvider) -> None:
    with browser(office) as client:
        begun = client.get("/auth/oidc/login")
        query = {name: values[0] for name, values in parse_qs(urlsplit(begun.headers["location"]).query).items()}
        assert query["redirect_uri"] == f"{office.server.url}/auth/oidc/callback"
        assert (query["code_challenge_method"], len(query["code_challenge"])) == ("S256", 43)
        assert min(len(query["state"]), len(query["nonce"])) >= 43
        cookie = begun.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        for secret in (query["state"], query["nonce"]):
            assert secret not in begun.headers["set-cookie"]
        landed = client.get(httpx2.get(begun.headers["location"]).headers["location"])
        assert urlsplit(landed.headers["location"]).query == ""
        assert "eyJ" not in landed.headers["location"]


def test_a_program_that_follows_the_redirects_gets_json(office: Office, person: str) -> None:
    with browser(office) as client:
        answer = come_back(client, accept="application/json")
        assert answer.status_code == 200, answer.text
        with office.bearing(answer.json()["access_token"]) as session:
            assert session.get("/auth/me").json()["username"] == person


def test_a_code_is_good_once_and_in_its_browser_only(office: Office) -> None:
    with browser(office) as client, browser(office) as other:
        landed = come_back(client)
        assert take(other, landed).status_code == 401
        assert take(client, landed).status_code == 401
        landed = come_back(client)
        assert take(client, landed).status_code == 200
        assert take(client, landed).status_code == 401
        form = client.post("/auth/oidc/session", content=b'{"code": "x"}', headers={"content-type": "text/plain"})
        assert form.status_code == 400


def test_an_answer_is_taken_by_the_browser_that_asked(office: Office) -> None:
    with browser(office) as client, browser(office) as other:
        there = httpx2.get(client.get("/auth/oidc/login").headers["location"]).headers["location"]
        assert other.get(there).status_code == 401
        other.get("/auth/oidc/login")
        assert other.get(there).status_code == 401
        assert client.get(f"{there}x").status_code == 401
        assert client.get(there).status_code == 302
        assert client.get(there).status_code == 401
        assert client.get("/auth/oidc/callback", params={"error": "access_denied"}).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"aud": [CLIENT_ID, "another"]},
        {"azp": "another"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_000_000_000},
        {"iat": 90_000_000_000, "exp": 90_000_000_300},
        {"sub": ""},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    office: Office, provider: IdentityProvider, changes: dict[str, Any]
) -> None:
    provider.id_token_changes = changes
    assert "not accepted" in refusal(office)


def test_several_audiences_with_us_as_the_party(office: Office, provider: IdentityProvider) -> None:
    provider.id_token_changes = {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}
    assert signed_in(office)["role"] == "uploader"


def test_a_role_is_as_the_groups_are_at_each_sign_in(office: Office, provider: IdentityProvider, person: str) -> None:
    assert signed_in(office)["role"] == "uploader"
    provider.person["groups"] = ["chiefs"]
    assert signed_in(office)["role"] == "admin"
    with browser(office) as client, office.bearing(take(client, come_back(client)).json()["access_token"]) as session:
        provider.person["groups"] = ["Uploaders"]
        assert "no role" in refusal(office) or "none of your groups" in refusal(office)
        assert office.audited("LOGIN")[0]["detail"]["reason"] == "no_role"
        assert status_of(session) == 401
    configure(office, provider, default_role="viewer")
    assert signed_in(office)["role"] == "reader"


def test_groups_of_the_userinfo_and_of_a_path(office: Office, provider: IdentityProvider) -> None:
    del provider.person["groups"]
    provider.userinfo = {"groups": "uploaders"}
    assert signed_in(office)["role"] == "uploader"
    provider.userinfo = {"sub": "somebody else", "groups": ["chiefs"]}
    refusal(office)
    provider.person["realm_access"] = {"roles": ["chiefs"]}
    configure(office, provider, groups_claim="realm_access.roles")
    assert signed_in(office)["role"] == "admin"


def test_an_account_belongs_to_the_subject_and_to_nothing_else(
    office: Office, provider: IdentityProvider, person: str
) -> None:
    assert signed_in(office)["username"] == person
    provider.person |= {"preferred_username": "renamed", "email": "new@example.org"}
    found = signed_in(office)
    assert (found["username"], found["email"]) == (person, "new@example.org")
    provider.person |= {"sub": "somebody else", "preferred_username": person}
    assert "belongs to another account" in refusal(office)
    provider.person["preferred_username"] = f"{person.upper()}@elsewhere.example"
    assert "belongs to another account" in refusal(office)


def test_a_local_account_is_never_taken_over(office: Office, provider: IdentityProvider) -> None:
    local = office.hire(role="admin", email="boss@example.org")
    provider.person |= {"email": "boss@example.org", "email_verified": True}
    assert signed_in(office)["username"] != local
    provider.person |= {"sub": f"claims to be {local}", "preferred_username": local}
    assert "belongs to another account" in refusal(office)
    assert office.audited("LOGIN")[0]["detail"]["reason"] == "name_taken"
    provider.person["preferred_username"] = "system"
    assert "cannot be used" in refusal(office)


def test_an_account_that_is_switched_off_stays_off(office: Office, person: str) -> None:
    signed_in(office)
    assert office.admin.patch(f"/auth/users/{person}", json={"active": False}).status_code == 200
    assert "switched off" in refusal(office)


def test_such_an_account_has_no_password(office: Office, person: str) -> None:
    signed_in(office)
    for password in ("", "a password that nobody has", "SecurePass1!"):
        assert office.sign_in(person, password).status_code == 401
    reset = office.admin.post(f"/auth/users/{person}/reset-password", json={"new_password": "Other-pass1"})
    assert (reset.status_code, "identity provider" in reset.json()["detail"]) == (400, True)


@pytest.mark.parametrize("trouble", ["redirects", "is endless", "another issuer", "gone"])
def test_a_provider_that_makes_trouble(office: Office, trouble: str) -> None:
    with running_provider() as other:
        configure(office, other)
        other.trouble = trouble
        other.discovery_changes = {"issuer": "https://elsewhere.example"} if trouble == "another issuer" else {}
        if trouble == "gone":
            configure(office, other, issuer="http://127.0.0.1:1")
        with browser(office) as client:
            assert client.get("/auth/oidc/login").status_code == 503


def test_switched_off_there_is_no_such_door(office: Office, provider: IdentityProvider) -> None:
    configure(office, provider, enabled=False)
    with browser(office) as client:
        assert client.get("/auth/oidc/login").status_code == 400
        assert client.get("/auth/oidc/callback", params={"code": "x", "state": "x"}).status_code == 401


def test_nothing_secret_is_written_down(office: Office, provider: IdentityProvider) -> None:
    with browser(office) as client:
        answer = take(client, come_back(client))
    log = office.server.log.read_text(errors="replace")
    for secret in (answer.json()["access_token"], CLIENT_SECRET, "eyJ"):
        assert secret not in log
    assert CLIENT_SECRET not in office.admin.get("/settings").text
