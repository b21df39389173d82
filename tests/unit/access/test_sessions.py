"""Sessions and API tokens over time, with a clock that is moved by hand."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.address import source_of
from entrepot.errors import NotSignedIn, PermissionDenied, SignInFailed, TooManyAttempts
from entrepot.services.access import Access, Session
from entrepot.services.access.api_tokens import NewApiToken
from entrepot.services.access.first import NewAccount
from entrepot.services.access.tokens import SessionClaims, SessionTokens
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation

PASSWORD = "SecurePass1!"
HERE, THERE = "192.0.2.1", "192.0.2.2"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOKENS = SessionTokens(bytes(32), timedelta(hours=1))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MemoryInstallation]:
    """With an administrator named like the actor of the tests."""
    with memory_installation(tmp_path, works=False) as found:
        found.application.access.prepare("admin", PASSWORD)
        yield found


def sign_in(access: Access, username: str, password: str, address: str) -> Session:
    """Without a second factor."""
    opened = access.sign_in(username, password, address)
    assert isinstance(opened, Session)
    return opened


def test_a_session_ends_when_its_time_is_over(house: MemoryInstallation) -> None:
    access = house.application.access
    session = sign_in(access, "admin", PASSWORD, HERE)
    assert session.expires_in_seconds == 3600
    house.clock.advance(seconds=3599)
    assert access.authenticate(session.token, THERE) == Actor("admin", frozenset({Role.ADMIN}), THERE)
    house.clock.advance(seconds=1)
    with pytest.raises(NotSignedIn):
        access.authenticate(session.token, HERE)


def test_a_session_can_be_refreshed_for_thirty_days(tmp_path: Path) -> None:
    with memory_installation(tmp_path, works=False, jwt_expire_minutes=60 * 24 * 20) as house:
        access = house.application.access
        access.prepare("admin", PASSWORD)
        credential = sign_in(access, "admin", PASSWORD, HERE).token
        for _ in range(2):
            house.clock.advance(days=15)
            credential = access.refresh(access.authenticate(credential, HERE), credential).token
        house.clock.advance(seconds=1)
        with pytest.raises(NotSignedIn, match="30 days"):
            access.refresh(access.authenticate(credential, HERE), credential)


def test_an_ended_session_is_not_refreshed_by_whoever_was_recognised_before(house: MemoryInstallation) -> None:
    access = house.application.access
    credential = sign_in(access, "admin", PASSWORD, HERE).token
    actor = access.authenticate(credential, HERE)
    house.application.users.reset_password(ADMIN, "admin", "TempPass9!")
    with pytest.raises(NotSignedIn):
        access.refresh(actor, credential)


def test_a_token_expires_and_sessions_with_it(house: MemoryInstallation) -> None:
    access, tokens = house.application.access, house.application.api_tokens
    new = NewApiToken("ci", frozenset({Role.UPLOADER}), expires_days=1)
    _, secret = tokens.create(ADMIN, new)
    house.clock.advance(hours=23, minutes=30)
    session = sign_in(access, "anybody", secret, HERE)
    assert session.expires_in_seconds == 1800
    house.clock.advance(minutes=29, seconds=59)
    for credential in (secret, session.token):
        actor = access.authenticate(credential, HERE)
        assert (actor.name, actor.owner, actor.roles) == ("token:ci", "admin", frozenset({Role.UPLOADER}))
    house.clock.advance(seconds=1)
    for credential in (secret, session.token):
        with pytest.raises(NotSignedIn):
            access.authenticate(credential, HERE)
    with pytest.raises(SignInFailed):
        sign_in(access, "anybody", secret, HERE)
    # Nobody has to revoke what is over before the name can be used again.
    assert tokens.create(ADMIN, new)[0].name == "ci"
    assert [token.revoked_at is None for token in tokens.all(ADMIN)] == [True, False]


def test_the_use_of_a_token_is_noted_once_a_minute(house: MemoryInstallation) -> None:
    access, tokens = house.application.access, house.application.api_tokens
    _, secret = tokens.create(ADMIN, NewApiToken("ci", frozenset({Role.UPLOADER})))
    noted = []
    for seconds in (0, 1, 58, 1, 59, 1):
        house.clock.advance(seconds=seconds)
        access.authenticate(secret, HERE)
        noted.append(tokens.all(ADMIN)[0].last_used)
    start = house.clock.now() - timedelta(seconds=120)
    assert noted == [start + timedelta(seconds=past) for past in (0, 0, 0, 60, 60, 120)]


def test_a_token_cannot_be_above_its_maker(house: MemoryInstallation) -> None:
    # Only administrators may make tokens today; the rule does not rest on that.
    bound = Actor("rita", frozenset({Role.ADMIN}), scope=frozenset({"main/jammy"}))
    for actor in (bound, Actor("rita", frozenset({Role.MAINTAINER}))):
        with pytest.raises(PermissionDenied):
            house.application.api_tokens.create(actor, NewApiToken("ci", frozenset({Role.READER})))


def test_a_lock_opens_by_itself_and_counts_anew(house: MemoryInstallation) -> None:
    access = house.application.access

    def fail() -> None:
        with pytest.raises(SignInFailed):
            sign_in(access, "admin", "Wrong-password-1", HERE)

    for _ in range(5):
        fail()
    with pytest.raises(TooManyAttempts) as refused:
        sign_in(access, "admin", PASSWORD, HERE)
    assert refused.value.facts == {"retry_after": 901, "limit": "5 failures"}
    assert sign_in(access, "admin", PASSWORD, THERE).token
    house.clock.advance(seconds=901)
    for _ in range(4):
        fail()
    # Success forgets the failures.
    sign_in(access, "admin", PASSWORD, HERE)
    for _ in range(4):
        fail()


def test_an_address_has_ten_attempts_in_a_minute_whatever_the_name(house: MemoryInstallation) -> None:
    limits = house.application.limits
    for _ in range(10):
        limits.use(HERE, ("auth_token",)).demand()
    refused = limits.use(HERE, ("auth_token",))
    with pytest.raises(TooManyAttempts) as error:
        refused.demand()
    # The window slides: one comes free after each tenth of the next minute.
    assert error.value.facts == {"retry_after": 66, "limit": "10/minute"}
    limits.use(THERE, ("auth_token",)).demand()
    house.clock.advance(seconds=66)
    limits.use(HERE, ("auth_token",)).demand()
    assert limits.use(HERE, ("auth_token",)).wait_seconds == 6


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::"),
        ("2001:db8:1:3::9", "2001:db8:1:3::"),
    ],
)
def test_a_network_that_one_subscriber_has_is_one_source(address: str, source: str) -> None:
    assert source_of(address) == source
    assert len({source_of(""), source_of("testclient"), source_of("x" * 5000)}) == 3
    assert len(source_of("x" * 5000)) <= 64


def test_a_session_of_somebody_removed_does_not_fit_a_successor(house: MemoryInstallation) -> None:
    access, users = house.application.access, house.application.users
    new = NewAccount("rita", PASSWORD, frozenset({Role.READER}))
    users.create(ADMIN, new)
    credential = sign_in(access, "rita", PASSWORD, HERE).token
    users.remove(ADMIN, "rita")
    users.create(ADMIN, new)
    with pytest.raises(NotSignedIn):
        access.authenticate(credential, HERE)


def test_what_failed_is_written_down_without_what_was_typed(house: MemoryInstallation) -> None:
    access = house.application.access
    for name in ("admin", "My-Secret-1"):
        with pytest.raises(SignInFailed):
            sign_in(access, name, "Wrong-password-1", HERE)
    with house.catalog.read() as reading:
        entries = reading.audit_entries(2)
    assert [(entry.action, entry.result, entry.actor.name) for entry in entries] == [
        ("LOGIN", "FAILURE", "(unknown)"),
        ("LOGIN", "FAILURE", "admin"),
    ]


def with_claims(token: str, **changes: object) -> str:
    """Other claims under the same signature."""
    head, body, signature = token.split(".")
    claims = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4))) | changes
    return f"{head}.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{signature}"


def test_claims_come_back_as_they_were_issued() -> None:
    for claims in (SessionClaims("rita", 7), SessionClaims("rita", 0, "sid", "tok_1", NOW - timedelta(days=3))):
        found = TOKENS.read(TOKENS.issue(claims, NOW), NOW)
        assert (found.username, found.epoch, found.session) == (claims.username, claims.epoch, claims.session)
        assert (found.api_token, found.since) == (claims.api_token, claims.since or NOW)


@pytest.mark.parametrize("changes", [{"sub": "admin"}, {"epoch": 8}, {"exp": 2**40}, {"tok": "tok_1"}, {"sid": "s"}])
def test_changed_claims_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(NotSignedIn):
        TOKENS.read(with_claims(TOKENS.issue(SessionClaims("rita", 7), NOW), **changes), NOW)


@settings(deadline=None)
@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*", fullmatch=True))
def test_garbage_is_refused_with_our_own_error(garbage: str) -> None:
    with pytest.raises(NotSignedIn):
        TOKENS.read(garbage, NOW)
