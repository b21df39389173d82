"""What scans and comparisons found.

``scan`` has a row for each package on the shelf that a scanner was asked about; ``finding`` one for each vulnerability
of it; ``vulnerability`` gathers findings by id, for each suite and, under the scope 0, for all of them: the pages of
1.5 million findings are read from it.  ``rank`` is ``severity x 1000 + 100 - CVSS x 10``: the lowest is the worst.
"""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

scan = sa.Table(
    "scan",
    metadata,
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), primary_key=True),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("context", sa.String(128), nullable=False),
    sa.Column("engine", sa.String(64), nullable=False),
    sa.Column("result", sa.String(16), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("database", sa.String(256), nullable=False),
    sa.Column("database_date", Moment, nullable=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("round", sa.BigInteger, nullable=False),
    sa.Column("scanned_at", Moment, nullable=False),
    sa.Column("rematched_at", Moment, nullable=True),
    sa.Column("coverage", sa.JSON, nullable=False),
    sa.Column("critical", sa.Integer, nullable=False),
    sa.Column("high", sa.Integer, nullable=False),
    sa.Column("medium", sa.Integer, nullable=False),
    sa.Column("low", sa.Integer, nullable=False),
    sa.Column("negligible", sa.Integer, nullable=False),
    sa.Column("unknown", sa.Integer, nullable=False),
    sa.Column("worst", sa.Integer, nullable=False),
    sa.Column("kev_count", sa.Integer, nullable=False),
    sa.Column("high_epss_count", sa.Integer, nullable=False),
    sa.Column("news", sa.JSON(none_as_null=True), nullable=True),
    sa.Index("ix_scan_package", "package_id", "suite_id"),
    sa.Index("ix_scan_worst", "worst", "name", "package_id", "suite_id"),
    sa.Index("ix_scan_suite_worst", "suite_id", "worst", "name", "package_id"),
    sa.Index("ix_scan_round", "round", "position"),
    sa.Index("ix_scan_position", "position"),
    sa.Index(
        "ix_scan_news",
        "suite_id",
        "package_id",
        sqlite_where=sa.text("news IS NOT NULL"),
        postgresql_where=sa.text("news IS NOT NULL"),
    ),
    # Wide enough for the sums of a posture.
    sa.Index(
        "ix_scan_counts",
        "suite_id",
        "result",
        "critical",
        "high",
        "medium",
        "low",
        "negligible",
        "unknown",
        "kev_count",
    ),
)

finding = sa.Table(
    "finding",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, nullable=False),
    sa.Column("package_id", Id, nullable=False),
    sa.Column("vulnerability", sa.String(128), nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("package", sa.String(256), nullable=False),
    sa.Column("version", sa.String(256), nullable=False),
    sa.Column("component", sa.String(512), nullable=False),
    sa.Column("fix_state", sa.String(16), nullable=False),
    sa.Column("fix_versions", sa.JSON, nullable=False),
    sa.Column("engine", sa.String(64), nullable=False),
    sa.ForeignKeyConstraint(["suite_id", "package_id"], ["scan.suite_id", "scan.package_id"]),
    sa.Index("ix_finding_scan", "suite_id", "package_id", "rank"),
    sa.Index("ix_finding_vulnerability", "vulnerability", "suite_id", "rank", "package_id"),
)

vulnerability = sa.Table(
    "vulnerability",
    metadata,
    sa.Column("scope", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("fixed", sa.BigInteger, nullable=False),
    sa.Column("not_fixed", sa.BigInteger, nullable=False),
    sa.Column("unknown", sa.BigInteger, nullable=False),
    sa.Column("cvss_vector", sa.String(256), nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("urls", sa.JSON, nullable=False),
    sa.Column("aliases", sa.JSON, nullable=False),
    sa.Column("published_at", Moment, nullable=True),
    sa.Index("ix_vulnerability_rank", "scope", "rank", "id", "fixed", "not_fixed", "unknown"),
    sa.Index("ix_vulnerability_id", "id", "scope", "rank"),
)
