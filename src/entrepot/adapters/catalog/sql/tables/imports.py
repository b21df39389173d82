"""What was brought from other people's repositories, and from which."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, metadata

imported = sa.Table(
    "imported",
    metadata,
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True, autoincrement=False),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), primary_key=True, autoincrement=False),
    sa.Column("source_name", sa.String(64), nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("group_name", sa.String(128), nullable=False, index=True),
    sa.Column("job", sa.String(64), nullable=False),
    sa.Column("imported_by", sa.String(128), nullable=False),
    sa.Column("imported_at", Moment, nullable=False),
)
