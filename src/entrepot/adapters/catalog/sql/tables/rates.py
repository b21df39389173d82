"""Rates that all nodes share."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import metadata

rate_window = sa.Table(
    "rate_window",
    metadata,
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("began_ms", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("used_before", sa.BigInteger, nullable=False),
    sa.Column("forget_ms", sa.BigInteger, nullable=False, index=True),
)
