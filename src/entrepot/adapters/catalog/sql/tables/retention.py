"""Pins, runs of jobs, and what is planned."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

pin = sa.Table(
    "pin",
    metadata,
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("pinned_by", sa.String(128), nullable=False),
    sa.Column("pinned_at", Moment, nullable=False),
)

run = sa.Table(
    "run",
    metadata,
    id_column(),
    sa.Column("job", sa.String(32), nullable=False),
    sa.Column("job_group", sa.String(32), nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("requested_by", sa.String(128), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Index("ix_run_group", "job_group", "id"),
    sa.Index(
        "uq_run_open",
        "job_group",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
)

schedule = sa.Table(
    "schedule",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("plan", sa.String(100), nullable=False),
    sa.Column("since", Moment, nullable=False),
)
