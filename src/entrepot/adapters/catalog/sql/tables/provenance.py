"""Keys that packages of a suite may be signed with, what it asks of their builds, and what came along to prove it."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

trusted_key = sa.Table(
    "trusted_key",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("name", sa.String(500), nullable=False),
    sa.Column("material", sa.LargeBinary, nullable=False),
    sa.Column("weak", sa.Boolean, nullable=False),
    sa.Column("expires_at", Moment, nullable=True),
    sa.Column("added_by", sa.String(128), nullable=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.UniqueConstraint("suite_id", "fingerprint"),
)

build_rule = sa.Table(
    "build_rule",
    metadata,
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), primary_key=True),
    sa.Column("rules", sa.JSON, nullable=False),
)

evidence = sa.Table(
    "evidence",
    metadata,
    id_column(),
    sa.Column("package_digest", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("added_by", sa.String(128), nullable=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.UniqueConstraint("package_digest", "digest"),
)
