"""Accounts, API tokens, sessions that were ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from entrepot.adapters.catalog.accounts import Account, ApiToken, TokenInUse
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.groups import ACCOUNT_RIGHTS, TOKEN_RIGHTS
from entrepot.adapters.catalog.sql.rows import Row, account_of, api_token_of
from entrepot.domain.model.actor import Role, name_key
from entrepot.errors import AlreadyExists, NotFound

_LOCK = 0x70656F70  # any number that only this program uses
_RIGHTS = [rights.label(name) for name, rights in ACCOUNT_RIGHTS.items()]
_ACCOUNTS = sa.select(t.account, *_RIGHTS)
_API_TOKENS = sa.select(t.api_token, *(rights.label(name) for name, rights in TOKEN_RIGHTS.items()))
_CREATOR = [column.label(f"creator_{column.name}") for column in (*t.account.c, *_RIGHTS)]
_TOKENS = _API_TOKENS.add_columns(*_CREATOR).join(t.account, t.account.c.id == t.api_token.c.account_id, isouter=True)
_ENDED = sa.exists().where(t.ended_session.c.session == sa.bindparam("its_session")).label("ended")
# Asked with every request: a statement that is composed once costs a quarter.
_ACCOUNT_IN_SESSION = _ACCOUNTS.add_columns(_ENDED).where(t.account.c.username == sa.bindparam("its_name"))
_TOKEN_IN_SESSION = _TOKENS.add_columns(_ENDED).where(t.api_token.c.ident == sa.bindparam("its_ident"))
_TOKEN_WITH_HASH = _TOKENS.where(t.api_token.c.key_hash == sa.bindparam("its_hash"))


class AccountQueries:
    """Implements ``AccountReading`` and ``AccountWriting``."""

    _connection: sa.Connection

    def account(self, username: str) -> Account | None:
        """One by name."""
        row = self._connection.execute(_ACCOUNTS.where(t.account.c.username == username)).first()
        return None if row is None else account_of(_columns(row))

    def account_like(self, username: str) -> Account | None:
        """One by what its name looks like."""
        row = self._connection.execute(_ACCOUNTS.where(t.account.c.name_key == name_key(username))).first()
        return None if row is None else account_of(_columns(row))

    def account_in_session(self, username: str, session: str) -> tuple[Account, bool] | None:
        """The account, and whether the session is over."""
        wanted = {"its_name": username, "its_session": session}
        row = self._connection.execute(_ACCOUNT_IN_SESSION, wanted).first()
        return None if row is None else (account_of(_columns(row)), bool(row.ended))

    def accounts(self) -> list[Account]:
        """By name."""
        query = _ACCOUNTS.order_by(t.account.c.username)
        return [account_of(_columns(row)) for row in self._connection.execute(query)]

    def account_page(self, text: str, offset: int, limit: int) -> tuple[list[Account], int]:
        """A page and the number of all."""
        columns = (t.account.c.username, t.account.c.full_name, t.account.c.email)
        fits = sa.or_(*(column.icontains(text, autoescape=True) for column in columns)) if text else sa.true()
        total = self._connection.execute(sa.select(sa.func.count()).select_from(t.account).where(fits)).scalar_one()
        query = _ACCOUNTS.where(fits).order_by(t.account.c.username).offset(offset).limit(limit)
        return [account_of(_columns(row)) for row in self._connection.execute(query)], int(total)

    def api_tokens(self) -> list[ApiToken]:
        """Live ones first."""
        query = _API_TOKENS.order_by(t.api_token.c.revoked_at.is_not(None), t.api_token.c.id.desc())
        return [api_token_of(_columns(row)) for row in self._connection.execute(query)]

    def live_api_token(self, ident_or_name: str) -> ApiToken | None:
        """By id, or by name."""
        live = _API_TOKENS.where(t.api_token.c.revoked_at.is_(None))
        for fits in (t.api_token.c.ident == ident_or_name, t.api_token.c.name_key == name_key(ident_or_name)):
            row = self._connection.execute(live.where(fits)).first()
            if row is not None:
                return api_token_of(_columns(row))
        return None

    def api_token_with_hash(self, key_hash: str) -> TokenInUse | None:
        """By the hash of its secret."""
        row = self._connection.execute(_TOKEN_WITH_HASH, {"its_hash": key_hash}).first()
        return None if row is None else _in_use(row)

    def api_token_in_session(self, ident: str, session: str) -> tuple[TokenInUse, bool] | None:
        """By id, and whether the session is over."""
        row = self._connection.execute(_TOKEN_IN_SESSION, {"its_ident": ident, "its_session": session}).first()
        return None if row is None else (_in_use(row), bool(row.ended))

    def hold_accounts(self) -> None:
        """A lock of this transaction; SQLite has but one writer anyway."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    def add_account(self, account: Account) -> None:
        """A new account."""
        query = sa.insert(t.account).values(
            username=account.username,
            name_key=name_key(account.username),
            password_hash=account.password_hash,
            roles=_role_words(account.roles),
            full_name=account.full_name,
            email=account.email,
            active=account.active,
            session_epoch=account.session_epoch,
            created_at=account.created_at,
            last_login=account.last_login,
            kept_session=account.kept_session,
            auth_source=account.auth_source,
            external_key=account.external_key,
        )
        try:
            self._connection.execute(query)
        except IntegrityError as error:
            raise AlreadyExists(f"user {account.username} exists already, or one with a name alike") from error

    def change_account(self, username: str, values: Mapping[str, object]) -> None:
        """Set columns of one account."""
        columns = {name: _role_words(value) if name == "roles" else value for name, value in values.items()}
        query = sa.update(t.account).where(t.account.c.username == username).values(columns)
        if self._connection.execute(query).rowcount != 1:
            raise NotFound(f"no user {username}")

    def remove_account(self, username: str) -> None:
        """Let go of its tokens, then remove it."""
        mine = sa.select(t.account.c.id).where(t.account.c.username == username).scalar_subquery()
        self._connection.execute(sa.update(t.api_token).where(t.api_token.c.account_id == mine).values(account_id=None))
        if self._connection.execute(sa.delete(t.account).where(t.account.c.username == username)).rowcount != 1:
            raise NotFound(f"no user {username}")

    def add_api_token(self, token: ApiToken) -> None:
        """A new token."""
        creator = sa.select(t.account.c.id).where(t.account.c.username == token.created_by).scalar_subquery()
        query = sa.insert(t.api_token).values(
            ident=token.ident,
            name=token.name,
            name_key=name_key(token.name),
            key_hash=token.key_hash,
            hint=token.hint,
            roles=_role_words(token.roles),
            scope=sa.null() if token.scope is None else sorted(token.scope),
            account_id=creator,
            created_by=token.created_by,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used=token.last_used,
            revoked_at=token.revoked_at,
        )
        try:
            self._connection.execute(query)
        except IntegrityError as error:
            raise AlreadyExists(f"an API token {token.name} exists already, or one with a name alike") from error

    def revoke_api_token(self, ident: str, now: datetime) -> bool:
        """True for the one who revoked it."""
        live = sa.update(t.api_token).where(t.api_token.c.ident == ident, t.api_token.c.revoked_at.is_(None))
        return self._connection.execute(live.values(revoked_at=now)).rowcount == 1

    def use_api_token(self, ident: str, now: datetime) -> None:
        """Set the time."""
        self._connection.execute(sa.update(t.api_token).where(t.api_token.c.ident == ident).values(last_used=now))

    def end_session(self, session: str, now: datetime, until: datetime) -> None:
        """Note it, and forget those whose credentials have all expired."""
        self._connection.execute(sa.delete(t.ended_session).where(t.ended_session.c.until <= now))
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        row = insert(t.ended_session).values(session=session, until=until)
        self._connection.execute(row.on_conflict_do_nothing(index_elements=["session"]))


def _columns(row: Row) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", row._mapping)  # noqa: SLF001 - the documented way to a row by names


def _role_words(roles: object) -> list[str]:
    return sorted(role.value for role in cast("frozenset[Role]", roles))


def _in_use(row: Row) -> TokenInUse:
    creator = {name.removeprefix("creator_"): value for name, value in _columns(row).items() if name[:8] == "creator_"}
    return TokenInUse(api_token_of(_columns(row)), None if creator["id"] is None else account_of(creator))
