"""Archives, suites, packages, where they stand, and generations."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

archive = sa.Table(
    "archive",
    metadata,
    id_column(),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.UniqueConstraint("format", "name"),
)

suite = sa.Table(
    "suite",
    metadata,
    id_column(),
    sa.Column("archive_id", Id, sa.ForeignKey("archive.id"), nullable=False),
    sa.Column("codename", sa.String(128), nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("published_revision", sa.BigInteger, nullable=False),
    sa.Column("late_revision", sa.BigInteger, nullable=False),
    sa.Column("oldest_kept_revision", sa.BigInteger, nullable=False),
    sa.Column("generation_id", Id, nullable=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("verbatim", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("settling", sa.Integer, nullable=False, server_default="0"),
    sa.Column("former_codename", sa.String(128), nullable=True),  # of one that was removed; it has no name any more
    sa.UniqueConstraint("archive_id", "codename"),
)

package = sa.Table(
    "package",
    metadata,
    id_column(),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("sha512", sa.String(128), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("version", sa.String(256), nullable=False),
    sa.Column("architecture", sa.String(64), nullable=False),
    sa.Column("filename", sa.String(600), nullable=False),
    sa.Column("source", sa.String(256), nullable=False),
    sa.Column("section", sa.String(256), nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("received_by", sa.String(128), nullable=False),
    sa.Index("ix_package_name", "name", "format", "architecture"),
)

fragment = sa.Table(
    "fragment",
    metadata,
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

claim = sa.Table(
    "claim",
    metadata,
    sa.Column("archive_id", Id, sa.ForeignKey("archive.id"), primary_key=True),
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("version", sa.String(256), primary_key=True),
    sa.Column("architecture", sa.String(64), primary_key=True),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=False),
)

pool = sa.Table(
    "pool",
    metadata,
    sa.Column("archive_id", Id, sa.ForeignKey("archive.id"), primary_key=True),
    sa.Column("path", sa.String(1024), primary_key=True),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=False),
)

content = sa.Table(
    "content",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=False),
    sa.Column("component", sa.String(128), nullable=False),
    sa.Column("architecture", sa.String(64), nullable=False),
    sa.Column("sort_key", sa.LargeBinary, nullable=False),
    sa.Column("pool_path", sa.String(1024), nullable=False),
    sa.Column("added_revision", sa.BigInteger, nullable=False),
    sa.Column("removed_revision", sa.BigInteger, nullable=True),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("added_by", sa.String(128), nullable=False),
    sa.Index("ix_content_added", "suite_id", "added_revision"),
    sa.Index(
        "ix_content_removed",
        "suite_id",
        "removed_revision",
        sqlite_where=sa.text("removed_revision IS NOT NULL"),
        postgresql_where=sa.text("removed_revision IS NOT NULL"),
    ),
    sa.Index(
        "ix_content_live",
        "suite_id",
        "component",
        "sort_key",
        "architecture",  # last, so that counting needs no look at the rows
        sqlite_where=sa.text("removed_revision IS NULL"),
        postgresql_where=sa.text("removed_revision IS NULL"),
    ),
    sa.Index(
        "uq_content_live",
        "suite_id",
        "package_id",
        unique=True,
        sqlite_where=sa.text("removed_revision IS NULL"),
        postgresql_where=sa.text("removed_revision IS NULL"),
    ),
    sa.Index(
        "ix_content_order",
        "sort_key",
        "id",
        sqlite_where=sa.text("removed_revision IS NULL"),
        postgresql_where=sa.text("removed_revision IS NULL"),
    ),
    sa.Index("ix_content_package", "package_id", "suite_id"),
    sa.Index(
        "ix_content_apart",
        "suite_id",
        "added_revision",
        "component",
        "sort_key",
        sqlite_where=sa.text("added_revision < 0"),
        postgresql_where=sa.text("added_revision < 0"),
    ),
)

admission = sa.Table(
    "admission",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=False),
    sa.Column("component", sa.String(128), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("steps", sa.JSON, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("requested_by", sa.String(128), nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("decided_by", sa.String(128), nullable=True),
    sa.Column("decided_at", Moment, nullable=True),
    sa.Column("justification", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=True),
    sa.Index("ix_admission_package", "package_id", "suite_id"),
    sa.Index("ix_admission_state", "state", "suite_id"),
)

generation = sa.Table(
    "generation",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("manifest", sa.String(64), nullable=False),
    sa.Column("package_count", sa.BigInteger, nullable=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("superseded_at", Moment, nullable=True),
    sa.Column("refresh_at", Moment, nullable=True),
    sa.UniqueConstraint("suite_id", "number"),
)

generation_file = sa.Table(
    "generation_file",
    metadata,
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), primary_key=True),
    sa.Column("digest", sa.String(128), primary_key=True),
    sa.Column("generation_id", Id, sa.ForeignKey("generation.id"), nullable=False, index=True),
)
