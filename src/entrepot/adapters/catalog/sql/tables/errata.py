"""What clients are told about updates."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

erratum = sa.Table(
    "erratum",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("title", sa.String(500), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("cves", sa.JSON, nullable=False),
    sa.Column("links", sa.JSON, nullable=False),
    sa.Column("issued_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("issued_by", sa.String(128), nullable=False),
    sa.Column("origin", sa.String(64), nullable=False, server_default=""),
    sa.Column("extra", sa.JSON, nullable=False, server_default="{}"),
    sa.UniqueConstraint("suite_id", "code"),
)

erratum_package = sa.Table(
    "erratum_package",
    metadata,
    sa.Column("erratum_id", Id, sa.ForeignKey("erratum.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True, index=True),
)

rollout = sa.Table(
    "rollout",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("steps", sa.JSON, nullable=False),
    sa.Column("at_step", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("begun_by", sa.String(128), nullable=False),
    sa.Column("begun_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("next_at", Moment, nullable=True, index=True),
    sa.Index("ix_rollout_suite", "suite_id", "revision"),
)

rollout_package = sa.Table(
    "rollout_package",
    metadata,
    sa.Column("rollout_id", Id, sa.ForeignKey("rollout.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True, index=True),
)
