"""Small facts, throttles, nodes."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Moment, metadata

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
