"""Files that are fetched when they are asked for.

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    policy = sa.Column("download_policy", sa.String(16), nullable=False, server_default="immediate")
    op.add_column("mirror", policy)
    op.add_column("mirror", sa.Column("sources", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("mirror", sa.Column("installer", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("mirror_file", sa.Column("package", sa.String(330), nullable=False, server_default=""))
    op.add_column("mirror_file", sa.Column("claimed_until", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_mirror_file_absent",
        "mirror_file",
        ["suite_id"],
        sqlite_where=sa.text("digest = ''"),
        postgresql_where=sa.text("digest = ''"),
    )


def downgrade() -> None:
    op.drop_index("ix_mirror_file_absent", "mirror_file")
    op.drop_column("mirror_file", "claimed_until")
    op.drop_column("mirror_file", "package")
    op.drop_column("mirror", "installer")
    op.drop_column("mirror", "sources")
    op.drop_column("mirror", "download_policy")
