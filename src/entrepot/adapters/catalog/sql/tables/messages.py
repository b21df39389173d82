"""Messages that go out, how far events were looked at, texts of mails that were changed."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

message = sa.Table(
    "message",
    metadata,
    id_column(),
    sa.Column("ident", sa.String(64), nullable=False, unique=True),
    sa.Column("medium", sa.String(16), nullable=False),
    sa.Column("event", sa.String(48), nullable=False),
    sa.Column("subject", sa.String(300), nullable=False),
    sa.Column("recipient", sa.String(300), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("next_at", Moment, nullable=False),
    sa.Column("give_up_at", Moment, nullable=False),
    sa.Column("finished_at", Moment, nullable=True),
    sa.Column("last_error", sa.String(500), nullable=False),
    sa.Column("http_status", sa.Integer, nullable=True),
    sa.Index(
        "ix_message_due",
        "medium",
        "next_at",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    ),
)

event_position = sa.Table(
    "event_position",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("position", Id, nullable=False),
)

mail_template = sa.Table(
    "mail_template",
    metadata,
    sa.Column("name", sa.String(48), primary_key=True),
    sa.Column("subject", sa.String(300), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("changed_by", sa.String(128), nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
)
