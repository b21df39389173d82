"""Second factors, recovery codes, and tokens for a new password."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from entrepot.adapters.catalog.factors import SecondFactor
from entrepot.adapters.catalog.sql import tables as t


def _id(username: str) -> sa.ScalarSelect[int]:
    return sa.select(t.account.c.id).where(t.account.c.username == username).scalar_subquery()


class FactorQueries:
    """Implements ``FactorReading`` and ``FactorWriting``."""

    _connection: sa.Connection

    def second_factor(self, username: str) -> SecondFactor | None:
        """Of an account."""
        query = sa.select(t.second_factor).where(t.second_factor.c.account_id == _id(username))
        row = self._connection.execute(query).first()
        return None if row is None else SecondFactor(row.secret, row.last_step, row.created_at)

    def recovery_codes_left(self, username: str) -> int:
        """Those without a time of use."""
        code = t.recovery_code.c
        query = sa.select(sa.func.count()).where(code.account_id == _id(username), code.used_at.is_(None))
        return int(self._connection.execute(query).scalar_one())

    def set_second_factor(self, username: str, secret: str, now: datetime) -> None:
        """Remove, then add."""
        self.remove_second_factor(username)
        row = {"account_id": _id(username), "secret": secret, "last_step": None, "created_at": now}
        self._connection.execute(sa.insert(t.second_factor).values(row))

    def take_step(self, username: str, step: int) -> bool:
        """Compare and set."""
        factor = t.second_factor.c
        newer = sa.or_(factor.last_step.is_(None), factor.last_step < step)
        query = sa.update(t.second_factor).where(factor.account_id == _id(username), newer).values(last_step=step)
        return self._connection.execute(query).rowcount == 1

    def set_recovery_codes(self, username: str, hashes: Collection[str]) -> None:
        """Remove, then add."""
        self._connection.execute(sa.delete(t.recovery_code).where(t.recovery_code.c.account_id == _id(username)))
        for each in hashes:
            self._connection.execute(sa.insert(t.recovery_code).values(account_id=_id(username), code_hash=each))

    def take_recovery_code(self, username: str, code_hash: str, now: datetime) -> bool:
        """True for the one who used it."""
        code = t.recovery_code.c
        unused = (code.account_id == _id(username), code.code_hash == code_hash, code.used_at.is_(None))
        return self._connection.execute(sa.update(t.recovery_code).where(*unused).values(used_at=now)).rowcount == 1

    def remove_second_factor(self, username: str) -> None:
        """Both tables."""
        for table in (t.second_factor, t.recovery_code):
            self._connection.execute(sa.delete(table).where(table.c.account_id == _id(username)))

    def accounts_with_email(self, email: str) -> list[str]:
        """By name."""
        same = sa.func.lower(t.account.c.email) == email.lower()
        query = sa.select(t.account.c.username).where(same, t.account.c.active).order_by(t.account.c.username)
        return list(self._connection.execute(query).scalars())

    def reset_owner(self, token_hash: str, now: datetime) -> str | None:
        """By the hash of the token."""
        reset = t.password_reset.c
        query = (
            sa.select(t.account.c.username)
            .join(t.password_reset, reset.account_id == t.account.c.id)
            .where(reset.token_hash == token_hash, reset.until > now)
        )
        return self._connection.execute(query).scalar_one_or_none()

    def set_reset(self, username: str | None, token_hash: str, until: datetime, now: datetime) -> None:
        """Forget what is over and what was before, then add."""
        reset = t.password_reset.c
        mine = sa.null() if username is None else _id(username)
        over = sa.or_(reset.until <= now, reset.account_id == mine)
        self._connection.execute(sa.delete(t.password_reset).where(over))
        row = {"account_id": mine, "token_hash": token_hash, "until": until}
        self._connection.execute(sa.insert(t.password_reset).values(row))

    def end_reset(self, username: str) -> None:
        """Remove the row."""
        self._connection.execute(sa.delete(t.password_reset).where(t.password_reset.c.account_id == _id(username)))
