"""Accounts that come from a directory or an identity provider, and trusted CI identities.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("auth_source", sa.String(length=16), nullable=False, server_default="local"))
        batch_op.add_column(sa.Column("external_key", sa.String(length=64), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_account_external_key"), ["external_key"])

    op.create_table(
        "sign_in_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_sign_in_code")),
    )
    with op.batch_alter_table("sign_in_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_code_until"), ["until"], unique=False)


def downgrade() -> None:
    op.drop_table("sign_in_code")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_account_external_key"), type_="unique")
        batch_op.drop_column("external_key")
        batch_op.drop_column("auth_source")
