"""The second step of a sign-in: a code, after the password was right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.errors import NotSignedIn, SignInFailed
from entrepot.services.access.codes import Codes
from entrepot.services.access.guesses import CHALLENGE_LIFETIME, Guesses
from entrepot.services.access.rights import actor_of
from entrepot.services.access.tokens import SessionClaims, SessionTokens

_OVER = "the sign-in took too long or has ended; sign in again with your password"


@dataclass(frozen=True, slots=True)
class Challenge:
    """The password was right, and a code is wanted: ``mfa_token`` is for that and nothing else, for some minutes."""

    mfa_token: str = field(repr=False)


class SecondStep:
    """Challenges are signed with a key of their own, so that none of them is a session."""

    def __init__(self, catalog: Catalog, secret: bytes, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._tokens = SessionTokens(b"second step\0" + secret, CHALLENGE_LIFETIME)
        self._codes = Codes(secret)
        self._guesses = Guesses(now)
        self._now = now

    def challenge(self, unit: Writing, account: Account, address: str) -> Challenge:
        """After a right password."""
        now = self._now()
        unit.audit(AuditEntry("LOGIN", "START", actor_of(account, address), now, detail={"second_factor": "asked"}))
        return Challenge(self._tokens.issue(SessionClaims(account.username, account.session_epoch), now))

    def take(self, token: str, code: str, address: str) -> Account:
        """Whoever was asked for this code; neither challenge nor code can be used again.

        Raises:
            NotSignedIn: the challenge is over, or there were too many wrong codes for it.
            SignInFailed: the code is wrong, or was used before.
            TooManyAttempts: there were too many wrong codes for the account.
        """
        now = self._now()
        claims = self._tokens.read(token, now)
        with self._catalog.write() as unit:
            found = unit.account_in_session(claims.username, claims.session)
            if found is None or found[1] or not found[0].active or found[0].session_epoch != claims.epoch:
                raise NotSignedIn(_OVER)
            account = found[0]
            if account.mfa_since is None:
                raise NotSignedIn(_OVER)
            self._guesses.count(unit, account.username, address, claims.session)
            kind = self._codes.take(unit, account.username, code, now)
            if kind is not None:
                self._guesses.right(unit, account.username)
                unit.end_session(claims.session, now, now + CHALLENGE_LIFETIME)
                unit.change_account(account.username, {"last_login": now})
            result, word = ("SUCCESS", kind) if kind else ("FAILURE", "wrong")
            unit.audit(AuditEntry("LOGIN", result, actor_of(account, address), now, detail={"second_factor": word}))
        if kind is None:
            raise SignInFailed("the code is wrong, or was used before")
        return account
