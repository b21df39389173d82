"""CI jobs exchange the token of their platform: which get in, what they may do, and when it ends."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, RSAKey
from tests.contract.people import Office, open_office, status_of

from entrepot.testing.identity_provider import IdentityProvider, running_provider
from entrepot.testing.packages import build_deb

pytestmark = pytest.mark.xdist_group("token exchange")
AUDIENCE = "https://packages.example"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with running_provider() as found:
        yield found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("exchange")) as found:
        limit = {"rate_limits": {"token_exchange": "1000000/minute", "upload": "1000000/minute"}}
        assert found.admin.patch("/settings", json=limit).status_code == 200
        yield found


def workload(provider: IdentityProvider, **fields: Any) -> dict[str, Any]:
    return {
        "name": "acme-main",
        "issuer": provider.url,
        "audience": AUDIENCE,
        "claims": {"repository": "acme/*", "ref": "refs/heads/main"},
        "role": "uploader",
        "distributions": ["jammy"],
        "lifetime_minutes": 5,
        **fields,
    }


def trust(office: Office, *workloads: dict[str, Any]) -> None:
    answer = office.admin.patch("/settings", json={"trusted_workloads": list(workloads)})
    assert answer.status_code == 200, answer.text


@pytest.fixture(autouse=True)
def trusted(office: Office, provider: IdentityProvider) -> None:
    """One workload, at the beginning of every test."""
    provider.trouble = ""
    trust(office, workload(provider))


def exchange(office: Office, token: str, **fields: Any) -> httpx2.Response:
    return httpx2.post(f"{office.server.url}/auth/token-exchange", json={"subject_token": token, **fields}, timeout=60)


def session(office: Office, token: str) -> str:
    answer = exchange(office, token)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def push(client: httpx2.Client, name: str, distribution: str) -> httpx2.Response:
    file = {"file": (f"{name}_1.0_all.deb", build_deb(name, "1.0"))}
    return client.post("/upload/", files=file, data={"distribution": distribution})


def test_a_job_pushes_to_its_distribution_and_to_no_other(office: Office, provider: IdentityProvider) -> None:
    answer = exchange(office, provider.github(AUDIENCE))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    name = "ci:acme-main:repo:acme/app:ref:refs/heads/main"
    assert (found["username"], found["role"], found["distributions"]) == (name, "uploader", ["jammy"])
    assert (found["token_type"], found["expires_in"]) == ("bearer", 300)
    with office.bearing(found["access_token"]) as job:
        published = push(job, "from-ci", "jammy")
        assert published.status_code == 201, published.text
        other = push(job, "from-ci-too", "noble")
        assert (other.status_code, other.json()["error"]) == (403, "permission_denied")
        me = job.get("/auth/me").json()
        assert (me["username"], me["auth_source"], me["distributions"]) == (name, "workload", ["jammy"])
        assert job.get("/auth/users").status_code == 403
        assert job.post("/auth/refresh").status_code == 403
        change = {"current_password": "x", "new_password": "Other-pass1"}
        assert job.post("/auth/change-password", json=change).status_code == 403
    assert office.audited("UPLOAD")[0]["user"] == name


def test_each_exchange_is_audited_with_what_the_job_was(office: Office, provider: IdentityProvider) -> None:
    token = provider.github(AUDIENCE)
    session(office, token)
    session(office, token)
    entries = office.audited("TOKEN_EXCHANGE")[:2]
    assert {entry["result"] for entry in entries} == {"SUCCESS"}
    claims = entries[0]["detail"]["claims"]
    assert (claims["repository"], claims["ref"], claims["workflow"]) == ("acme/app", "refs/heads/main", "release")
    assert (claims["run_id"], claims["actor"]) == ("1234567890", "octocat")
    assert token not in json.dumps(entries)


def test_a_form_as_oauth_has_it(office: Office, provider: IdentityProvider) -> None:
    form = {
        "grant_type": GRANT,
        "subject_token": provider.github(AUDIENCE),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }
    answer = httpx2.post(f"{office.server.url}/api/v1/auth/token-exchange/", data=form, timeout=60)
    assert answer.status_code == 200, answer.text
    assert exchange(office, "x", grant_type="password").status_code == 400
    assert exchange(office, "x", subject_token_type="saml2").status_code == 400
    assert httpx2.post(f"{office.server.url}/auth/token-exchange", json={}).status_code == 422


def test_a_job_of_the_other_platform(office: Office, provider: IdentityProvider) -> None:
    claims = {"project_path": "acme/*", "ref_protected": "true"}
    trust(office, workload(provider), workload(provider, name="gitlab", claims=claims, distributions=[]))
    found = exchange(office, provider.gitlab(AUDIENCE)).json()
    assert (found["username"].split(":")[1], found["distributions"]) == ("gitlab", None)
    with office.bearing(found["access_token"]) as job:
        assert push(job, "from-gitlab", "noble").status_code == 201
    assert exchange(office, provider.gitlab(AUDIENCE, ref_protected="false")).status_code == 401


def test_the_first_workload_that_fits_decides(office: Office, provider: IdentityProvider) -> None:
    wide = workload(provider, name="wide", claims={"repository": "acme/*"}, role="reader")
    trust(office, workload(provider), wide)
    assert exchange(office, provider.github(AUDIENCE)).json()["role"] == "uploader"
    assert exchange(office, provider.github(AUDIENCE, ref="refs/heads/topic")).json()["role"] == "reader"


STRANGER = RSAKey.generate_key(2048, {"kid": "stranger"})
Make = Callable[[IdentityProvider], str]
BAD: dict[str, Make] = {
    "other repository": lambda p: p.github(AUDIENCE, "evil/app"),
    "repository alike": lambda p: p.github(AUDIENCE, "acme-evil/app"),
    "other branch": lambda p: p.github(AUDIENCE, ref="refs/heads/topic"),
    "wrong audience": lambda p: p.github("https://elsewhere.example"),
    "claim gone": lambda p: p.sign(p.claims(AUDIENCE, "s", repository="acme/app")),
    "expired": lambda p: p.github(AUDIENCE, iat=int(time.time()) - 900, exp=int(time.time()) - 60),
    "from the future": lambda p: p.github(AUDIENCE, iat=int(time.time()) + 600, exp=int(time.time()) + 900),
    "not yet": lambda p: p.github(AUDIENCE, nbf=int(time.time()) + 600),
    "no end": lambda p: p.github(AUDIENCE, exp=None),
    "end is text": lambda p: p.github(AUDIENCE, exp="tomorrow"),
    "no subject": lambda p: p.github(AUDIENCE, sub=""),
    "other issuer": lambda p: p.github(AUDIENCE, iss="https://token.actions.githubusercontent.com"),
    "issuer alike": lambda p: p.github(AUDIENCE, iss=f"{p.url}/"),
    "foreign key": lambda p: p.sign(p.claims(AUDIENCE, "s", repository="acme/a", ref="refs/heads/main"), STRANGER),
    "foreign key, known id": lambda p: p.sign(
        p.claims(AUDIENCE, "s", repository="acme/a", ref="refs/heads/main"), STRANGER, kid=p.key.kid
    ),
    "key in the header": lambda p: p.sign(
        p.claims(AUDIENCE, "s", repository="acme/a", ref="refs/heads/main"),
        STRANGER,
        jwk=STRANGER.as_dict(private=False),
    ),
    "algorithm none": lambda p: p.unsigned(p.claims(AUDIENCE, "s", repository="acme/a", ref="refs/heads/main")),
    "public key as secret": lambda p: p.signed_with_public_key(
        p.claims(AUDIENCE, "s", repository="acme/a", ref="refs/heads/main")
    ),
    "other algorithm than the key's": lambda p: p.sign(
        p.claims(AUDIENCE, "s", repository="acme/a", ref="refs/heads/main"),
        RSAKey.import_key(p.key.as_dict(private=True) | {"alg": "RS512"}),
        "RS512",
    ),
    "changed": lambda p: p.github(AUDIENCE)[:-4] + "AAAA",
    "no JWT": lambda _: "garbage",
    "dots": lambda _: "..",
    "not ASCII": lambda _: "é.é.é",
    "long": lambda _: "x" * 16_000 + ".x.x",
}


@pytest.mark.parametrize("what", BAD)
def test_what_does_not_fit_is_refused_without_a_hint(office: Office, provider: IdentityProvider, what: str) -> None:
    refused = exchange(office, BAD[what](provider))
    assert refused.status_code == 401, refused.text
    assert refused.json()["error"] == "sign_in_failed"
    assert "acme" not in refused.text
    assert office.audited("TOKEN_EXCHANGE")[0]["result"] == "FAILURE"


def test_which_workloads_were_considered_is_in_the_log_only(office: Office, provider: IdentityProvider) -> None:
    exchange(office, provider.github(AUDIENCE, "evil/app"))
    log = office.server.log.read_text(errors="replace")
    assert "workload.none_fits" in log
    assert "acme-main" in log


def test_a_session_ends_with_the_trust(office: Office, provider: IdentityProvider) -> None:
    with office.bearing(session(office, provider.github(AUDIENCE))) as job:
        assert status_of(job) == 200
        trust(office, workload(provider, role="reader", distributions=["noble"]))
        assert (job.get("/auth/me").json()["role"], push(job, "late", "jammy").status_code) == ("reader", 403)
        trust(office, workload(provider, claims={"repository": "acme/other"}))
        assert status_of(job) == 401
        trust(office, workload(provider, name="renamed"))
        assert status_of(job) == 401
        trust(office)
        assert status_of(job) == 401
        trust(office, workload(provider))
        assert status_of(job) == 200
        assert job.post("/auth/logout").status_code == 200
        assert status_of(job) == 401


def test_a_new_key_of_the_issuer_is_found_at_once_and_the_old_one_forgotten(office: Office) -> None:
    with running_provider() as other:
        trust(office, workload(other))
        session(office, other.github(AUDIENCE))
        old = other.github(AUDIENCE)
        other.rotate()
        session(office, other.github(AUDIENCE))
        assert exchange(office, old).status_code == 401
        # Nobody makes us ask the issuer again and again.
        before = len(other.requests)
        for _ in range(5):
            assert exchange(office, BAD["foreign key"](other)).status_code == 401
        assert len(other.requests) == before


def test_elliptic_keys_and_keys_without_an_id(office: Office) -> None:
    with running_provider() as other:
        made = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=False)
        other.keys = [made]
        trust(office, workload(other))
        claims = other.claims(AUDIENCE, "s", repository="acme/a", ref="refs/heads/main")
        assert exchange(office, other.sign(claims, algorithm="ES256")).status_code == 200


@pytest.mark.parametrize("trouble", ["redirects", "is endless", "another issuer", "shared secrets", "weak key"])
def test_an_issuer_that_makes_trouble_is_not_believed(office: Office, trouble: str) -> None:
    with running_provider() as other:
        trust(office, workload(other))
        token = other.github(AUDIENCE)
        other.trouble = trouble
        if trouble == "another issuer":
            other.discovery_changes = {"issuer": "https://elsewhere.example"}
        if trouble == "shared secrets":
            other.discovery_changes = {"jwks_uri": "http://elsewhere.example/jwks"}
        if trouble == "weak key":
            with warnings.catch_warnings(action="ignore"):
                other.keys = [RSAKey.generate_key(1024, {"kid": "weak"})]
                token = other.github(AUDIENCE)
        answer = exchange(office, token)
        assert answer.status_code == (401 if trouble == "weak key" else 503), answer.text
        assert other.url not in answer.text or trouble == "another issuer"


def test_an_issuer_that_hangs_is_waited_for_a_while_only(office: Office) -> None:
    with running_provider() as other:
        trust(office, workload(other))
        token = other.github(AUDIENCE)
        other.trouble = "hangs"
        answer = exchange(office, token)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": "with blank"}, "name"),
        ({"issuer": "http://ci.example"}, "issuer"),
        ({"issuer": "https://user@ci.example"}, "issuer"),
        ({"issuer": ""}, "issuer"),
        ({"audience": ""}, "audience"),
        ({"claims": {}}, "claims"),
        ({"claims": {"repository": "*"}}, "claims"),
        ({"role": "admin"}, "role"),
        ({"role": "king"}, "role"),
        ({"issuer": "https://gitlab.com", "claims": {"ref": "main"}}, "everybody"),
        ({"issuer": "https://gitlab.com", "claims": {"project_path": "acm*"}}, "everybody"),
    ],
)
def test_trust_that_is_too_wide_is_not_taken(
    office: Office, provider: IdentityProvider, fields: dict[str, Any], named: str
) -> None:
    answer = office.admin.patch("/settings", json={"trusted_workloads": [workload(provider, **fields)]})
    assert answer.status_code == 400, answer.text
    assert named in answer.text
    good = workload(provider, issuer="https://gitlab.com", claims={"project_path": "acme/*"})
    assert office.admin.patch("/settings", json={"trusted_workloads": [good]}).status_code == 200
    twice = office.admin.patch("/settings", json={"trusted_workloads": [good, good]})
    assert (twice.status_code, "same name" in twice.text) == (400, True)


def test_no_token_is_written_down(office: Office, provider: IdentityProvider, tmp_path: Path) -> None:
    token = provider.github(AUDIENCE)
    opened = session(office, token)
    log = office.server.log.read_text(errors="replace")
    for secret in (token, opened, token.rpartition(".")[2]):
        assert secret not in log
