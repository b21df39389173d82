"""What was fetched from upstream.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imported",
        sa.Column(
            "package_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column(
            "suite_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("source_name", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("group_name", sa.String(length=128), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("imported_by", sa.String(length=128), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_imported_package_id_package")),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_imported_suite_id_suite")),
        sa.PrimaryKeyConstraint("package_id", "suite_id", name=op.f("pk_imported")),
    )
    op.create_index(op.f("ix_imported_group_name"), "imported", ["group_name"], unique=False)


def downgrade() -> None:
    op.drop_table("imported")
