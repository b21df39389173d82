"""Accounts, audit, small facts, throttles, nodes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from entrepot.adapters.catalog.base import Account, AuditEntry, JsonValue
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import account_of
from entrepot.domain.model.actor import Actor
from entrepot.errors import AlreadyExists, NotFound


class PeopleQueries:
    """Implements ``PeopleReading`` and its half of ``Writing``."""

    _connection: sa.Connection

    def account(self, username: str) -> Account | None:
        """One by name."""
        row = self._connection.execute(sa.select(t.account).where(t.account.c.username == username)).first()
        return None if row is None else account_of(row)

    def accounts(self) -> list[Account]:
        """By name."""
        query = sa.select(t.account).order_by(t.account.c.username)
        return [account_of(row) for row in self._connection.execute(query)]

    def fact(self, name: str) -> JsonValue:
        """None when nobody set it."""
        query = sa.select(t.fact.c.value).where(t.fact.c.name == name)
        return cast("JsonValue", self._connection.execute(query).scalar_one_or_none())

    def throttled(self, key: str, now: datetime) -> tuple[int, datetime] | None:
        """The open window."""
        query = sa.select(t.throttle.c.count.label("counted"), t.throttle.c.until).where(t.throttle.c.key == key)
        row = self._connection.execute(query).first()
        return None if row is None or row.until <= now else (row.counted, row.until)

    def audit_entries(self, limit: int, package: str | None = None) -> list[AuditEntry]:
        """Newest first."""
        query = sa.select(t.audit).order_by(t.audit.c.id.desc()).limit(limit)
        if package is not None:
            query = query.where(t.audit.c.package == package)
        return [
            AuditEntry(
                action=row.action,
                result=row.result,
                actor=Actor(row.user, frozenset(), row.address),
                at=row.at,
                package=row.package,
                version=row.version,
                suite=row.suite,
                detail=row.detail,
            )
            for row in self._connection.execute(query)
        ]

    def silent_nodes(self, before: datetime) -> list[str]:
        """Working nodes that were last heard of before a time."""
        query = sa.select(t.node.c.name).where(t.node.c.seen_at < before, t.node.c.works)
        return list(self._connection.execute(query).scalars())

    def add_account(self, account: Account) -> None:
        """A new account."""
        query = sa.insert(t.account).values(
            username=account.username,
            password_hash=account.password_hash,
            roles=sorted(role.value for role in account.roles),
            full_name=account.full_name,
            email=account.email,
            active=account.active,
            session_epoch=account.session_epoch,
            created_at=account.created_at,
            last_login=account.last_login,
        )
        try:
            self._connection.execute(query)
        except IntegrityError as error:
            raise AlreadyExists(f"user {account.username} exists already") from error

    def change_account(self, username: str, values: Mapping[str, object]) -> None:
        """Set columns of one account."""
        query = sa.update(t.account).where(t.account.c.username == username).values(dict(values))
        if self._connection.execute(query).rowcount != 1:
            raise NotFound(f"no user {username}")

    def set_fact(self, name: str, value: JsonValue) -> None:
        """Set or replace."""
        changed = self._connection.execute(sa.update(t.fact).where(t.fact.c.name == name).values(value=value))
        if changed.rowcount == 0:
            self._connection.execute(sa.insert(t.fact).values(name=name, value=value))

    def throttle(self, key: str, now: datetime, window_seconds: int) -> int:
        """Count one more."""
        counted = sa.update(t.throttle).where(t.throttle.c.key == key, t.throttle.c.until > now)
        query = counted.values(count=t.throttle.c.count + 1).returning(t.throttle.c.count)
        count = self._connection.execute(query).scalar_one_or_none()
        if count is not None:
            return int(count)
        self._connection.execute(
            sa.delete(t.throttle).where(sa.or_(t.throttle.c.key == key, t.throttle.c.until <= now))
        )
        until = now + timedelta(seconds=window_seconds)
        self._connection.execute(sa.insert(t.throttle).values(key=key, count=1, until=until))
        return 1

    def unthrottle(self, key: str) -> None:
        """Forget the window."""
        self._connection.execute(sa.delete(t.throttle).where(t.throttle.c.key == key))

    def audit(self, entry: AuditEntry) -> None:
        """Append."""
        self._connection.execute(
            sa.insert(t.audit).values(
                at=entry.at,
                action=entry.action,
                result=entry.result,
                user=entry.actor.name,
                address=entry.actor.address,
                package=entry.package,
                version=entry.version,
                suite=entry.suite,
                detail=dict(entry.detail),
            )
        )

    def beat(self, node: str, now: datetime, *, works: bool) -> None:
        """Say that a node lives."""
        changed = self._connection.execute(
            sa.update(t.node).where(t.node.c.name == node).values(seen_at=now, works=works)
        )
        if changed.rowcount == 0:
            self._connection.execute(sa.insert(t.node).values(name=node, seen_at=now, works=works))

    def forget_node(self, node: str) -> bool:
        """True for the one who removed it."""
        return self._connection.execute(sa.delete(t.node).where(t.node.c.name == node)).rowcount == 1
