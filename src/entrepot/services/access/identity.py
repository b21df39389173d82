"""From a credential to whoever it stands for, with the rights in force now: one query per request."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.adapters.catalog.accounts import Account, ApiToken, TokenInUse
from entrepot.adapters.catalog.base import Catalog
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.permissions import carried
from entrepot.errors import CatalogConflict, CatalogUnavailable, NotSignedIn
from entrepot.services.access.rights import actor_of
from entrepot.services.access.tokens import SessionClaims, SessionTokens
from entrepot.services.access.trust import actor_in

PREFIX = "repod_"
_MOST_CHARACTERS = 200
_NOTED_EVERY = timedelta(minutes=1)


class TokenSecrets:
    """Secrets of API tokens.  They are random enough to be found by a hash; its key keeps a stolen catalog useless."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"api tokens\0" + secret).digest()

    def make(self) -> str:
        """A new one; 256 bits."""
        return PREFIX + secrets.token_urlsafe(32)

    def hash(self, secret: str) -> str:
        """What is kept of it."""
        return hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who showed a good credential.

    ``until`` is when it ends by itself, beyond the lifetime of sessions; ``token_id`` is of the API token behind it.
    """

    actor: Actor
    epoch: int
    token_id: str = ""
    until: datetime | None = None


class Identities:
    """Reads credentials."""

    def __init__(
        self,
        catalog: Catalog,
        sessions: SessionTokens,
        token_secrets: TokenSecrets,
        settings: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._sessions = sessions
        self._secrets = token_secrets
        self._settings = settings
        self._now = now

    def of(self, credential: str, address: str) -> Identity:
        """Of a session or an API token.

        Raises:
            NotSignedIn: it is not valid, or not any more.
        """
        if credential.startswith(PREFIX):
            return self.of_api_token(credential, address)
        return self.of_session(self._sessions.read(credential, self._now()), address)

    def of_session(self, claims: SessionClaims, address: str) -> Identity:
        """Raises ``NotSignedIn`` when the session was ended in any way."""
        if claims.api_token:
            return self._of_api_token_session(claims, address)
        if claims.workload:
            return self._of_workload_session(claims, address)
        with self._catalog.read() as reading:
            found = reading.account_in_session(claims.username, claims.session)
        if found is None or found[1] or not found[0].active or not _goes_on(found[0], claims):
            raise NotSignedIn("the session has ended; sign in again")
        account = found[0]
        return Identity(actor_of(account, address), account.session_epoch)

    def _of_api_token_session(self, claims: SessionClaims, address: str) -> Identity:
        with self._catalog.read() as reading:
            found = reading.api_token_in_session(claims.api_token, claims.session)
        if found is None or found[1]:
            raise NotSignedIn("the session has ended; sign in again")
        return self._good(found[0], address)

    def _of_workload_session(self, claims: SessionClaims, address: str) -> Identity:
        with self._catalog.read() as reading:
            ended = reading.session_ended(claims.session)
        if ended:
            raise NotSignedIn("the session has ended; exchange a token again")
        return Identity(actor_in(self._settings(), claims, address), claims.epoch)

    def of_api_token(self, secret: str, address: str) -> Identity:
        """Raises ``NotSignedIn`` for an unknown, expired or revoked one, or without an active creator."""
        if len(secret) > _MOST_CHARACTERS:
            raise NotSignedIn("the API token is not valid")
        with self._catalog.read() as reading:
            found = reading.api_token_with_hash(self._secrets.hash(secret))
        if found is None:
            raise NotSignedIn("the API token is not valid")
        return self._good(found, address)

    def _good(self, used: TokenInUse, address: str) -> Identity:
        token, creator, now = used.token, used.creator, self._now()
        if token.revoked_at is not None:
            raise NotSignedIn("the API token was revoked")
        if token.expires_at is not None and token.expires_at <= now:
            raise NotSignedIn("the API token has expired")
        if creator is None or not creator.active:
            raise NotSignedIn("the account that made the API token is not active")
        if token.last_used is None or now - token.last_used >= _NOTED_EVERY:
            self._note_use(token.ident, now)
        return Identity(_program(token, creator, address), creator.session_epoch, token.ident, token.expires_at)

    def _note_use(self, ident: str, now: datetime) -> None:
        # Good to know, but no reason to turn a request away.
        with contextlib.suppress(CatalogUnavailable, CatalogConflict), self._catalog.write() as unit:
            unit.use_api_token(ident, now)


def _goes_on(account: Account, claims: SessionClaims) -> bool:
    return claims.epoch == account.session_epoch or claims.session == account.kept_session


def _program(token: ApiToken, creator: Account, address: str) -> Actor:
    """What the token's roles and its creator's have in common now."""
    person = actor_of(creator, address)
    both = carried(token.roles, token.grants) & carried(person.roles, person.grants)
    return Actor(
        name=f"token:{token.name}",
        roles=_capped(token.roles, person.roles),
        address=address,
        account=creator.username,
        scope=token.scope,
        custom=token.custom,
        grants=frozenset(permission.code for permission in both),
    )


def _capped(roles: frozenset[Role], most: frozenset[Role]) -> frozenset[Role]:
    """Roles, none above the highest of ``most``."""
    if not most:
        return frozenset()
    highest = max(most, key=lambda role: role.level)
    return frozenset(min(role, highest, key=lambda role: role.level) for role in roles)
