"""What lists, searches and solvers ask, narrow and in order: derived from packages, contents and admissions."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, metadata

# One row for each package that a suite holds, or that waits for it.
shelf = sa.Table(
    "shelf",
    metadata,
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), primary_key=True),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("architecture", sa.String(64), nullable=False),
    sa.Column("waits", sa.Boolean, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # Wide enough for every page and every count without a search text.
    sa.Index("ix_shelf_name", "name", "package_id", "suite_id", "architecture", "waits"),
    sa.Index("ix_shelf_suite", "suite_id", "name", "package_id", "architecture", "waits"),
    sa.Index("ix_shelf_sizes", "suite_id", "waits", "size_bytes", "added_at"),
)

# What a package offers to others beside its own name.
capability = sa.Table(
    "capability",
    metadata,
    sa.Column("name", sa.String(512), primary_key=True),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True),
)
