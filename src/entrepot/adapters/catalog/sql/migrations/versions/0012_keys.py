"""Signing keys that take over from each other.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signing_state",
        sa.Column("archive_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("certificate", sa.String(length=64), nullable=False),
        sa.Column("fingerprints", sa.JSON(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["archive_id"], ["archive.id"], name=op.f("fk_signing_state_archive_id_archive")),
        sa.PrimaryKeyConstraint("archive_id", name=op.f("pk_signing_state")),
    )


def downgrade() -> None:
    op.drop_table("signing_state")
