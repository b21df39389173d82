"""The way back for an installation whose administrator cannot sign in any more; for the program on the server only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import SYSTEM, Actor, Role
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import NotFound, PermissionDenied
from entrepot.services.access.attempts import Attempts
from entrepot.services.access.guesses import Guesses
from entrepot.services.access.passwords import check_rule, hash_password
from entrepot.services.access.rules import can_be_username, refuse_external

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Rescued:
    """What was done beside the new password; ``tokens`` are names of API tokens of the account that are in force."""

    username: str
    changed: tuple[str, ...]
    tokens: tuple[str, ...]


class Rescue:
    """Whoever may read and write the database and the secret key may this as well: they could do it by hand."""

    def __init__(self, catalog: Catalog, attempts: Attempts, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._attempts = attempts
        self._guesses = Guesses(now)
        self._now = now

    def check(self, actor: Actor, username: str) -> None:
        """Before a password is asked for.

        Raises:
            PermissionDenied: it is not the program itself.
            NotFound: there is no such account; the administrators are named.
            InvalidRequest: its password is kept elsewhere.
        """
        demand(actor, Permission.USER_WRITE)
        if actor != SYSTEM:
            raise PermissionDenied("only the program on the server itself may do this")
        with self._catalog.read() as reading:
            _found(reading, username)

    def rescue(self, actor: Actor, username: str, new: str, person: str) -> Rescued:
        """New password, second factor off, administrator, active, unlocked; sessions and links to a password end.

        ``person`` is who runs the program, for the audit log.  API tokens stay.

        Raises:
            PermissionDenied, NotFound, InvalidRequest: as ``check``.
            WeakPassword: with the rule.
        """
        demand(actor, Permission.USER_WRITE)
        self.check(actor, username)
        check_rule(new)
        hashed, now = hash_password(new), self._now()
        with self._catalog.write() as unit:
            unit.hold_accounts()
            account = _found(unit, username)
            changes = _changes(account)
            changed = ["password_hash", "session_epoch", *sorted(changes)]
            ended = {"session_epoch": account.session_epoch + 1, "kept_session": None}
            unit.change_account(username, {**changes, "password_hash": hashed, **ended})
            unit.remove_second_factor(username)
            unit.end_reset(username)
            self._attempts.unlock(unit, username)
            self._guesses.right(unit, username)
            tokens = [
                token.name for token in unit.api_tokens() if token.created_by == username and token.revoked_at is None
            ]
            words: list[JsonValue] = [_WORDS[name] for name in changed]
            detail: dict[str, JsonValue] = {"username": username, "by": person[:200], "changed": words}
            unit.audit(AuditEntry("ACCOUNT_RESCUE", "SUCCESS", actor, now, detail=detail))
        return Rescued(username, tuple(_WORDS[name] for name in changed), tuple(tokens))


_WORDS = {
    "password_hash": "password",
    "session_epoch": "sessions",
    "mfa_since": "second_factor",
    "roles": "roles",
    "active": "active",
}


def _changes(account: Account) -> dict[str, object]:
    found: dict[str, object] = {}
    if account.mfa_since is not None:
        found["mfa_since"] = None
    if Role.ADMIN not in account.roles:
        found["roles"] = account.roles | {Role.ADMIN}
    if not account.active:
        found["active"] = True
    return found


def _found(reading: Reading, username: str) -> Account:
    account = reading.account(username) if can_be_username(username) else None
    if account is None:
        local = [one.username for one in reading.accounts() if one.is_local and Role.ADMIN in one.roles]
        named = ", ".join(local[:_MOST_NAMED]) or "none yet: start the server, and open the set-up link that it prints"
        raise NotFound(f"there is no user {username[:64]!r}; administrators of this server itself: {named}")
    refuse_external(account)
    return account
