"""Bundles.

Revision ID: 0029
Revises: 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bundle",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("made_here", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("chain", sa.String(32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("base", sa.String(32), nullable=False),
        sa.Column("label", sa.String(1000), nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("file_count", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("volumes", sa.JSON(), nullable=False),
        sa.Column("states", sa.JSON(), nullable=False),
        sa.Column("signer", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("noted_by", sa.String(128), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundle")),
        sa.UniqueConstraint("name", "made_here", name=op.f("uq_bundle_name_made_here")),
    )
    op.create_table(
        "bundle_target",
        sa.Column("id", _ID, nullable=False),
        sa.Column("bundle_id", _ID, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("list_path", sa.String(64), nullable=False),
        sa.Column("holding", sa.Boolean(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["bundle_id"], ["bundle.id"], name=op.f("fk_bundle_target_bundle_id_bundle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundle_target")),
        sa.UniqueConstraint("bundle_id", "suite_id", name=op.f("uq_bundle_target_bundle_id_suite_id")),
    )
    op.create_index(op.f("ix_bundle_target_suite_id"), "bundle_target", ["suite_id"])


def downgrade() -> None:
    op.drop_table("bundle_target")
    op.drop_table("bundle")
