"""Content that was frozen under a name, and the names that move."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

snapshot = sa.Table(
    "snapshot",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("generation_id", Id, sa.ForeignKey("generation.id"), nullable=False, index=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("content_id", sa.String(64), nullable=False, index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("description", sa.String(1000), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.String(128), nullable=False),
    sa.UniqueConstraint("suite_id", "name"),
)

# The packages of a merge are rows of ``content`` that were there at revision ``-id`` alone.
merge = sa.Table(
    "merge",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False, index=True),
    sa.Column("rule", sa.String(16), nullable=False),
    sa.Column("sources", sa.JSON, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

environment = sa.Table(
    "environment",
    metadata,
    id_column(),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("description", sa.String(1000), nullable=False),
    sa.Column("protected", sa.Boolean, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.String(128), nullable=False),
)

environment_move = sa.Table(
    "environment_move",
    metadata,
    id_column(),
    sa.Column("environment_id", Id, sa.ForeignKey("environment.id"), nullable=False),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("snapshot_id", Id, sa.ForeignKey("snapshot.id"), nullable=True, index=True),
    sa.Column("current", sa.Boolean, nullable=False),
    sa.Column("moved_at", Moment, nullable=False),
    sa.Column("moved_by", sa.String(128), nullable=False),
    sa.Column("reason", sa.String(1000), nullable=False),
    sa.Index("ix_environment_move_place", "environment_id", "suite_id", "id"),
    sa.Index(
        "uq_environment_move_current",
        "environment_id",
        "suite_id",
        unique=True,
        sqlite_where=sa.text("current"),
        postgresql_where=sa.text("current"),
    ),
)
