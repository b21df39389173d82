"""Counted downloads, and indexes for the sums of the dashboard.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_log",
        sa.Column("log", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("inside_line", sa.Boolean(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_access_log")),
    )
    op.create_table(
        "download_audience",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("package", sa.String(length=265), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "package", name=op.f("pk_download_audience")),
    )
    op.create_table(
        "download_client",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("package", sa.String(length=265), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("day", "package", "client", name=op.f("pk_download_client")),
    )
    op.create_table(
        "download_day",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("client_type", sa.String(length=16), nullable=False),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("sent_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "format", "client_type", name=op.f("pk_download_day")),
    )
    op.create_table(
        "download_item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("version", sa.String(length=256), nullable=False),
        sa.Column("architecture", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=600), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_download_item")),
        sa.UniqueConstraint(
            "format", "name", "version", "architecture", name=op.f("uq_download_item_format_name_version_architecture")
        ),
    )
    op.create_table(
        "download_salt",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_download_salt")),
    )
    op.create_table(
        "download_count",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("client_type", sa.String(length=16), nullable=False),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("sent_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["download_item.id"], name=op.f("fk_download_count_item_id_download_item")
        ),
        sa.PrimaryKeyConstraint("day", "item_id", "client_type", name=op.f("pk_download_count")),
    )
    op.create_table(
        "download_recent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("client_type", sa.String(length=16), nullable=False),
        sa.Column("sent_bytes", sa.BigInteger(), nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=1200), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["download_item.id"], name=op.f("fk_download_recent_item_id_download_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_download_recent")),
    )

    # Sums of the dashboard come from indexes alone.
    live = sa.text("removed_revision IS NULL")
    said = sa.text("justification != ''")
    op.create_index("ix_admission_justified", "admission", ["state"], sqlite_where=said, postgresql_where=said)
    op.create_index("ix_audit_activity", "audit", ["action", "at", "result"])
    op.create_index("ix_content_listed", "content", ["package_id"], sqlite_where=live, postgresql_where=live)
    op.create_index("ix_package_weight", "package", ["name", "format", "size_bytes"])


def downgrade() -> None:
    op.drop_index("ix_package_weight", "package")
    op.drop_index("ix_content_listed", "content")
    op.drop_index("ix_audit_activity", "audit")
    op.drop_index("ix_admission_justified", "admission")
    op.drop_table("download_recent")
    op.drop_table("download_count")
    op.drop_table("download_salt")
    op.drop_table("download_item")
    op.drop_table("download_day")
    op.drop_table("download_client")
    op.drop_table("download_audience")
    op.drop_table("access_log")
