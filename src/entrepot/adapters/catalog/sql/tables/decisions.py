"""What waits for a person, what people decided, what nobody may have."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

_IN_FORCE = sa.text("ended_at IS NULL")

# One row for each admission that waits for a person, narrow and in the order of the queue.
held = sa.Table(
    "held",
    metadata,
    sa.Column("admission_id", Id, sa.ForeignKey("admission.id"), primary_key=True, autoincrement=False),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),  # 0 is the worst
    sa.Column("blocked", sa.Boolean, nullable=False),
    sa.Column("held_at", Moment, nullable=False),
    sa.Column("rating", sa.JSON, nullable=False),
    sa.Column("assigned_to", sa.String(128), nullable=True),
    sa.Column("assigned_kind", sa.String(8), nullable=True),
    sa.Column("assigned_at", Moment, nullable=True),
    sa.Column("overdue_told_at", Moment, nullable=True),
    sa.Index("ix_held_order", "severity", "held_at", "admission_id", "blocked"),
    sa.Index("ix_held_package", "package_id"),
    sa.Index("ix_held_blocked", "blocked", "held_at"),
    sa.Index("ix_held_suite", "suite_id", "severity", "held_at", "admission_id", "blocked"),
    sa.Index("ix_held_assigned", "assigned_to", "assigned_kind", "severity", "held_at"),
)

decision = sa.Table(
    "decision",
    metadata,
    id_column(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=False),
    sa.Column("component", sa.String(128), nullable=False),
    sa.Column("action", sa.String(24), nullable=False),
    sa.Column("justification", sa.Text, nullable=False),
    sa.Column("decided_by", sa.String(128), nullable=False),
    sa.Column("decided_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=True),
    sa.Column("target_version", sa.String(256), nullable=True),
    sa.Column("cve_ids", sa.JSON, nullable=False),
    sa.Column("accepted", sa.JSON, nullable=False),
    sa.Column("assigned_to", sa.String(128), nullable=True),
    sa.Column("assigned_kind", sa.String(8), nullable=True),
    sa.Column("assigned_at", Moment, nullable=True),
    sa.Column("resolved_at", Moment, nullable=True),
    sa.Column("resolved_by", sa.String(128), nullable=True),
    sa.Column("resolution", sa.Text, nullable=True),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("ending", sa.String(16), nullable=True),
    sa.Column("ended_by", sa.String(128), nullable=True),
    sa.Column("expiring_told_at", Moment, nullable=True),
    sa.Column("requested_by", sa.String(128), nullable=False),
    # Of several people who decide about the same bytes at the same moment, one does.
    sa.Index(
        "uq_decision_in_force",
        "suite_id",
        "package_id",
        unique=True,
        sqlite_where=_IN_FORCE,
        postgresql_where=_IN_FORCE,
    ),
    sa.Index("ix_decision_package", "package_id", "suite_id"),
    sa.Index("ix_decision_expires", "expires_at", sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE),
    sa.Index("ix_decision_action", "action", "id", sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE),
    sa.Index("ix_decision_assigned", "assigned_to", "assigned_kind"),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True, autoincrement=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("quarantined_by", sa.String(128), nullable=False),
    sa.Column("quarantined_at", Moment, nullable=False),
)
