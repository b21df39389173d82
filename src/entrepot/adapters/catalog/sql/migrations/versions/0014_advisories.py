"""Advisories, and what is known of their exploitation.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "feed",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("newest_at", sa.BigInteger(), nullable=True),
        sa.Column("imported_at", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("validators", sa.JSON(), nullable=False),
        sa.Column("contexts", sa.JSON(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("pending", sa.String(length=64), nullable=False),
        sa.Column("pending_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sa.UniqueConstraint("name", name=op.f("uq_feed_name")),
    )
    op.create_table(
        "advisory",
        sa.Column("id", _ID, nullable=False),
        sa.Column("feed_id", _ID, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_advisory_feed_id_feed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory")),
        sa.UniqueConstraint("feed_id", "name", name=op.f("uq_advisory_feed_id_name")),
    )
    op.create_table(
        "advisory_affected",
        sa.Column("context", sa.String(length=256), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("advisory_id", _ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["advisory_id"], ["advisory.id"], name=op.f("fk_advisory_affected_advisory_id_advisory")
        ),
        sa.PrimaryKeyConstraint("context", "name", "advisory_id", name=op.f("pk_advisory_affected")),
    )
    op.create_index(op.f("ix_advisory_affected_advisory_id"), "advisory_affected", ["advisory_id"])
    op.create_table(
        "advisory_name",
        sa.Column("context", sa.String(length=256), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("context", "name", name=op.f("pk_advisory_name")),
    )
    op.create_index(op.f("ix_advisory_name_position"), "advisory_name", ["position"])
    op.create_table(
        "advisory_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory_head")),
    )
    op.create_table(
        "exploitation",
        sa.Column("cve", sa.String(length=32), nullable=False),
        sa.Column("in_kev", sa.Boolean(), nullable=False),
        sa.Column("kev_added_at", sa.BigInteger(), nullable=True),
        sa.Column("kev_due_at", sa.BigInteger(), nullable=True),
        sa.Column("kev_action", sa.Text(), nullable=False),
        sa.Column("ransomware", sa.Boolean(), nullable=False),
        sa.Column("epss", sa.Float(precision=53), nullable=True),
        sa.Column("epss_percentile", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("cve", name=op.f("pk_exploitation")),
    )
    op.create_index(op.f("ix_exploitation_in_kev"), "exploitation", ["in_kev"])


def downgrade() -> None:
    for table in ("exploitation", "advisory_head", "advisory_name", "advisory_affected", "advisory", "feed"):
        op.drop_table(table)
