"""What scans and comparisons found.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COUNTS = ("critical", "high", "medium", "low", "negligible", "unknown")


def upgrade() -> None:
    _scans()
    _findings()
    # Whatever is on a shelf already was never asked about; the first comparison takes it in.
    op.execute(
        "INSERT INTO scan (suite_id, package_id, name, context, engine, result, message, database, position, round,"
        " scanned_at, coverage, critical, high, medium, low, negligible, unknown, worst, kev_count, high_epss_count)"
        " SELECT suite_id, package_id, name, '', '', 'skipped', 'not asked yet', '', 0, -1, added_at, '{}',"
        " 0, 0, 0, 0, 0, 0, 7, 0, 0 FROM shelf"
    )


def _scans() -> None:
    op.create_table(
        "scan",
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("package_id", _ID, nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("context", sa.String(length=128), nullable=False),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("database", sa.String(length=256), nullable=False),
        sa.Column("database_date", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("scanned_at", sa.BigInteger(), nullable=False),
        sa.Column("rematched_at", sa.BigInteger(), nullable=True),
        sa.Column("coverage", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.Column("worst", sa.Integer(), nullable=False),
        sa.Column("kev_count", sa.Integer(), nullable=False),
        sa.Column("high_epss_count", sa.Integer(), nullable=False),
        sa.Column("news", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_scan_suite_id_suite")),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_scan_package_id_package")),
        sa.PrimaryKeyConstraint("suite_id", "package_id", name=op.f("pk_scan")),
    )
    op.create_index("ix_scan_package", "scan", ["package_id", "suite_id"])
    op.create_index("ix_scan_worst", "scan", ["worst", "name", "package_id", "suite_id"])
    op.create_index("ix_scan_suite_worst", "scan", ["suite_id", "worst", "name", "package_id"])
    op.create_index("ix_scan_round", "scan", ["round", "position"])
    op.create_index("ix_scan_position", "scan", ["position"])
    op.create_index(
        "ix_scan_news",
        "scan",
        ["suite_id", "package_id"],
        sqlite_where=sa.text("news IS NOT NULL"),
        postgresql_where=sa.text("news IS NOT NULL"),
    )
    op.create_index("ix_scan_counts", "scan", ["suite_id", "result", *_COUNTS, "kev_count"])


def _findings() -> None:
    op.create_table(
        "finding",
        sa.Column("id", _ID, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("package_id", _ID, nullable=False),
        sa.Column("vulnerability", sa.String(length=128), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("package", sa.String(length=256), nullable=False),
        sa.Column("version", sa.String(length=256), nullable=False),
        sa.Column("component", sa.String(length=512), nullable=False),
        sa.Column("fix_state", sa.String(length=16), nullable=False),
        sa.Column("fix_versions", sa.JSON(), nullable=False),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["suite_id", "package_id"], ["scan.suite_id", "scan.package_id"], name=op.f("fk_finding_suite_id_scan")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
    )
    op.create_index("ix_finding_scan", "finding", ["suite_id", "package_id", "rank"])
    op.create_index("ix_finding_vulnerability", "finding", ["vulnerability", "suite_id", "rank", "package_id"])
    op.create_table(
        "vulnerability",
        sa.Column("scope", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("fixed", sa.BigInteger(), nullable=False),
        sa.Column("not_fixed", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.Column("cvss_vector", sa.String(length=256), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("urls", sa.JSON(), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("scope", "id", name=op.f("pk_vulnerability")),
    )
    op.create_index("ix_vulnerability_rank", "vulnerability", ["scope", "rank", "id", "fixed", "not_fixed", "unknown"])
    op.create_index("ix_vulnerability_id", "vulnerability", ["id", "scope", "rank"])


def downgrade() -> None:
    op.drop_table("vulnerability")
    op.drop_table("finding")
    op.drop_table("scan")
