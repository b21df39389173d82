"""Keys that packages may be signed with, and statements about how they were built.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "trusted_key",
        sa.Column("id", _ID, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("material", sa.LargeBinary(), nullable=False),
        sa.Column("weak", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("added_by", sa.String(length=128), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_trusted_key_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trusted_key")),
        sa.UniqueConstraint("suite_id", "fingerprint", name=op.f("uq_trusted_key_suite_id_fingerprint")),
    )
    op.create_table(
        "build_rule",
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_build_rule_suite_id_suite")),
        sa.PrimaryKeyConstraint("suite_id", name=op.f("pk_build_rule")),
    )
    op.create_table(
        "evidence",
        sa.Column("id", _ID, nullable=False),
        sa.Column("package_digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("added_by", sa.String(length=128), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint("package_digest", "digest", name=op.f("uq_evidence_package_digest_digest")),
    )


def downgrade() -> None:
    op.drop_table("evidence")
    op.drop_table("build_rule")
    op.drop_table("trusted_key")
