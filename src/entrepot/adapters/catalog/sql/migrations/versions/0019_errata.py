"""What clients are told about updates.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "erratum",
        sa.Column("id", _ID, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("cves", sa.JSON(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_by", sa.String(128), nullable=False),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_erratum_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erratum")),
        sa.UniqueConstraint("suite_id", "code", name=op.f("uq_erratum_suite_id_code")),
    )
    op.create_table(
        "rollout",
        sa.Column("id", _ID, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("at_step", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("begun_by", sa.String(128), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_rollout_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout")),
    )
    op.create_index(op.f("ix_rollout_next_at"), "rollout", ["next_at"])
    op.create_index("ix_rollout_suite", "rollout", ["suite_id", "revision"])
    for owner in ("erratum", "rollout"):
        _create_links(owner)


def _create_links(owner: str) -> None:
    table = f"{owner}_package"
    op.create_table(
        table,
        sa.Column(f"{owner}_id", _ID, nullable=False),
        sa.Column("package_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            [f"{owner}_id"], [f"{owner}.id"], name=op.f(f"fk_{table}_{owner}_id_{owner}"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f(f"fk_{table}_package_id_package")),
        sa.PrimaryKeyConstraint(f"{owner}_id", "package_id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_package_id"), table, ["package_id"])


def downgrade() -> None:
    for table in ("rollout_package", "erratum_package", "rollout", "erratum"):
        op.drop_table(table)
