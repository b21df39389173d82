"""First schema.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("full_name", sa.String(length=256), nullable=False),
        sa.Column("email", sa.String(length=256), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_login", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("username", name=op.f("uq_account_username")),
    )
    op.create_table(
        "archive",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive")),
        sa.UniqueConstraint("format", "name", name=op.f("uq_archive_format_name")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=48), nullable=False),
        sa.Column("result", sa.String(length=24), nullable=False),
        sa.Column("user", sa.String(length=128), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("package", sa.String(length=256), nullable=True),
        sa.Column("version", sa.String(length=256), nullable=True),
        sa.Column("suite", sa.String(length=300), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_at", ["at"], unique=False)
        batch_op.create_index("ix_audit_package", ["package", "at"], unique=False)

    op.create_table(
        "fact",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_fact")),
    )
    op.create_table(
        "node",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("works", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_node")),
    )
    op.create_table(
        "package",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sha512", sa.String(length=128), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("version", sa.String(length=256), nullable=False),
        sa.Column("architecture", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=600), nullable=False),
        sa.Column("source", sa.String(length=256), nullable=False),
        sa.Column("section", sa.String(length=256), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("received_by", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package")),
        sa.UniqueConstraint("digest", name=op.f("uq_package_digest")),
    )
    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.create_index("ix_package_name", ["name", "format", "architecture"], unique=False)

    op.create_table(
        "throttle",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttle")),
    )
    op.create_table(
        "claim",
        sa.Column("archive_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("version", sa.String(length=256), nullable=False),
        sa.Column("architecture", sa.String(length=64), nullable=False),
        sa.Column("package_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["archive_id"], ["archive.id"], name=op.f("fk_claim_archive_id_archive")),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_claim_package_id_package")),
        sa.PrimaryKeyConstraint("archive_id", "name", "version", "architecture", name=op.f("pk_claim")),
    )
    op.create_table(
        "fragment",
        sa.Column("package_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_fragment_package_id_package")),
        sa.PrimaryKeyConstraint("package_id", "kind", name=op.f("pk_fragment")),
    )
    op.create_table(
        "pool",
        sa.Column("archive_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.Column("package_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["archive_id"], ["archive.id"], name=op.f("fk_pool_archive_id_archive")),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_pool_package_id_package")),
        sa.PrimaryKeyConstraint("archive_id", "path", name=op.f("pk_pool")),
    )
    op.create_table(
        "suite",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("archive_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("codename", sa.String(length=128), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("published_revision", sa.BigInteger(), nullable=False),
        sa.Column("late_revision", sa.BigInteger(), nullable=False),
        sa.Column("oldest_kept_revision", sa.BigInteger(), nullable=False),
        sa.Column("generation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["archive_id"], ["archive.id"], name=op.f("fk_suite_archive_id_archive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suite")),
        sa.UniqueConstraint("archive_id", "codename", name=op.f("uq_suite_archive_id_codename")),
    )
    op.create_table(
        "admission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("suite_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("package_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("component", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("requested_by", sa.String(length=128), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=128), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("justification", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_admission_package_id_package")),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_admission_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission")),
    )
    with op.batch_alter_table("admission", schema=None) as batch_op:
        batch_op.create_index("ix_admission_package", ["package_id", "suite_id"], unique=False)
        batch_op.create_index("ix_admission_state", ["state", "suite_id"], unique=False)

    op.create_table(
        "content",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("suite_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("package_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("component", sa.String(length=128), nullable=False),
        sa.Column("architecture", sa.String(length=64), nullable=False),
        sa.Column("sort_key", sa.LargeBinary(), nullable=False),
        sa.Column("pool_path", sa.String(length=1024), nullable=False),
        sa.Column("added_revision", sa.BigInteger(), nullable=False),
        sa.Column("removed_revision", sa.BigInteger(), nullable=True),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_content_package_id_package")),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_content_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content")),
    )
    with op.batch_alter_table("content", schema=None) as batch_op:
        batch_op.create_index("ix_content_added", ["suite_id", "added_revision"], unique=False)
        batch_op.create_index(
            "ix_content_live",
            ["suite_id", "component", "sort_key", "architecture"],
            unique=False,
            sqlite_where=sa.text("removed_revision IS NULL"),
            postgresql_where=sa.text("removed_revision IS NULL"),
        )
        batch_op.create_index("ix_content_package", ["package_id", "suite_id"], unique=False)
        batch_op.create_index(
            "ix_content_removed",
            ["suite_id", "removed_revision"],
            unique=False,
            sqlite_where=sa.text("removed_revision IS NOT NULL"),
            postgresql_where=sa.text("removed_revision IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_content_live",
            ["suite_id", "package_id"],
            unique=True,
            sqlite_where=sa.text("removed_revision IS NULL"),
            postgresql_where=sa.text("removed_revision IS NULL"),
        )

    op.create_table(
        "generation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("suite_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("manifest", sa.String(length=64), nullable=False),
        sa.Column("package_count", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("refresh_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_generation_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generation")),
        sa.UniqueConstraint("suite_id", "number", name=op.f("uq_generation_suite_id_number")),
    )
    op.create_table(
        "generation_file",
        sa.Column("suite_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=128), nullable=False),
        sa.Column("generation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generation.id"], name=op.f("fk_generation_file_generation_id_generation")
        ),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_generation_file_suite_id_suite")),
        sa.PrimaryKeyConstraint("suite_id", "digest", name=op.f("pk_generation_file")),
    )
    with op.batch_alter_table("generation_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_generation_file_generation_id"), ["generation_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("generation_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_generation_file_generation_id"))

    op.drop_table("generation_file")
    op.drop_table("generation")
    with op.batch_alter_table("content", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_content_live",
            sqlite_where=sa.text("removed_revision IS NULL"),
            postgresql_where=sa.text("removed_revision IS NULL"),
        )
        batch_op.drop_index(
            "ix_content_removed",
            sqlite_where=sa.text("removed_revision IS NOT NULL"),
            postgresql_where=sa.text("removed_revision IS NOT NULL"),
        )
        batch_op.drop_index("ix_content_package")
        batch_op.drop_index(
            "ix_content_live",
            sqlite_where=sa.text("removed_revision IS NULL"),
            postgresql_where=sa.text("removed_revision IS NULL"),
        )
        batch_op.drop_index("ix_content_added")

    op.drop_table("content")
    with op.batch_alter_table("admission", schema=None) as batch_op:
        batch_op.drop_index("ix_admission_state")
        batch_op.drop_index("ix_admission_package")

    op.drop_table("admission")
    op.drop_table("suite")
    op.drop_table("pool")
    op.drop_table("fragment")
    op.drop_table("claim")
    op.drop_table("throttle")
    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.drop_index("ix_package_name")

    op.drop_table("package")
    op.drop_table("node")
    op.drop_table("fact")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_package")
        batch_op.drop_index("ix_audit_at")

    op.drop_table("audit")
    op.drop_table("archive")
    op.drop_table("account")
