"""Mirrors that are chosen from and signed anew.

Revision ID: 0027
Revises: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("upstream_package", sa.Column("priority", sa.String(32), nullable=False, server_default=""))
    op.add_column("suite", sa.Column("settling", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("mirror", sa.Column("kind", sa.String(16), nullable=False, server_default="verbatim"))
    op.add_column("mirror", sa.Column("filter", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("mirror", sa.Column("keep_removed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("erratum", sa.Column("origin", sa.String(64), nullable=False, server_default=""))
    op.add_column("erratum", sa.Column("extra", sa.JSON(), nullable=False, server_default="{}"))
    _choices()
    _documents()


def _choices() -> None:
    op.create_table(
        "mirror_choice",
        sa.Column("id", _ID, nullable=False),
        sa.Column("mirror_id", _ID, nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.String(255), nullable=False),
        sa.Column("architecture", sa.String(64), nullable=False),
        sa.Column("listed", sa.String(140), nullable=False),
        sa.Column("component", sa.String(128), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("needed", sa.Boolean(), nullable=False),
        sa.Column("package_id", _ID, nullable=True),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("judged", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["mirror_id"], ["mirror.id"], name=op.f("fk_mirror_choice_mirror_id_mirror")),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_mirror_choice_package_id_package")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mirror_choice")),
        sa.UniqueConstraint(
            *("mirror_id", "name", "version", "architecture", "listed"),
            name=op.f("uq_mirror_choice_mirror_id_name_version_architecture_listed"),
        ),
    )
    op.create_index(op.f("ix_mirror_choice_package_id"), "mirror_choice", ["package_id"])
    op.create_index("ix_mirror_choice_state", "mirror_choice", ["mirror_id", "state", "run"])


def _documents() -> None:
    op.create_table(
        "suite_document",
        sa.Column("id", _ID, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("brought_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_suite_document_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suite_document")),
        sa.UniqueConstraint("suite_id", "kind", "shown", name=op.f("uq_suite_document_suite_id_kind_shown")),
    )


def downgrade() -> None:
    op.drop_table("suite_document")
    op.drop_table("mirror_choice")
    for table, column in (
        ("erratum", "extra"),
        ("erratum", "origin"),
        ("mirror", "keep_removed"),
        ("mirror", "filter"),
        ("mirror", "kind"),
        ("suite", "settling"),
        ("upstream_package", "priority"),
    ):
        op.drop_column(table, column)
