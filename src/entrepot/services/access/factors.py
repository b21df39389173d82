"""The second factor of an account: set up by its owner, taken away by its owner or an administrator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from entrepot.adapters.catalog.accounts import Account, AccountReading
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AccountProtected, AlreadyExists, InvalidRequest, NotFound, NotSignedIn, PermissionDenied
from entrepot.services.access.attempts import Attempts
from entrepot.services.access.codes import Codes, address_of, new_recovery_codes, new_secret, picture_of
from entrepot.services.access.guesses import Guesses
from entrepot.services.access.passwords import fits
from entrepot.services.access.rights import demand_reach
from entrepot.services.access.rules import can_be_username

_PENDING_LIFETIME = timedelta(hours=1)
_PRODUCT = "Entrepot"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app needs, shown once."""

    secret: str = field(repr=False)
    address: str = field(repr=False)
    picture: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FactorState:
    """``since`` of none: off.  ``pending``: begun, and a first code is waited for."""

    since: datetime | None
    pending: bool
    recovery_codes_left: int


class SecondFactors:
    """Codes by time for people; API tokens are never asked for one."""

    def __init__(
        self,
        catalog: Catalog,
        secret: bytes,
        attempts: Attempts,
        now: Callable[[], datetime],
        site: Callable[[], str],
    ) -> None:
        self._catalog = catalog
        self._codes = Codes(secret)
        self._attempts = attempts
        self._guesses = Guesses(now)
        self._now = now
        self._site = site

    def state(self, actor: Actor) -> FactorState:
        """Of the caller."""
        demand(actor, Permission.PROFILE_READ)
        with self._catalog.read() as reading:
            account = _person(reading, actor)
            pending = account.mfa_since is None and reading.second_factor(account.username) is not None
            return FactorState(account.mfa_since, pending, reading.recovery_codes_left(account.username))

    def begin(self, actor: Actor) -> Enrolment:
        """A new secret, which asks for nothing until its first code has come.

        Raises:
            AlreadyExists: there is one in force.
            InvalidRequest: an identity provider asks for theirs.
            PermissionDenied: it is an API token.
        """
        demand(actor, Permission.PROFILE_WRITE)
        secret = new_secret()
        sealed = self._codes.seal(secret)
        with self._catalog.write() as unit:
            account = _person(unit, actor)
            _refuse_of_provider(account)
            if account.mfa_since is not None:
                raise AlreadyExists("the second factor is on; switch it off before you set up another one")
            unit.set_second_factor(account.username, sealed, self._now())
        host = urlsplit(self._site()).hostname
        address = address_of(secret, account.username, f"{_PRODUCT} {host}" if host else _PRODUCT)
        return Enrolment(secret, address, picture_of(address))

    def confirm(self, actor: Actor, code: str) -> list[str]:
        """In force from the next sign-in on; recovery codes, which nobody can ask for again.

        Raises:
            InvalidRequest: nothing was begun, or the code is not of it.
            AlreadyExists: it is in force.
            TooManyAttempts: there were too many wrong codes.
        """
        demand(actor, Permission.PROFILE_WRITE)
        now, recovery = self._now(), new_recovery_codes()
        with self._catalog.write() as unit:
            account = _person(unit, actor)
            if account.mfa_since is not None:
                raise AlreadyExists("the second factor is on already")
            factor = unit.second_factor(account.username)
            if factor is None or now - factor.created_at > _PENDING_LIFETIME:
                raise InvalidRequest("begin with POST /auth/mfa/setup, then send a code within the hour")
            self._guesses.count(unit, account.username, actor.address)
            good = self._codes.take(unit, account.username, code, now) is not None
            if good:
                self._guesses.right(unit, account.username)
                unit.change_account(account.username, {"mfa_since": now})
                unit.set_recovery_codes(account.username, [self._codes.hash(each) for each in recovery])
                unit.audit(AuditEntry("MFA_ENABLE", "SUCCESS", actor, now))
        if not good:
            raise InvalidRequest("the code is wrong; is the clock of the phone right?")
        return recovery

    def renew_recovery_codes(self, actor: Actor, code: str) -> list[str]:
        """New ones; the old ones are worth nothing.

        Raises:
            InvalidRequest: there is no second factor, or the code is wrong.
            TooManyAttempts: there were too many wrong codes.
        """
        demand(actor, Permission.PROFILE_WRITE)
        now, recovery = self._now(), new_recovery_codes()
        with self._catalog.write() as unit:
            account = _with_factor(_person(unit, actor))
            self._guesses.count(unit, account.username, actor.address)
            good = self._codes.take(unit, account.username, code, now) is not None
            if good:
                self._guesses.right(unit, account.username)
                unit.set_recovery_codes(account.username, [self._codes.hash(each) for each in recovery])
            unit.audit(AuditEntry("MFA_RECOVERY_CODES", "SUCCESS" if good else "FAILURE", actor, now))
        if not good:
            raise InvalidRequest("the code is wrong, or was used before")
        return recovery

    def disable(self, actor: Actor, password: str, code: str = "") -> None:
        """Take away the caller's own second factor: with the password, or a code where another system keeps that.

        Raises:
            InvalidRequest: there is none, or the password or code is wrong.
            TooManyAttempts: it was wrong too often.
        """
        demand(actor, Permission.PROFILE_WRITE)
        door = self._attempts.at(actor.name, actor.address)
        with self._catalog.read() as reading:
            account = _with_factor(_person(reading, actor))
            door.refuse_locked(reading)
        known, now = account.is_local and fits(account.password_hash, password), self._now()
        with self._catalog.write() as unit:
            if not account.is_local:
                self._guesses.count(unit, account.username, actor.address)
            good = known or (not account.is_local and bool(self._codes.take(unit, account.username, code, now)))
            if good:
                door.succeeded(unit)
                self._guesses.right(unit, account.username)
                unit.remove_second_factor(account.username)
                unit.change_account(account.username, {"mfa_since": None})
            else:
                door.failed(unit)
            unit.audit(AuditEntry("MFA_DISABLE", "SUCCESS" if good else "FAILURE", actor, now))
        if not good:
            raise InvalidRequest("the password is wrong" if account.is_local else "totp_code is wrong, or was used")

    def reset(self, actor: Actor, username: str) -> None:
        """Take away somebody else's second factor, and forget wrong codes: their phone is gone.

        Raises:
            NotFound: there is no such account, or it has none.
            AccountProtected: it is the caller's own.
            PermissionDenied: the account may more than the actor.
        """
        demand(actor, Permission.USER_WRITE)
        with self._catalog.write() as unit:
            account = unit.account(username) if can_be_username(username) else None
            if account is None:
                raise NotFound(f"there is no user {username[:64]!r}")
            if account.username == actor.owner:
                raise AccountProtected("switch off your own second factor with your password")
            demand_reach(actor, account)
            if account.mfa_since is None:
                raise NotFound(f"{username} has no second factor")
            unit.remove_second_factor(username)
            unit.change_account(username, {"mfa_since": None})
            self._guesses.right(unit, username)
            unit.audit(AuditEntry("MFA_DISABLE", "SUCCESS", actor, self._now(), detail={"username": username}))


def _person(reading: AccountReading, actor: Actor) -> Account:
    if actor.account:
        raise PermissionDenied("an API token has no second factor; sign in as a person")
    account = reading.account(actor.name)
    if account is None:
        raise NotSignedIn("the session has ended; sign in again")
    return account


def _refuse_of_provider(account: Account) -> None:
    # It would never be asked for: they sign in there, and what looks like a protection would be none.
    if account.auth_source == "oidc":
        raise InvalidRequest("your identity provider asks for a second factor, if anybody does; set it up there")


def _with_factor(account: Account) -> Account:
    if account.mfa_since is None:
        raise InvalidRequest("the second factor is not on")
    return account
