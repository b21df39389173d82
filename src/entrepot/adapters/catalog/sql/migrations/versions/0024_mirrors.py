"""Suites that follow an upstream.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("suite", sa.Column("verbatim", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "mirror",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("every_hours", sa.Integer(), nullable=False),
        sa.Column("on_bad", sa.String(16), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("root", sa.JSON(), nullable=False),
        sa.Column("selection", sa.String(64), nullable=False),
        sa.Column("file_count", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("attempted_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("error_code", sa.String(48), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_mirror_source_id_source")),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_mirror_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mirror")),
        sa.UniqueConstraint("name", name=op.f("uq_mirror_name")),
        sa.UniqueConstraint("suite_id", name=op.f("uq_mirror_suite_id")),
    )
    op.create_index(op.f("ix_mirror_source_id"), "mirror", ["source_id"])
    op.create_table(
        "mirror_file",
        sa.Column("id", _ID, nullable=False),
        sa.Column("path", sa.String(1024), nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("listed", sa.String(140), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("added_revision", sa.BigInteger(), nullable=True),
        sa.Column("removed_revision", sa.BigInteger(), nullable=True),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_mirror_file_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mirror_file")),
        sa.UniqueConstraint("path", "suite_id", "listed", name=op.f("uq_mirror_file_path_suite_id_listed")),
    )
    op.create_index("ix_mirror_file_suite", "mirror_file", ["suite_id", "run"])


def downgrade() -> None:
    op.drop_table("mirror_file")
    op.drop_table("mirror")
    op.drop_column("suite", "verbatim")
