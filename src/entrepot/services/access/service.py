"""Sign-in, sessions and the first administrator."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import AuditEntry, Catalog, Reading, Writing
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyExists, InvalidRequest, NotSignedIn, PermissionDenied, SignInFailed, TooManyAttempts
from entrepot.services.access.passwords import check_rule, fits, hash_password
from entrepot.services.access.tokens import SessionClaims, SessionTokens

_USERNAME = re.compile(r"[A-Za-z0-9._-]{3,64}\Z")
_SETUP = "setup"
_ATTEMPTS_PER_MINUTE = 10
_FAILURES_UNTIL_LOCK = 5
_LOCK_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in session."""

    token: str
    expires_in_seconds: int


@dataclass(frozen=True, slots=True)
class SetupState:
    """Whether the first administrator exists; ``token`` opens the one-time set-up and is shown once, locally."""

    done: bool
    token: str | None = None


class Access:
    """Accounts and sessions."""

    def __init__(self, catalog: Catalog, secret: bytes, tokens: SessionTokens, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._secret = secret
        self._tokens = tokens
        self._now = now

    def prepare(self, username: str | None, password: str | None) -> SetupState:
        """At start: create the first administrator from the settings, or make a set-up link possible.

        Never overwrites an account.  Until set-up is done, every start makes a new token and forgets the old one.
        """
        with self._catalog.read() as reading:
            if self._done(reading):
                return SetupState(done=True)
        if username and password:
            self._create_first(username, password, Actor(username, frozenset({Role.ADMIN})), "", "")
            return SetupState(done=True)
        token = secrets.token_urlsafe(24)
        with self._catalog.write() as unit:
            unit.set_fact(_SETUP, {"done": False, "token": self._token_hash(token)})
        return SetupState(done=False, token=token)

    def _done(self, reading: Reading) -> bool:
        state = reading.fact(_SETUP)
        return isinstance(state, dict) and state.get("done") is True

    def _token_hash(self, token: str) -> str:
        return hmac.new(self._secret, b"setup\0" + token.encode(), hashlib.sha256).hexdigest()

    def setup_done(self) -> bool:
        """Whether an administrator was ever created."""
        with self._catalog.read() as reading:
            return self._done(reading)

    def set_up(self, token: str, username: str, password: str, email: str, full_name: str, address: str) -> Session:
        """Create the first administrator with the one-time token and sign them in.

        Raises:
            AlreadyExists: set-up was done; it never opens again.
            PermissionDenied: the token is not the one of this start.
            InvalidRequest, WeakPassword: name or password break the rule.
        """
        self._slow_down(f"setup/{address}")
        with self._catalog.read() as reading:
            if self._done(reading):
                raise AlreadyExists("set-up is done already; sign in instead")
            state = cast("dict[str, str]", reading.fact(_SETUP) or {})
        if not hmac.compare_digest(self._token_hash(token).encode(), str(state.get("token", "")).encode()):
            raise PermissionDenied("the set-up link is not valid; restart the server to get a new one")
        self._create_first(username, password, Actor(username, frozenset({Role.ADMIN}), address), email, full_name)
        return self.sign_in(username, password, address)

    def _create_first(self, username: str, password: str, actor: Actor, email: str, full_name: str) -> None:
        if not _USERNAME.match(username):
            raise InvalidRequest("a user name has 3 to 64 letters, digits, '.', '_' or '-'")
        check_rule(password)
        hashed, now = hash_password(password), self._now()
        account = Account(
            id=0,
            username=username,
            password_hash=hashed,
            roles=frozenset({Role.ADMIN}),
            full_name=full_name,
            email=email,
            active=True,
            session_epoch=1,
            created_at=now,
            last_login=None,
        )
        with self._catalog.write() as unit:
            if self._done(unit):
                raise AlreadyExists("set-up is done already; sign in instead")
            unit.add_account(account)
            unit.set_fact(_SETUP, {"done": True})
            unit.audit(AuditEntry("USER_CREATE", "SUCCESS", actor, now, detail={"username": username, "role": "admin"}))

    def sign_in(self, username: str, password: str, address: str) -> Session:
        """A session for a name and password.

        Failures are counted by name *and* address, so that a stranger cannot lock somebody out.

        Raises:
            SignInFailed: unknown name, wrong password or inactive account, not told apart.
            TooManyAttempts: from this address, for this name or at all.
        """
        self._slow_down(f"sign-in/{address}")
        lock = f"lock/{hashlib.sha256(f'{username}/{address}'.encode()).hexdigest()}"
        with self._catalog.read() as reading:
            self._refuse_locked(reading, lock)
            account = reading.account(username)
        good = fits(account.password_hash if account else None, password)
        now = self._now()
        with self._catalog.write() as unit:
            if not good or account is None or not account.active:
                self._record_failure(unit, lock, username, address, now)
                failed = True
            else:
                unit.unthrottle(lock)
                unit.change_account(username, {"last_login": now})
                unit.audit(AuditEntry("LOGIN", "SUCCESS", Actor(username, account.roles, address), now))
                failed = False
        if failed or account is None:
            raise SignInFailed("user name or password is wrong")
        token = self._tokens.issue(SessionClaims(account.username, account.session_epoch), now)
        return Session(token, int(self._tokens.lifetime.total_seconds()))

    def _slow_down(self, key: str) -> None:
        now = self._now()
        with self._catalog.write() as unit:
            count = unit.throttle(key[:200], now, 60)
            window = unit.throttled(key[:200], now)
        if count > _ATTEMPTS_PER_MINUTE and window is not None:
            self._refuse_until(window[1], f"{_ATTEMPTS_PER_MINUTE}/minute")

    def _refuse_locked(self, reading: Reading, lock: str) -> None:
        window = reading.throttled(lock, self._now())
        if window is not None and window[0] >= _FAILURES_UNTIL_LOCK:
            self._refuse_until(window[1], f"{_FAILURES_UNTIL_LOCK} failures")

    def _refuse_until(self, until: datetime, limit: str) -> None:
        wait = max(1, int((until - self._now()).total_seconds()) + 1)
        raise TooManyAttempts(f"too many attempts; try again in {wait} s", retry_after=wait, limit=limit)

    def _record_failure(self, unit: Writing, lock: str, username: str, address: str, now: datetime) -> None:
        unit.throttle(lock, now, _LOCK_SECONDS)
        printable = "".join(char for char in username[:64] if char.isprintable())
        unit.audit(AuditEntry("LOGIN", "FAILURE", Actor(printable, frozenset(), address), now))

    def authenticate(self, token: str, address: str) -> Actor:
        """Who a bearer token stands for, with the roles in force now.

        Raises:
            NotSignedIn: the token is not valid (any more), or its account is not active.
        """
        claims = self._tokens.read(token, self._now())
        with self._catalog.read() as reading:
            account = reading.account(claims.username)
        if account is None or not account.active or account.session_epoch != claims.epoch:
            raise NotSignedIn("the session has ended; sign in again")
        return Actor(account.username, account.roles, address)

    def profile(self, actor: Actor) -> Account:
        """The account of whoever asks."""
        demand(actor, Permission.PROFILE_READ)
        with self._catalog.read() as reading:
            account = reading.account(actor.name)
        if account is None:
            raise NotSignedIn("the session has ended; sign in again")
        return account
