"""Accounts, as administrators see them (contract 4.1).  There is always an active administrator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from entrepot.adapters.catalog.accounts import Account, AccountReading
from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AccountProtected, AlreadyExists, NotFound
from entrepot.services.access.attempts import Attempts
from entrepot.services.access.first import NewAccount
from entrepot.services.access.passwords import check_rule, hash_password
from entrepot.services.access.rights import demand_giving, demand_reach
from entrepot.services.access.rules import can_be_username, check_email, check_full_name, level, refuse_external


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What shall be different; none is as it was."""

    roles: frozenset[Role] | None = None
    full_name: str | None = None
    email: str | None = None
    active: bool | None = None
    custom: frozenset[str] | None = None

    def differing(self, account: Account) -> dict[str, object]:
        """Fields of the account that this changes."""
        wanted = {
            "roles": self.roles,
            "custom": self.custom,
            "full_name": self.full_name,
            "email": self.email,
            "active": self.active,
        }
        return {name: value for name, value in wanted.items() if value is not None and value != getattr(account, name)}


class Users:
    """Make, change and remove accounts."""

    def __init__(self, catalog: Catalog, attempts: Attempts, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._attempts = attempts
        self._now = now

    def page(self, actor: Actor, text: str, offset: int, limit: int) -> tuple[list[Account], int]:
        """A page by name and the number of all; ``text`` is looked for in names and addresses."""
        demand(actor, Permission.USER_WRITE)
        with self._catalog.read() as reading:
            return reading.account_page(text, offset, limit)

    def create(self, actor: Actor, new: NewAccount) -> Account:
        """A new account.

        Raises:
            InvalidRequest, WeakPassword: with the rule.
            AlreadyExists: the name is taken, or one that people may take for the same.
            PermissionDenied: a role carries what the actor lacks.
        """
        demand(actor, Permission.USER_WRITE)
        with self._catalog.read() as reading:
            _refuse_taken(reading, new.username)
            demand_giving(actor, reading.custom_roles(), new.roles, new.custom)
        new.check()
        account = new.account(self._now())
        with self._catalog.write() as unit:
            unit.hold_accounts()
            demand_giving(actor, unit.custom_roles(), new.roles, new.custom)
            unit.add_account(account)
            unit.give_custom_roles(account.username, new.custom)
            words = _words(account.roles, new.custom)
            detail: dict[str, JsonValue] = {"username": account.username, "roles": words}
            unit.audit(AuditEntry("USER_CREATE", "SUCCESS", actor, account.created_at, detail=detail))
            return _known(unit, account.username)

    def change(self, actor: Actor, username: str, change: AccountChange) -> Account:
        """Set what differs.  Sessions of an account that is switched off end; roles hold from the next request on.

        Raises:
            NotFound: there is no such account.
            InvalidRequest: a field breaks its rule.
            AccountProtected: own role, oneself switched off, or the last administrator.
            PermissionDenied: the account, or a role that it shall have, carries what the actor lacks.
        """
        demand(actor, Permission.USER_WRITE)
        check_full_name(change.full_name or "")
        check_email(change.email or "")
        now = self._now()
        with self._catalog.write() as unit:
            unit.hold_accounts()
            account = _known(unit, username)
            values = change.differing(account)
            if not values:
                return account
            demand_reach(actor, account)
            if "roles" in values:
                refuse_external(account)
            _refuse_protected(unit, actor, account, values)
            if "active" in values:
                values |= {"session_epoch": account.session_epoch + 1, "kept_session": None}
            _set(unit, actor, account, values)
            detail: dict[str, JsonValue] = {"username": username, "changed": sorted(change.differing(account))}
            after = _known(unit, username)
            if "roles" in values or "custom" in values:
                before = _words(account.roles, account.custom)
                detail |= {"roles_before": before, "roles": _words(after.roles, after.custom)}
            if "active" in values:
                detail |= {"active": change.active}
            unit.audit(AuditEntry("USER_UPDATE", "SUCCESS", actor, now, detail=detail))
            return after

    def remove(self, actor: Actor, username: str) -> None:
        """Remove an account; its sessions end and its API tokens are revoked.

        Raises:
            NotFound: there is no such account.
            AccountProtected: oneself, or the last administrator.
            PermissionDenied: the account may more than the actor.
        """
        demand(actor, Permission.USER_WRITE)
        now = self._now()
        with self._catalog.write() as unit:
            unit.hold_accounts()
            account = _known(unit, username)
            if actor.owner == username:
                raise AccountProtected("you cannot remove your own account")
            demand_reach(actor, account)
            _refuse_last(unit, account)
            mine = [token for token in unit.api_tokens() if token.created_by == username]
            revoked = [token.name for token in mine if unit.revoke_api_token(token.ident, now)]
            unit.remove_account(username)
            detail: dict[str, JsonValue] = {"username": username, "revoked_tokens": revoked}
            unit.audit(AuditEntry("USER_DELETE", "SUCCESS", actor, now, detail=detail))

    def reset_password(self, actor: Actor, username: str, new: str) -> None:
        """Give an account a password; its sessions end and it is no longer locked.

        Raises:
            NotFound: there is no such account.
            WeakPassword: with the rule.
            PermissionDenied: the account may more than the actor.
        """
        demand(actor, Permission.USER_WRITE)
        with self._catalog.read() as reading:
            before = _known(reading, username)
        demand_reach(actor, before)
        refuse_external(before)
        check_rule(new)
        hashed = hash_password(new)
        with self._catalog.write() as unit:
            account = _known(unit, username)
            demand_reach(actor, account)
            ended = {"session_epoch": account.session_epoch + 1, "kept_session": None}
            unit.change_account(username, {"password_hash": hashed, **ended})
            self._attempts.unlock(unit, username)
            unit.audit(AuditEntry("PASSWORD_RESET", "SUCCESS", actor, self._now(), detail={"username": username}))


def _known(reading: AccountReading, username: str) -> Account:
    account = reading.account(username) if can_be_username(username) else None
    if account is None:
        raise NotFound(f"there is no user {username[:64]!r}")
    return account


def _refuse_taken(reading: Reading, username: str) -> None:
    # Before the grammar: a name in another Unicode form is refused because of its twin.
    twin = reading.account_like(username[:64]) if username.isprintable() else None
    if twin is not None:
        raise AlreadyExists(f"user {twin.username} exists already; names that look alike are the same", name="username")


def _set(unit: Writing, actor: Actor, account: Account, values: Mapping[str, object]) -> None:
    columns = {name: value for name, value in values.items() if name != "custom"}
    if "roles" in values or "custom" in values:
        roles = cast("frozenset[Role]", values.get("roles", account.roles))
        custom = cast("frozenset[str]", values.get("custom", account.custom))
        demand_giving(actor, unit.custom_roles(), roles, custom)
        unit.give_custom_roles(account.username, custom)
    if columns:
        unit.change_account(account.username, columns)


def _refuse_protected(reading: Reading, actor: Actor, account: Account, values: dict[str, object]) -> None:
    mine = actor.owner == account.username
    if mine and ("roles" in values or "custom" in values):
        raise AccountProtected("you cannot change your own role")
    if mine and values.get("active") is False:
        raise AccountProtected("you cannot switch off your own account")
    keeps_role = "roles" not in values or Role.ADMIN in values["roles"]  # type: ignore[operator]
    if not keeps_role or values.get("active") is False:
        _refuse_last(reading, account)


def _refuse_last(reading: Reading, account: Account) -> None:
    """The last active administrator of this server's own stays one: others come and go with their directory."""
    if not _administers(account):
        return
    if not any(_administers(one) for one in reading.accounts() if one.username != account.username):
        raise AccountProtected(f"{account.username} is the last active administrator")


def _administers(account: Account) -> bool:
    return account.active and account.is_local and level(account.roles) >= Role.ADMIN.level


def _words(roles: frozenset[Role], custom: frozenset[str]) -> list[JsonValue]:
    return [*sorted(role.value for role in roles), *sorted(custom)]
