"""The first administrator: from the settings, or with a one-time token; never again."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.domain.model.actor import Actor, Role
from entrepot.errors import AlreadyExists, PermissionDenied
from entrepot.services.access.passwords import check_rule, hash_password
from entrepot.services.access.rules import check_email, check_full_name, check_username

_SETUP = "setup"
_DONE = "set-up is done already; sign in instead"


@dataclass(frozen=True, slots=True)
class SetupState:
    """Whether the first administrator exists; ``token`` opens the one-time set-up and is shown once, locally."""

    done: bool
    token: str | None = None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What is asked for an account."""

    username: str
    password: str
    roles: frozenset[Role]
    full_name: str = ""
    email: str = ""
    custom: frozenset[str] = frozenset()

    def check(self) -> None:
        """Raises ``InvalidRequest``, ``WeakPassword`` or ``AlreadyExists`` (the name is the program's own)."""
        check_username(self.username)
        check_full_name(self.full_name)
        check_email(self.email)
        check_rule(self.password)

    def account(self, now: datetime) -> Account:
        """As it is stored; hashing takes its time, so not inside a unit."""
        return Account(
            id=0,
            username=self.username,
            password_hash=hash_password(self.password),
            roles=self.roles,
            full_name=self.full_name,
            email=self.email,
            active=True,
            # Not 1: a session of an account of this name that was removed must not fit.
            session_epoch=secrets.randbelow(1 << 30),
            created_at=now,
            last_login=None,
        )


class FirstAdministrator:
    """That it exists is a stored fact and does not depend on who has an account now."""

    def __init__(self, catalog: Catalog, secret: bytes, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._secret = secret
        self._now = now

    def exists(self) -> bool:
        """Whether there ever was one."""
        with self._catalog.read() as reading:
            return _done(reading)

    def prepare(self, username: str | None, password: str | None) -> SetupState:
        """At start: create it, or make a new one-time token and forget the old one."""
        if self.exists():
            return SetupState(done=True)
        if username and password:
            self._create(NewAccount(username, password, frozenset({Role.ADMIN})), "")
            return SetupState(done=True)
        token = secrets.token_urlsafe(24)
        with self._catalog.write() as unit:
            unit.set_fact(_SETUP, {"done": False, "token": self._hash(token)})
        return SetupState(done=False, token=token)

    def create(self, token: str, new: NewAccount, address: str) -> None:
        """With the token of this start.

        Raises:
            AlreadyExists: it was done; it never opens again.
            PermissionDenied: the token is not the one of this start.
            InvalidRequest, WeakPassword: name or password break the rule.
        """
        with self._catalog.read() as reading:
            if _done(reading):
                raise AlreadyExists(_DONE)
            state = cast("dict[str, str]", reading.fact(_SETUP) or {})
        if not hmac.compare_digest(self._hash(token).encode(), str(state.get("token", "")).encode()):
            raise PermissionDenied("the set-up link is not valid; restart the server to get a new one")
        self._create(new, address)

    def _create(self, new: NewAccount, address: str) -> None:
        new.check()
        account = new.account(self._now())
        actor = Actor(new.username, new.roles, address)
        with self._catalog.write() as unit:
            unit.hold_accounts()
            if _done(unit):
                raise AlreadyExists(_DONE)
            unit.add_account(account)
            unit.set_fact(_SETUP, {"done": True})
            detail = {"username": new.username, "role": Role.ADMIN.value}
            unit.audit(AuditEntry("USER_CREATE", "SUCCESS", actor, account.created_at, detail=detail))

    def _hash(self, token: str) -> str:
        return hmac.new(self._secret, b"setup\0" + token.encode(), hashlib.sha256).hexdigest()


def _done(reading: Reading) -> bool:
    state = reading.fact(_SETUP)
    return isinstance(state, dict) and state.get("done") is True
