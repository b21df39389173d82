"""Work that people watch, and what it told."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

_RUNNING = sa.text("status = 'running'")

job = sa.Table(
    "job",
    metadata,
    id_column(),
    sa.Column("key", sa.String(32), nullable=False, unique=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("label", sa.String(300), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("total", sa.BigInteger, nullable=True),
    sa.Column("done_count", sa.BigInteger, nullable=False),
    sa.Column("error_count", sa.BigInteger, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("position", sa.JSON, nullable=False),
    sa.Column("result", sa.JSON, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("finished_at", Moment, nullable=True),
    sa.Column("begun_by", sa.String(128), nullable=False),
    sa.Column("owner", sa.String(128), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("cancelling", sa.Boolean, nullable=False),
    sa.Column("holder", sa.String(200), nullable=False),
    sa.Column("beat_at", Moment, nullable=True),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("event_count", sa.BigInteger, nullable=False),
    sa.Index(
        "uq_job_running",
        "kind",
        "subject",
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    ),
    sa.Index("ix_job_status_finished_at", "status", "finished_at"),
    sa.Index("ix_job_owner", "owner", "id"),
)

job_event = sa.Table(
    "job_event",
    metadata,
    sa.Column("job_id", Id, sa.ForeignKey("job.id"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
)
