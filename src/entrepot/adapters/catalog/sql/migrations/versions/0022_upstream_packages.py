"""What upstream repositories offer.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upstream_package",
        sa.Column(
            "source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "name",
            sa.String(length=255).with_variant(postgresql.VARCHAR(length=255, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.String(length=255), nullable=False),
        sa.Column("architecture", sa.String(length=64), nullable=False),
        sa.Column("component", sa.String(length=128), nullable=False),
        sa.Column("section", sa.String(length=100), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("source_package", sa.String(length=255), nullable=False),
        sa.Column("multi_arch", sa.String(length=16), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("installed_bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=140), nullable=False),
        sa.Column("relations", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_upstream_package_source_id_source")),
        sa.PrimaryKeyConstraint("source_id", "generation", "number", name=op.f("pk_upstream_package")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_upstream_package_name", "upstream_package", ["name", "source_id", "generation"], unique=False)

    op.create_table(
        "upstream_capability",
        sa.Column(
            "name",
            sa.String(length=255).with_variant(postgresql.VARCHAR(length=255, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", "source_id", "generation", "number", name=op.f("pk_upstream_capability")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_upstream_capability_row", "upstream_capability", ["source_id", "generation", "number"], unique=False
    )


def downgrade() -> None:
    op.drop_table("upstream_capability")
    op.drop_table("upstream_package")
