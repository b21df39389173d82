"""An index for pages of packages by name.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_content_order",
        "content",
        ["sort_key", "id"],
        unique=False,
        sqlite_where=sa.text("removed_revision IS NULL"),
        postgresql_where=sa.text("removed_revision IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_content_order", table_name="content")
