"""People sign in at an identity provider, as a browser does it: redirects, a cookie, a one-time code."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import pty
import re
import select
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
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


def handed_over(client: httpx2.Client, address: str) -> dict[str, str]:
    """A browser follows the address that a command line printed; what is behind the '#' of the page it ends at."""
    begun = client.get(address)
    assert begun.status_code == 302, begun.text
    landed = client.get(httpx2.get(begun.headers["location"]).headers["location"])
    where = urlsplit(landed.headers["location"])
    assert (landed.status_code, where.path, where.query) == (302, "/auth/oidc/terminal", "")
    assert client.get(where.path).status_code == 200
    return {name: values[0] for name, values in parse_qs(where.fragment).items()}


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def test_a_code_for_a_command_line_is_worth_nothing_without_its_secret(office: Office, person: str) -> None:
    verifier = "v" * 43
    address = f"/auth/oidc/login?challenge={challenge_of(verifier)}&port=1234"
    with browser(office) as client, browser(office) as terminal:
        given = handed_over(client, address)
        assert (given["user"], given["port"]) == (person, "1234")
        # Neither the browser that signed in nor another secret gets the session, and a try uses the code up.
        for holder, body in ((client, {}), (terminal, {"verifier": "w" * 43}), (terminal, {"verifier": verifier})):
            answer = holder.post("/auth/oidc/session", json={"code": given["code"], **body})
            assert answer.status_code == 401, answer.text
        given = handed_over(client, address)
        taken = terminal.post("/auth/oidc/session", json={"code": given["code"], "verifier": verifier})
        assert taken.status_code == 200, taken.text
        again = terminal.post("/auth/oidc/session", json={"code": given["code"], "verifier": verifier})
        assert again.status_code == 401
        with office.bearing(taken.json()["access_token"]) as session:
            assert session.get("/auth/me").json()["username"] == person


@pytest.mark.parametrize("query", ["challenge=short", f"challenge={'+' * 43}", f"challenge={'a' * 43}&port=70000"])
def test_a_challenge_that_is_none_is_refused(office: Office, query: str) -> None:
    with browser(office) as client:
        assert client.get(f"/auth/oidc/login?{query}").status_code == 422


@dataclass
class Signing:
    """``entrepot login --oidc`` in a terminal of its own."""

    process: subprocess.Popen[bytes]
    terminal: int
    seen: bytes = b""

    def until(self, wanted: bytes) -> str:
        """What was shown, once that was."""
        while wanted not in self.seen:
            ready, _, _ = select.select([self.terminal], [], [], 30)
            assert ready, self.seen
            self.seen += os.read(self.terminal, 65_536)
        return self.seen.decode()


@pytest.fixture
def signing(office: Office, tmp_path: Path) -> Iterator[Signing]:
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (40, 300))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "entrepot", "login", office.server.url, "--oidc", "--no-browser"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=kept | {"XDG_CONFIG_HOME": str(tmp_path), "NO_COLOR": "1"},
        start_new_session=True,
    )
    os.close(follower)
    yield Signing(process, leader)
    process.kill()
    process.wait()
    os.close(leader)


def test_a_command_line_is_signed_in_by_a_browser_on_its_machine(
    office: Office, person: str, signing: Signing, tmp_path: Path
) -> None:
    shown = signing.until(b"paste")
    address = re.search(r"http\S+", shown)
    assert address is not None
    with browser(office) as client:
        given = handed_over(client, address[0])
        assert f"these letters: {given['word']}" in shown
        door = f"http://127.0.0.1:{given['port']}/"
        assert httpx2.get(door).status_code == 404
        assert httpx2.get(door, params={"code": "x"}, headers={"Host": "rebound.example"}).status_code == 404
        assert httpx2.get(door, params={"code": given["code"]}).status_code == 200
    assert f"as {person}" in signing.until(b"signed in to")
    assert signing.process.wait(60) == 0
    assert given["code"] not in signing.seen.decode()
    assert person in (tmp_path / "entrepot/config.toml").read_text()


def test_a_command_line_elsewhere_is_signed_in_by_a_code_that_is_pasted(
    office: Office, person: str, signing: Signing
) -> None:
    address = re.search(r"http\S+", signing.until(b"paste"))
    assert address is not None
    with browser(office) as client:
        given = handed_over(client, address[0])
    os.write(signing.terminal, f"\n {given['code']} \n".encode())
    assert f"as {person}" in signing.until(b"signed in to")
    assert signing.process.wait(60) == 0


def test_the_pages_run_their_own_script_and_nothing_else(office: Office) -> None:
    with browser(office) as client:
        for path in ("/", "/auth/oidc/terminal"):
            answer = client.get(path)
            policy = answer.headers["content-security-policy"]
            (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            assert f"script-src 'sha256-{digest}'" in policy
            assert "script-src 'unsafe" not in policy
            assert policy.startswith("default-src 'none'")
            assert ("connect-src 'self'" in policy) == (path == "/")
            assert answer.headers["referrer-policy"] == "no-referrer"


def test_a_second_factor_is_for_the_provider_to_ask_for(office: Office, person: str) -> None:
    with browser(office) as client:
        token = take(client, come_back(client)).json()["access_token"]
    with office.bearing(token) as session:
        answer = session.post("/auth/mfa/setup")
        assert (answer.status_code, "identity provider" in answer.json()["detail"]) == (400, True)
