"""What packages carry inside."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, metadata

composition = sa.Table(
    "composition",
    metadata,
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True, autoincrement=False),
    sa.Column("readers", sa.Integer, nullable=False),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("read_at", Moment, nullable=False),
)

bundled = sa.Table(
    "bundled",
    metadata,
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("ecosystem", sa.String(32), nullable=False),
    sa.Column("name", sa.String(600), nullable=False),
    sa.Column("version", sa.String(256), nullable=False),
    sa.Column("purl", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("licence", sa.String(256), nullable=False),
    sa.Index("ix_bundled_name", "ecosystem", "name"),
)
