"""Accounts of people whom somebody else vouches for: made at their first sign-in, brought up to date at each.

Such an account never takes the place of one that came in another way.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor, Role
from entrepot.errors import EntrepotError, SignInFailed
from entrepot.services.access.rules import check_email, check_full_name, check_username

_log = structlog.get_logger(__name__)
_REASONS = {
    "no_role": "none of your groups has a role here; ask an administrator",
    "name_taken": "your user name belongs to another account here; ask an administrator",
    "name_unusable": "your user name cannot be used here; ask an administrator",
    "inactive": "your account here is switched off; ask an administrator",
}


@dataclass(frozen=True, slots=True)
class Vouched:
    """Somebody, as a directory (``ldap``) or a provider (``oidc``) knows them.

    ``external_key`` finds their account again; without one, the name does.
    """

    source: str
    username: str
    full_name: str
    email: str
    roles: frozenset[Role]
    external_key: str | None = None
    detail: Mapping[str, JsonValue] = field(default_factory=dict)


class ExternalAccounts:
    """Their accounts here."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    def admit(self, vouched: Vouched, address: str) -> Account:
        """The account, with the names and roles of today.

        Whoever has no role any more loses what the account had, sessions and API tokens included.

        Raises:
            SignInFailed: no role, switched off here, or a name that is taken or cannot be used; the reason is in the
                audit and, as a sentence, in the error.
        """
        now = self._now()
        with self._catalog.write() as unit:
            unit.hold_accounts()
            found, reason = self._looked_up(unit, vouched)
            if reason:
                if found is not None and reason == "no_role":
                    self._strip(unit, found)
                detail: dict[str, JsonValue] = {"auth_source": vouched.source, "reason": reason, **vouched.detail}
                actor = Actor(found.username if found else _shown(vouched), frozenset(), address)
                unit.audit(AuditEntry("LOGIN", "FAILURE", actor, now, detail=detail))
            elif found is None:
                found = self._add(unit, vouched, address, now)
            else:
                found = self._renew(unit, found, vouched, address, now)
        if reason or found is None:
            _log.warning("sign_in.refused", source=vouched.source, reason=reason)
            raise SignInFailed(_REASONS[reason], reason=reason)
        return found

    def _looked_up(self, reading: Reading, vouched: Vouched) -> tuple[Account | None, str]:
        """The account that is theirs, and why they cannot have it; empty if they can."""
        if vouched.external_key is not None:
            found = reading.account_with_key(vouched.external_key)
        else:
            twin = reading.account_like(vouched.username)
            mine = twin is not None and twin.auth_source == vouched.source and twin.external_key is None
            # Names alike are one account only if they differ in nothing but case, as in the directory.
            mine = mine and twin is not None and twin.username.casefold() == vouched.username.casefold()
            found = twin if mine else None
        if found is None:
            try:
                check_username(vouched.username)
            except EntrepotError:
                return None, "name_unusable"
            if reading.account_like(vouched.username) is not None:
                return None, "name_taken"
        if found is not None and not found.active:
            return found, "inactive"
        return found, "" if vouched.roles else "no_role"

    def _strip(self, unit: Writing, account: Account) -> None:
        nothing = {"roles": frozenset(), "session_epoch": account.session_epoch + 1, "kept_session": None}
        unit.change_account(account.username, nothing)
        # Roles that were given here, by name or through a group, would go on in them.
        for token in unit.api_tokens():
            if token.created_by == account.username:
                unit.revoke_api_token(token.ident, self._now())

    def _add(self, unit: Writing, vouched: Vouched, address: str, now: datetime) -> Account:
        account = Account(
            id=0,
            username=vouched.username,
            password_hash="",
            roles=vouched.roles,
            full_name=_one_line(vouched.full_name),
            email=_mail(vouched.email),
            active=True,
            session_epoch=secrets.randbelow(1 << 30),
            created_at=now,
            last_login=None,
            auth_source=vouched.source,
            external_key=vouched.external_key,
        )
        unit.add_account(account)
        detail: dict[str, JsonValue] = {
            "username": account.username,
            "roles": _words(account.roles),
            "auth_source": vouched.source,
            **vouched.detail,
        }
        actor = Actor(account.username, account.roles, address)
        unit.audit(AuditEntry("USER_CREATE", "SUCCESS", actor, now, detail=detail))
        return account

    def _renew(self, unit: Writing, account: Account, vouched: Vouched, address: str, now: datetime) -> Account:
        wanted = {
            "roles": vouched.roles,
            "full_name": _one_line(vouched.full_name),
            "email": _mail(vouched.email),
        }
        changes = {name: value for name, value in wanted.items() if value != getattr(account, name)}
        if not changes:
            return account
        unit.change_account(account.username, changes)
        detail: dict[str, JsonValue] = {
            "username": account.username,
            "changed": sorted(changes),
            "auth_source": vouched.source,
        }
        if "roles" in changes:
            detail |= {"roles_before": _words(account.roles), "roles": _words(vouched.roles)}
        actor = Actor(account.username, vouched.roles, address)
        unit.audit(AuditEntry("USER_UPDATE", "SUCCESS", actor, now, detail=detail))
        return unit.account(account.username) or account


def _shown(vouched: Vouched) -> str:
    # They proved who they are, so that the name is not a password in the wrong field.
    return "".join(char for char in vouched.username[:64] if char.isprintable()) or "(unknown)"


def _one_line(text: str) -> str:
    with contextlib.suppress(EntrepotError):
        check_full_name(text)
        return text
    return ""


def _mail(text: str) -> str:
    with contextlib.suppress(EntrepotError):
        check_email(text)
        return text
    return ""


def _words(roles: frozenset[Role]) -> list[JsonValue]:
    return [role.value for role in sorted(roles, key=lambda role: role.level)]
