"""Messages that go out, events that were looked at, texts of mails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.messages import (
    Arrival,
    MailTemplate,
    Medium,
    Message,
    MessageFilter,
    MessageState,
)
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import Row
from entrepot.domain.model.suite import SuiteId

_POSITION = "audit"
_WAITING = t.message.c.state == MessageState.WAITING.value


class MessageQueries:
    """Implements ``MessageReading`` and ``MessageWriting``."""

    _connection: sa.Connection

    def message(self, ident: str) -> Message | None:
        """One by its id."""
        row = self._connection.execute(sa.select(t.message).where(t.message.c.ident == ident)).first()
        return None if row is None else _message_of(row)

    def message_page(self, conditions: MessageFilter, offset: int, limit: int) -> tuple[list[Message], int]:
        """A page and the number of all."""
        fits: list[sa.ColumnElement[bool]] = [sa.true()]
        if conditions.medium is not None:
            fits.append(t.message.c.medium == conditions.medium.value)
        if conditions.state is not None:
            fits.append(t.message.c.state == conditions.state.value)
        if conditions.event:
            fits.append(t.message.c.event == conditions.event)
        total = self._connection.execute(sa.select(sa.func.count()).select_from(t.message).where(*fits)).scalar_one()
        query = sa.select(t.message).where(*fits).order_by(t.message.c.id.desc()).offset(offset).limit(limit)
        return [_message_of(row) for row in self._connection.execute(query)], int(total)

    def messages_due(self, now: datetime) -> bool:
        """Over the index of those that wait."""
        due = sa.select(t.message.c.id).where(
            _WAITING, t.message.c.medium.in_([each.value for each in Medium]), t.message.c.next_at <= now
        )
        return self._connection.execute(due.limit(1)).first() is not None

    def event_position(self) -> int | None:
        """How far."""
        query = sa.select(t.event_position.c.position).where(t.event_position.c.name == _POSITION)
        return self._connection.execute(query).scalar_one_or_none()

    def arrivals(self, suite_id: SuiteId, after: int, until: int, limit: int) -> tuple[list[Arrival], int]:
        """Those that entered and stayed."""
        content, package = t.content.c, t.package.c
        entered = sa.and_(
            content.suite_id == suite_id,
            content.added_revision > after,
            content.added_revision <= until,
            sa.or_(content.removed_revision.is_(None), content.removed_revision > until),
        )
        total = self._connection.execute(sa.select(sa.func.count()).select_from(t.content).where(entered)).scalar_one()
        query = (
            sa.select(package.name, package.version, package.architecture, package.digest, content.added_by)
            .join(t.package, package.id == content.package_id)
            .where(entered)
            .order_by(content.id)
            .limit(limit)
        )
        return [Arrival(*row) for row in self._connection.execute(query)], int(total)

    def mail_templates(self) -> list[MailTemplate]:
        """All that were changed."""
        query = sa.select(t.mail_template).order_by(t.mail_template.c.name)
        return [MailTemplate(**_columns(row)) for row in self._connection.execute(query)]

    def add_messages(self, messages: Sequence[Message]) -> None:
        """In one statement."""
        if messages:
            self._connection.execute(sa.insert(t.message), [_values_of(message) for message in messages])

    def claim_message(self, medium: Medium, now: datetime, until: datetime) -> Message | None:
        """Rows that another unit is claiming are passed over."""
        due = (
            sa.select(t.message.c.id)
            .where(_WAITING, t.message.c.medium == medium.value, t.message.c.next_at <= now)
            .order_by(t.message.c.next_at, t.message.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        found = self._connection.execute(due).scalar_one_or_none()
        if found is None:
            return None
        claim = (
            sa.update(t.message)
            .where(t.message.c.id == found)
            .values(next_at=until, attempts=t.message.c.attempts + 1)
            .returning(*t.message.c)
        )
        return _message_of(self._connection.execute(claim).one())

    def conclude_message(self, message: Message) -> bool:
        """Compare and set: the number of attempts tells whose claim it is."""
        query = (
            sa.update(t.message)
            .where(_WAITING, t.message.c.ident == message.ident, t.message.c.attempts == message.attempts)
            .values(
                state=message.state.value,
                next_at=message.next_at,
                finished_at=message.finished_at,
                last_error=message.last_error,
                http_status=message.http_status,
                body=message.body,
            )
        )
        return self._connection.execute(query).rowcount == 1

    def revive_message(self, ident: str, now: datetime, give_up_at: datetime) -> bool:
        """One more attempt is counted, so that a sender who still has it cannot conclude it."""
        query = (
            sa.update(t.message)
            .where(t.message.c.ident == ident)
            .values(
                state=MessageState.WAITING.value,
                attempts=t.message.c.attempts + 1,
                next_at=now,
                give_up_at=give_up_at,
                finished_at=None,
            )
        )
        return self._connection.execute(query).rowcount == 1

    def forget_messages(self, before: datetime) -> int:
        """The old part of the log."""
        query = sa.delete(t.message).where(t.message.c.finished_at < before)
        return int(self._connection.execute(query).rowcount)

    def move_event_position(self, before: int | None, after: int) -> bool:
        """The row is locked until the unit ends."""
        if before is not None:
            query = sa.update(t.event_position).where(
                t.event_position.c.name == _POSITION, t.event_position.c.position == before
            )
            return self._connection.execute(query.values(position=after)).rowcount == 1
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        fresh = insert(t.event_position).values(name=_POSITION, position=after)
        begun = fresh.on_conflict_do_nothing(index_elements=["name"]).returning(t.event_position.c.name)
        return self._connection.execute(begun).first() is not None

    def set_mail_template(self, template: MailTemplate) -> None:
        """In one statement."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        values = asdict(template)
        fresh = insert(t.mail_template).values(values)
        self._connection.execute(fresh.on_conflict_do_update(index_elements=["name"], set_=values))

    def remove_mail_template(self, name: str) -> bool:
        """True for the one who removed it."""
        query = sa.delete(t.mail_template).where(t.mail_template.c.name == name)
        return self._connection.execute(query).rowcount == 1


def _columns(row: Row) -> dict[str, Any]:
    return dict(cast("Any", row._mapping))  # noqa: SLF001 - the documented way to a row by names


def _values_of(message: Message) -> dict[str, Any]:
    return {**asdict(message), "medium": message.medium.value, "state": message.state.value}


def _message_of(row: Row) -> Message:
    columns = _columns(row)
    columns.pop("id")
    return Message(**{**columns, "medium": Medium(row.medium), "state": MessageState(row.state)})
