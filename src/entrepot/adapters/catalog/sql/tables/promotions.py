"""Promotions that a person has to decide about."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

promotion = sa.Table(
    "promotion",
    metadata,
    id_column(),
    sa.Column("source_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("target_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("version", sa.String(256), nullable=False),
    sa.Column("packages", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("verdict", sa.JSON, nullable=False),
    sa.Column("justification", sa.Text, nullable=False),
    sa.Column("requested_by", sa.String(128), nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("decided_by", sa.String(128), nullable=True),
    sa.Column("decided_at", Moment, nullable=True),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Index("ix_promotion_state", "state", "id"),
    sa.Index("ix_promotion_name", "name", "id"),
)
