"""Suites that show an upstream's own files, and where the bytes of these are."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

mirror = sa.Table(
    "mirror",
    metadata,
    id_column(),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("source_id", Id, sa.ForeignKey("source.id"), nullable=False, index=True),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False, unique=True),
    sa.Column("every_hours", sa.Integer, nullable=False),
    sa.Column("on_bad", sa.String(16), nullable=False),
    sa.Column("runs", sa.Integer, nullable=False),
    sa.Column("root", sa.JSON, nullable=False),
    sa.Column("selection", sa.String(64), nullable=False),
    sa.Column("file_count", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("checked_at", Moment, nullable=True),
    sa.Column("changed_at", Moment, nullable=True),
    sa.Column("attempted_at", Moment, nullable=True),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("error_code", sa.String(48), nullable=False),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False, server_default="verbatim"),
    sa.Column("filter", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("keep_removed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("download_policy", sa.String(16), nullable=False, server_default="immediate"),
    sa.Column("sources", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("installer", sa.Boolean, nullable=False, server_default=sa.false()),
)

# ``run`` is the last run that wanted the file.  Without ``added_revision`` it is on its way into the next generation.
# Without ``digest`` it is listed and not stored; whoever fetches it has it alone until ``claimed_until``.
mirror_file = sa.Table(
    "mirror_file",
    metadata,
    id_column(),
    sa.Column("path", sa.String(1024), nullable=False),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("listed", sa.String(140), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("hidden", sa.Boolean, nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("added_revision", sa.BigInteger, nullable=True),
    sa.Column("removed_revision", sa.BigInteger, nullable=True),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("package", sa.String(330), nullable=False, server_default=""),
    sa.Column("claimed_until", Moment, nullable=True),
    sa.UniqueConstraint("path", "suite_id", "listed"),
    sa.Index("ix_mirror_file_suite", "suite_id", "run"),
    sa.Index(
        "ix_mirror_file_absent",
        "suite_id",
        sqlite_where=sa.text("digest = ''"),
        postgresql_where=sa.text("digest = ''"),
    ),
)
