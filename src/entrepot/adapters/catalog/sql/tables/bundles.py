"""Bundles that were made here or came here, and the suites that they go into."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

bundle = sa.Table(
    "bundle",
    metadata,
    id_column(),
    sa.Column("name", sa.String(32), nullable=False),
    sa.Column("made_here", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("chain", sa.String(32), nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("base", sa.String(32), nullable=False),
    sa.Column("label", sa.String(1000), nullable=False),
    sa.Column("head", sa.String(64), nullable=False),
    sa.Column("file_count", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("volumes", sa.JSON, nullable=False),
    sa.Column("states", sa.JSON, nullable=False),
    sa.Column("signer", sa.String(64), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("noted_at", Moment, nullable=False),
    sa.Column("noted_by", sa.String(128), nullable=False),
    sa.Column("finished_at", Moment, nullable=True),
    sa.Column("result", sa.JSON, nullable=False),
    sa.UniqueConstraint("name", "made_here"),
)

# Suites may go: what was imported into them is forgotten with the bundle.
bundle_target = sa.Table(
    "bundle_target",
    metadata,
    id_column(),
    sa.Column("bundle_id", Id, sa.ForeignKey("bundle.id"), nullable=False),
    sa.Column("suite_id", Id, nullable=False, index=True),
    sa.Column("before", sa.BigInteger, nullable=False),
    sa.Column("list_path", sa.String(64), nullable=False),
    sa.Column("holding", sa.Boolean, nullable=False),
    sa.Column("done", sa.Boolean, nullable=False),
    sa.UniqueConstraint("bundle_id", "suite_id"),
)
