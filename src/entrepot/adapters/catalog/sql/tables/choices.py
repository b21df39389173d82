"""Packages that mirrors choose from their sources, and documents that suites carry along with them."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

# ``run`` is the last run that wanted the package, ``judged`` what the gate went by.
mirror_choice = sa.Table(
    "mirror_choice",
    metadata,
    id_column(),
    sa.Column("mirror_id", Id, sa.ForeignKey("mirror.id"), nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("version", sa.String(255), nullable=False),
    sa.Column("architecture", sa.String(64), nullable=False),
    sa.Column("listed", sa.String(140), nullable=False),
    sa.Column("component", sa.String(128), nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("needed", sa.Boolean, nullable=False),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=True, index=True),
    sa.Column("steps", sa.JSON, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("judged", sa.String(64), nullable=False),
    sa.UniqueConstraint("mirror_id", "name", "version", "architecture", "listed"),
    sa.Index("ix_mirror_choice_state", "mirror_id", "state", "run"),
)

# Without ``shown`` it waits for the end of the run of a mirror.  ``body`` is packed with gzip.
suite_document = sa.Table(
    "suite_document",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("shown", sa.Boolean, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("brought_at", Moment, nullable=False),
    sa.UniqueConstraint("suite_id", "kind", "shown"),
)
