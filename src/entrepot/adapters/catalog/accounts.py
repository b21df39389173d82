"""The part of the port about people: accounts, their API tokens, sessions that were ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from entrepot.domain.model.actor import Role


@dataclass(frozen=True, slots=True)
class Account:
    """A person who can sign in.

    ``session_epoch`` changes whenever older sessions must end; ``kept_session`` is the one that such a change spared.
    ``roles`` and ``custom`` were given to the account itself, ``inherited`` and ``inherited_custom`` come through its
    ``groups``; ``grants`` are the permission codes of all its custom roles.
    ``auth_source`` says who knows the password: this server (``local``), a directory (``ldap``) or an identity provider
    (``oidc``).  For the others ``password_hash`` is empty; ``external_key`` stands for a provider's name of somebody.
    """

    id: int
    username: str
    password_hash: str = field(repr=False)
    roles: frozenset[Role]
    full_name: str
    email: str
    active: bool
    session_epoch: int
    created_at: datetime
    last_login: datetime | None
    kept_session: str | None = None
    mfa_since: datetime | None = None
    custom: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    inherited: frozenset[Role] = frozenset()
    inherited_custom: frozenset[str] = frozenset()
    grants: frozenset[str] = frozenset()
    auth_source: str = "local"
    external_key: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether its password and roles are kept here."""
        return self.auth_source == "local"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A credential for programs.

    ``key_hash`` is a keyed hash of the secret, ``hint`` its last characters.  ``scope`` has full names of suites, none
    is no limit.  ``created_by`` stays when the account is gone.  ``grants`` are the permission codes of its ``custom``
    roles.
    """

    ident: str
    name: str
    key_hash: str = field(repr=False)
    hint: str
    roles: frozenset[Role]
    scope: frozenset[str] | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used: datetime | None = None
    revoked_at: datetime | None = None
    custom: frozenset[str] = frozenset()
    grants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TokenInUse:
    """A token that is asked for with every request, and the account that answers for it; none when that is gone."""

    token: ApiToken
    creator: Account | None


class AccountReading(Protocol):
    """What can be asked about people."""

    def account(self, username: str) -> Account | None:
        """By the exact name."""
        ...

    def account_like(self, username: str) -> Account | None:
        """By a name that people may take for the same (``name_key``)."""
        ...

    def account_in_session(self, username: str, session: str) -> tuple[Account, bool] | None:
        """An account and whether this session of it was ended, in one query."""
        ...

    def accounts(self) -> list[Account]:
        """By name."""
        ...

    def account_page(self, text: str, offset: int, limit: int) -> tuple[list[Account], int]:
        """A page by name and the number of all whose names or address contain a text, literally."""
        ...

    def api_tokens(self) -> list[ApiToken]:
        """Live ones first, then the newest first."""
        ...

    def live_api_token(self, ident_or_name: str) -> ApiToken | None:
        """One that was not revoked, by id or else by a name alike."""
        ...

    def api_token_with_hash(self, key_hash: str) -> TokenInUse | None:
        """In one query over an index."""
        ...

    def api_token_in_session(self, ident: str, session: str) -> tuple[TokenInUse, bool] | None:
        """A token and whether this session, opened with it, was ended; in one query."""
        ...


class AccountWriting(AccountReading, Protocol):
    """What can be changed about people."""

    def hold_accounts(self) -> None:
        """Wait for others who hold them, and have others wait until this unit ends."""
        ...

    def add_account(self, account: Account) -> None:
        """Raises ``AlreadyExists``, for names that are just alike too.

        ``id``, ``custom`` and whatever comes through groups is ignored.
        """
        ...

    def change_account(self, username: str, values: Mapping[str, object]) -> None:
        """Set fields by name.  Raises ``NotFound``."""
        ...

    def remove_account(self, username: str) -> None:
        """Its API tokens stay, without an account that answers for them.  Raises ``NotFound``."""
        ...

    def add_api_token(self, token: ApiToken) -> None:
        """Raises ``AlreadyExists``: a live token has this name, or one alike."""
        ...

    def revoke_api_token(self, ident: str, now: datetime) -> bool:
        """False when it was not live."""
        ...

    def use_api_token(self, ident: str, now: datetime) -> None:
        """Note when it was used."""
        ...

    def end_session(self, session: str, now: datetime, until: datetime) -> None:
        """Remember that a session is over until its last credential has expired."""
        ...
