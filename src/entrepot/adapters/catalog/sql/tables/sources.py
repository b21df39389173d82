"""Repositories of other people, and the packages that their indexes list."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

# Compared byte by byte on every engine, so that a prefix is a range of the index.
Name = sa.String(255).with_variant(postgresql.VARCHAR(255, collation="C"), "postgresql")

source = sa.Table(
    "source",
    metadata,
    id_column(),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("label", sa.String(200), nullable=False),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("url", sa.String(500), nullable=False),
    sa.Column("distribution", sa.String(128), nullable=False),
    sa.Column("components", sa.JSON, nullable=False),
    sa.Column("architectures", sa.JSON, nullable=False),
    sa.Column("keyring", sa.Text, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("security", sa.Boolean, nullable=False),
    sa.Column("builtin", sa.Boolean, nullable=False),
    sa.Column("trust", sa.JSON, nullable=False),
    sa.Column("reach", sa.JSON, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("built", sa.Integer, nullable=False),
    sa.Column("package_count", sa.Integer, nullable=False),
    sa.Column("checked_at", Moment, nullable=True),
    sa.Column("changed_at", Moment, nullable=True),
    sa.Column("attempted_at", Moment, nullable=True),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("error_code", sa.String(48), nullable=False),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("root", sa.JSON, nullable=False),
    sa.UniqueConstraint("url", "distribution"),
)

upstream_package = sa.Table(
    "upstream_package",
    metadata,
    sa.Column("source_id", Id, sa.ForeignKey("source.id"), primary_key=True, autoincrement=False),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", Name, nullable=False),
    sa.Column("version", sa.String(255), nullable=False),
    sa.Column("architecture", sa.String(64), nullable=False),
    sa.Column("component", sa.String(128), nullable=False),
    sa.Column("section", sa.String(100), nullable=False),
    sa.Column("priority", sa.String(32), nullable=False, server_default=""),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("source_package", sa.String(255), nullable=False),
    sa.Column("multi_arch", sa.String(16), nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("installed_bytes", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(140), nullable=False),
    sa.Column("relations", sa.Text, nullable=False),
    sa.Index("ix_upstream_package_name", "name", "source_id", "generation"),
    sqlite_with_rowid=False,
)

upstream_capability = sa.Table(
    "upstream_capability",
    metadata,
    sa.Column("name", Name, primary_key=True),
    sa.Column("source_id", Id, primary_key=True, autoincrement=False),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Index("ix_upstream_capability_row", "source_id", "generation", "number"),
    sqlite_with_rowid=False,
)
