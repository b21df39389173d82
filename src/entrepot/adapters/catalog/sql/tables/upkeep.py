"""Audit, small facts, throttles, nodes."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Moment, id_column, metadata

audit = sa.Table(
    "audit",
    metadata,
    id_column(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("action", sa.String(48), nullable=False),
    sa.Column("result", sa.String(24), nullable=False),
    sa.Column("user", sa.String(128), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("package", sa.String(256), nullable=True),
    sa.Column("version", sa.String(256), nullable=True),
    sa.Column("suite", sa.String(300), nullable=True),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Index("ix_audit_at", "at"),
    sa.Index("ix_audit_package", "package", "at"),
)

fact = sa.Table(
    "fact",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)

throttle = sa.Table(
    "throttle",
    metadata,
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("until", Moment, nullable=False),
)

node = sa.Table(
    "node",
    metadata,
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("works", sa.Boolean, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)
