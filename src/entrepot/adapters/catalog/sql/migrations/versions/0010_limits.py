"""Rates that nodes share.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_window",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("began_ms", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("used_before", sa.BigInteger(), nullable=False),
        sa.Column("forget_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_window")),
    )
    op.create_index(op.f("ix_rate_window_forget_ms"), "rate_window", ["forget_ms"])


def downgrade() -> None:
    op.drop_index(op.f("ix_rate_window_forget_ms"), table_name="rate_window")
    op.drop_table("rate_window")
