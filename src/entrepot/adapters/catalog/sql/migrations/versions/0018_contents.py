"""What packages carry inside.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "composition",
        sa.Column("package_id", _ID, autoincrement=False, nullable=False),
        sa.Column("readers", sa.Integer, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_composition_package_id_package")),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_composition")),
    )
    op.create_table(
        "bundled",
        sa.Column("package_id", _ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("ecosystem", sa.String(32), nullable=False),
        sa.Column("name", sa.String(600), nullable=False),
        sa.Column("version", sa.String(256), nullable=False),
        sa.Column("purl", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("licence", sa.String(256), nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_bundled_package_id_package")),
        sa.PrimaryKeyConstraint("package_id", "number", name=op.f("pk_bundled")),
    )
    op.create_index("ix_bundled_name", "bundled", ["ecosystem", "name"])


def downgrade() -> None:
    op.drop_table("bundled")
    op.drop_table("composition")
