"""Content that was frozen under a name.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "snapshot",
        sa.Column("id", _ID, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("generation_id", _ID, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("content_id", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.String(1000), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_snapshot_suite_id_suite")),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generation.id"], name=op.f("fk_snapshot_generation_id_generation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("suite_id", "name", name=op.f("uq_snapshot_suite_id_name")),
    )
    op.create_index(op.f("ix_snapshot_generation_id"), "snapshot", ["generation_id"])
    op.create_index(op.f("ix_snapshot_content_id"), "snapshot", ["content_id"])


def downgrade() -> None:
    op.drop_table("snapshot")
