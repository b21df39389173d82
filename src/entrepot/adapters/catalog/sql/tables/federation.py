"""One-time codes that a browser exchanges for its session."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Moment, metadata

sign_in_code = sa.Table(
    "sign_in_code",
    metadata,
    sa.Column("code_hash", sa.String(64), primary_key=True),
    sa.Column("browser_hash", sa.String(64), nullable=False),
    sa.Column("username", sa.String(64), nullable=False),
    sa.Column("session_epoch", sa.Integer, nullable=False),
    sa.Column("until", Moment, nullable=False, index=True),
)
