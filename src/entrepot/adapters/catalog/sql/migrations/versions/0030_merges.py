"""Merged snapshots.

Revision ID: 0030
Revises: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "merge",
        sa.Column("id", _ID, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("rule", sa.String(16), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_merge_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge")),
    )
    op.create_index(op.f("ix_merge_suite_id"), "merge", ["suite_id"])
    op.create_index(
        "ix_content_apart",
        "content",
        ["suite_id", "added_revision", "component", "sort_key"],
        sqlite_where=sa.text("added_revision < 0"),
        postgresql_where=sa.text("added_revision < 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_content_apart", "content")
    op.drop_table("merge")
