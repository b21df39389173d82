"""Sign-in at a provider over time, with a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.records import JsonValue
from entrepot.errors import NotSignedIn, SignInFailed
from entrepot.services.access.provider import Answer, Arrival
from entrepot.testing.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, running_provider
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation

HERE = "192.0.2.1"
BASE = "https://packages.example"


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with running_provider() as found:
        found.person = {"sub": "s-1", "preferred_username": "olga", "groups": ["staff"]}
        yield found


@pytest.fixture
def house(tmp_path: Path, provider: IdentityProvider) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path, works=False) as found:
        found.application.access.prepare("admin", "SecurePass1!")
        section: dict[str, JsonValue] = {
            "enabled": True,
            "issuer": provider.url,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "group_role_map": {"staff": "reader"},
        }
        found.application.configurations.change(ADMIN, {"oidc": section})
        yield found


def answered(url: str) -> Answer:
    """What the provider has the browser bring."""
    there = urlsplit(httpx2.get(url).headers["location"])
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{BASE}/auth/oidc/callback"
    given = parse_qs(there.query)
    return Answer(given["code"][0], given["state"][0])


def signed_in(house: MemoryInstallation, provider: IdentityProvider, *, later_seconds: int = 0) -> Account:
    begun = house.application.provider.begin(BASE)
    answer = answered(begun.url)
    house.clock.advance(seconds=later_seconds)
    now = int(house.application.now().timestamp())
    provider.id_token_changes = {"iat": now, "nbf": now, "exp": now + 60}
    arrival = house.application.provider.finish(begun.pending, answer, HERE)
    assert arrival.base == BASE
    return arrival.account


def test_there_are_ten_minutes_for_the_way_to_the_provider(
    house: MemoryInstallation, provider: IdentityProvider
) -> None:
    assert signed_in(house, provider, later_seconds=599).username == "olga"
    with pytest.raises(SignInFailed, match="begin again"):
        signed_in(house, provider, later_seconds=600)


def test_a_code_is_good_for_a_minute(house: MemoryInstallation, provider: IdentityProvider) -> None:
    account = signed_in(house, provider)
    landing = house.application.provider.land(Arrival(account, BASE))
    house.clock.advance(seconds=59)
    session = house.application.provider.take(landing.code, landing.browser, HERE)
    assert house.application.access.authenticate(session.token, HERE).name == "olga"
    late = house.application.provider.land(Arrival(account, BASE))
    house.clock.advance(seconds=60)
    with pytest.raises(SignInFailed, match="begin again"):
        house.application.provider.take(late.code, late.browser, HERE)


def test_a_session_goes_on_for_twelve_hours(house: MemoryInstallation, provider: IdentityProvider) -> None:
    access = house.application.access
    credential = house.application.provider.open(signed_in(house, provider), HERE).token
    for _ in range(13):
        house.clock.advance(minutes=55)
        credential = access.refresh(access.authenticate(credential, HERE), credential).token
    house.clock.advance(minutes=10)
    with pytest.raises(NotSignedIn, match="12 hours"):
        access.refresh(access.authenticate(credential, HERE), credential)


def test_keys_are_used_for_an_hour_while_the_issuer_is_away(
    house: MemoryInstallation, provider: IdentityProvider
) -> None:
    signed_in(house, provider)
    house.clock.advance(minutes=50)
    provider.trouble = "redirects"
    try:
        assert house.application.provider.begin(BASE).url.startswith(f"{provider.url}/authorize?")
        house.clock.advance(minutes=11)
        with pytest.raises(Exception, match="identity provider"):
            house.application.provider.begin(BASE)
    finally:
        provider.trouble = ""
