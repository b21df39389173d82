"""Accounts by a provider's name for them, sessions of programs, one-time codes."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from entrepot.adapters.catalog.accounts import Account
from entrepot.adapters.catalog.federation import SignInCode
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.groups import ACCOUNT_RIGHTS
from entrepot.adapters.catalog.sql.rows import account_of


class FederationQueries:
    """Implements ``FederationReading`` and ``FederationWriting``."""

    _connection: sa.Connection

    def account_with_key(self, external_key: str) -> Account | None:
        """Over a unique index."""
        query = sa.select(t.account, *(rights.label(name) for name, rights in ACCOUNT_RIGHTS.items()))
        row = self._connection.execute(query.where(t.account.c.external_key == external_key)).mappings().first()
        return None if row is None else account_of(dict(row))

    def session_ended(self, session: str) -> bool:
        """Whether it is in the list of those."""
        query = sa.select(t.ended_session.c.session).where(t.ended_session.c.session == session)
        return self._connection.execute(query).first() is not None

    def add_sign_in_code(self, code: SignInCode, now: datetime) -> None:
        """One more, and all that are over fewer."""
        self._connection.execute(sa.delete(t.sign_in_code).where(t.sign_in_code.c.until <= now))
        query = sa.insert(t.sign_in_code).values(
            code_hash=code.code_hash,
            browser_hash=code.browser_hash,
            username=code.username,
            session_epoch=code.session_epoch,
            until=code.until,
        )
        self._connection.execute(query)

    def take_sign_in_code(self, code_hash: str, now: datetime) -> SignInCode | None:
        """Of several who ask at once, one deletes the row."""
        here = t.sign_in_code.c.code_hash == code_hash
        row = self._connection.execute(sa.select(t.sign_in_code).where(here)).first()
        if row is None or self._connection.execute(sa.delete(t.sign_in_code).where(here)).rowcount != 1:
            return None
        if row.until <= now:
            return None
        return SignInCode(row.code_hash, row.browser_hash, row.username, row.session_epoch, row.until)
