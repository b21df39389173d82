"""Sign-in, sessions, the caller's own password, and the first administrator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import InvalidRequest, NotSignedIn, PermissionDenied, SignInFailed
from entrepot.services.access.attempts import Attempts, Door
from entrepot.services.access.directory import DirectorySignIn
from entrepot.services.access.first import FirstAdministrator, NewAccount, SetupState
from entrepot.services.access.identity import PREFIX, Identities, Identity, TokenSecrets
from entrepot.services.access.passwords import check_rule, fits, hash_password
from entrepot.services.access.rights import actor_of
from entrepot.services.access.rules import can_be_username, refuse_external
from entrepot.services.access.second_step import Challenge, SecondStep
from entrepot.services.access.tokens import SessionClaims, SessionTokens

_LONGEST_SESSION = timedelta(days=30)
# Nobody can be asked about them without them: a provider is heard at the sign-in only.
_LONGEST_UNSEEN = timedelta(hours=12)
_UNKNOWN = "(unknown)"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in session."""

    token: str
    expires_in_seconds: int


class Access:
    """Sessions."""

    def __init__(
        self,
        catalog: Catalog,
        secret: bytes,
        tokens: SessionTokens,
        attempts: Attempts,
        directory: DirectorySignIn,
        settings: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._directory = directory
        self._tokens = tokens
        self._now = now
        self._first = FirstAdministrator(catalog, secret, now)
        self._identities = Identities(catalog, tokens, TokenSecrets(secret), settings, now)
        self._second = SecondStep(catalog, secret, now)
        self._attempts = attempts

    def prepare(self, username: str | None, password: str | None) -> SetupState:
        """At start: create the first administrator from the settings, or make a set-up link possible.

        Never overwrites an account.  Until set-up is done, every start makes a new token and forgets the old one.
        """
        return self._first.prepare(username, password)

    def setup_done(self) -> bool:
        """Whether an administrator was ever created."""
        return self._first.exists()

    def set_up(self, token: str, username: str, password: str, email: str, full_name: str, address: str) -> Session:
        """Create the first administrator with the one-time token and sign them in.

        Raises:
            AlreadyExists: set-up was done; it never opens again.
            PermissionDenied: the token is not the one of this start.
            InvalidRequest, WeakPassword: name or password break the rule.
        """
        self._first.create(token, NewAccount(username, password, frozenset({Role.ADMIN}), full_name, email), address)
        with self._catalog.read() as reading:
            account = reading.account(username)
        if account is None:
            raise SignInFailed("the new account is gone already")
        return self._open(account, address)

    def sign_in(self, username: str, password: str, address: str) -> Session | Challenge:
        """A session for a name and password, or for any name and the secret of an API token.

        A password that this server does not know itself is shown to the directory, if there is one.  An account with a
        second factor gets a challenge instead of a session; API tokens never do.  Failures are counted by name *and*
        address, so that a stranger cannot lock somebody out.

        Raises:
            SignInFailed: unknown name, wrong password or inactive account, not told apart.
            TooManyAttempts: for this name, from this address.
            DirectoryUnavailable: it is not a name of this server's own, and the directory cannot be asked.
        """
        if password.startswith(PREFIX):
            try:
                identity = self._identities.of_api_token(password, address)
            except NotSignedIn:
                pass  # somebody's password may begin like that
            else:
                return self._open_with_api_token(identity, username)
        door = self._attempts.at(username, address)
        with self._catalog.read() as reading:
            door.refuse_locked(reading)
            known = reading.account(username) if can_be_username(username) else None
        good = fits(known.password_hash if known else None, password)
        if known is not None and known.is_local:
            account = known if good else None
        else:
            account = self._directory.sign_in(username, password, address)
        if account is None or not account.active:
            self._refuse(known, door, address)
        return self._admit(account, address)

    def _admit(self, account: Account, address: str) -> Session | Challenge:
        """The password, or whatever stands for it, is right."""
        if account.mfa_since is None:
            return self._open(account, address)
        door = self._attempts.at(account.username, address)
        with self._catalog.write() as unit:
            door.succeeded(unit)
            return self._second.challenge(unit, account, address)

    def sign_in_with_code(self, challenge: str, code: str, address: str) -> Session:
        """The second step.

        Raises:
            NotSignedIn: the challenge is over, or there were too many wrong codes for it.
            SignInFailed: the code is wrong, or was used before.
            TooManyAttempts: there were too many wrong codes for the account.
        """
        account = self._second.take(challenge, code, address)
        return self._session(SessionClaims(account.username, account.session_epoch), self._now())

    def _refuse(self, account: Account | None, door: Door, address: str) -> NoReturn:
        # A name that nobody has is not written down: it may be a password in the wrong field.
        actor = Actor(account.username if account else _UNKNOWN, frozenset(), address)
        with self._catalog.write() as unit:
            door.failed(unit)
            unit.audit(AuditEntry("LOGIN", "FAILURE", actor, self._now()))
        raise SignInFailed("user name or password is wrong")

    def _open(self, account: Account, address: str) -> Session:
        now, door = self._now(), self._attempts.at(account.username, address)
        with self._catalog.write() as unit:
            door.succeeded(unit)
            unit.change_account(account.username, {"last_login": now})
            detail: dict[str, JsonValue] = {} if account.is_local else {"auth_source": account.auth_source}
            unit.audit(AuditEntry("LOGIN", "SUCCESS", actor_of(account, address), now, detail=detail))
        return self._session(SessionClaims(account.username, account.session_epoch), now)

    def _open_with_api_token(self, identity: Identity, username: str) -> Session:
        now = self._now()
        shown = username if can_be_username(username) else _UNKNOWN
        with self._catalog.write() as unit:
            unit.audit(AuditEntry("LOGIN", "SUCCESS", identity.actor, now, detail={"username": shown}))
        claims = SessionClaims(identity.actor.owner, identity.epoch, api_token=identity.token_id)
        return self._session(claims, now, identity.until)

    def _session(self, claims: SessionClaims, now: datetime, until: datetime | None = None) -> Session:
        lifetime = self._tokens.lifetime if until is None else min(self._tokens.lifetime, until - now)
        return Session(self._tokens.issue(claims, now, until), max(0, int(lifetime.total_seconds())))

    def authenticate(self, credential: str, address: str) -> Actor:
        """Who a bearer credential stands for, with the roles in force now.

        Raises:
            NotSignedIn: it is not valid (any more), or its account is not active.
        """
        return self._identities.of(credential, address).actor

    def profile(self, actor: Actor) -> Account:
        """The account of whoever asks; for an API token, the one that answers for it."""
        demand(actor, Permission.PROFILE_READ)
        if actor.workload:
            return _of_nobody(actor, self._now())
        with self._catalog.read() as reading:
            account = reading.account(actor.owner)
        if account is None:
            raise NotSignedIn("the session has ended; sign in again")
        return account

    def log_out(self, actor: Actor, credential: str) -> None:
        """End the session, with everything it was refreshed to.

        Raises:
            PermissionDenied: it is an API token; those are revoked.
        """
        demand(actor, Permission.PROFILE_WRITE)
        claims, now = self._claims(credential), self._now()
        with self._catalog.write() as unit:
            # No credential of this session that exists now lives longer.
            unit.end_session(claims.session, now, now + self._tokens.lifetime)
            unit.audit(AuditEntry("LOGOUT", "SUCCESS", actor, now))

    def refresh(self, actor: Actor, credential: str) -> Session:
        """The same session for another lifetime, with nothing but what the account still has.

        Raises:
            NotSignedIn: it was opened too long ago, or has ended meanwhile.
            PermissionDenied: it is an API token; those live as long as they were made for.
        """
        demand(actor, Permission.PROFILE_WRITE)
        claims, now = self._claims(credential), self._now()
        if claims.workload:
            raise PermissionDenied("a CI job exchanges the token of its platform again")
        if claims.since is None or now - claims.since > _LONGEST_SESSION:
            raise NotSignedIn(f"a session lasts {_LONGEST_SESSION.days} days; sign in again")
        identity = self._identities.of_session(claims, actor.address)
        if not actor.account:
            self._refuse_gone(claims, actor, claims.since)
        renewed = SessionClaims(claims.username, identity.epoch, claims.session, claims.api_token, claims.since)
        return self._session(renewed, now, identity.until)

    def _refuse_gone(self, claims: SessionClaims, actor: Actor, since: datetime) -> None:
        """People of elsewhere: who left there, leaves here."""
        with self._catalog.read() as reading:
            account = reading.account(claims.username)
        if account is None or account.is_local:
            return
        if account.auth_source == "ldap":
            self._directory.renew(account, actor.address)
        elif self._now() - since > _LONGEST_UNSEEN:
            raise NotSignedIn(f"a session lasts {_LONGEST_UNSEEN.seconds // 3600} hours; sign in again")

    def change_password(self, actor: Actor, credential: str, current: str, new: str) -> None:
        """Set the caller's own password; all their other sessions end.

        Raises:
            InvalidRequest, WeakPassword: the current password is wrong, or the new one breaks the rule.
            TooManyAttempts: it was wrong too often.
            PermissionDenied: it is an API token, which has no password.
        """
        demand(actor, Permission.PROFILE_WRITE)
        if actor.account or actor.workload:
            raise PermissionDenied("an API token or a CI job has no password; sign in as a person")
        claims, door = self._claims(credential), self._attempts.at(actor.name, actor.address)
        with self._catalog.read() as reading:
            door.refuse_locked(reading)
            before = reading.account(actor.name)
        if before is not None:
            refuse_external(before)
        check_rule(new)
        good, now = fits(before.password_hash if before else None, current), self._now()
        hashed = hash_password(new)
        with self._catalog.write() as unit:
            account = unit.account(actor.name)
            good = good and account is not None and before is not None and account.password_hash == before.password_hash
            if good and account is not None:
                door.succeeded(unit)
                changes = {"session_epoch": account.session_epoch + 1, "kept_session": claims.session}
                unit.change_account(actor.name, {"password_hash": hashed, **changes})
            else:
                door.failed(unit)
            unit.audit(AuditEntry("PASSWORD_CHANGE", "SUCCESS" if good else "FAILURE", actor, now))
        if not good:
            raise InvalidRequest("the current password is wrong")

    def _claims(self, credential: str) -> SessionClaims:
        if credential.startswith(PREFIX):
            raise PermissionDenied("this is for sessions; an API token is revoked by an administrator")
        return self._tokens.read(credential, self._now())


def _of_nobody(actor: Actor, now: datetime) -> Account:
    """What there is to say about a CI job, which has no account."""
    return Account(
        id=0,
        username=actor.name,
        password_hash="",
        roles=actor.roles,
        full_name=f"CI job of {actor.workload}",
        email="",
        active=True,
        session_epoch=0,
        created_at=now,
        last_login=None,
        auth_source="workload",
    )
