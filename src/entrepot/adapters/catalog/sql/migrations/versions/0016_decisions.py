"""What people decided, and until when.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_IN_FORCE = sa.text("ended_at IS NULL")
_UNRATED = 6
_BATCH = 500


def upgrade() -> None:
    op.create_table(
        "held",
        sa.Column("admission_id", _ID, autoincrement=False, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("package_id", _ID, nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=False),
        sa.Column("rating", sa.JSON(), nullable=False),
        sa.Column("assigned_to", sa.String(128), nullable=True),
        sa.Column("assigned_kind", sa.String(8), nullable=True),
        sa.Column("assigned_at", sa.BigInteger(), nullable=True),
        sa.Column("overdue_told_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_held_admission_id_admission")),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_held_package_id_package")),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_held_suite_id_suite")),
        sa.PrimaryKeyConstraint("admission_id", name=op.f("pk_held")),
    )
    op.create_index("ix_held_order", "held", ["severity", "held_at", "admission_id", "blocked"])
    op.create_index("ix_held_package", "held", ["package_id"])
    op.create_index("ix_held_blocked", "held", ["blocked", "held_at"])
    op.create_index("ix_held_suite", "held", ["suite_id", "severity", "held_at", "admission_id", "blocked"])
    op.create_index("ix_held_assigned", "held", ["assigned_to", "assigned_kind", "severity", "held_at"])
    _create_decisions()
    op.create_table(
        "quarantine",
        sa.Column("package_id", _ID, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("quarantined_by", sa.String(128), nullable=False),
        sa.Column("quarantined_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_quarantine_package_id_package")),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_quarantine")),
    )
    _fill()


def _create_decisions() -> None:
    op.create_table(
        "decision",
        sa.Column("id", _ID, nullable=False),
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("package_id", _ID, nullable=False),
        sa.Column("component", sa.String(128), nullable=False),
        sa.Column("action", sa.String(24), nullable=False),
        sa.Column("justification", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(128), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("target_version", sa.String(256), nullable=True),
        sa.Column("cve_ids", sa.JSON(), nullable=False),
        sa.Column("accepted", sa.JSON(), nullable=False),
        sa.Column("assigned_to", sa.String(128), nullable=True),
        sa.Column("assigned_kind", sa.String(8), nullable=True),
        sa.Column("assigned_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", sa.String(128), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ending", sa.String(16), nullable=True),
        sa.Column("ended_by", sa.String(128), nullable=True),
        sa.Column("expiring_told_at", sa.BigInteger(), nullable=True),
        sa.Column("requested_by", sa.String(128), nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_decision_package_id_package")),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_decision_suite_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    where: dict[str, Any] = {"sqlite_where": _IN_FORCE, "postgresql_where": _IN_FORCE}
    op.create_index("uq_decision_in_force", "decision", ["suite_id", "package_id"], unique=True, **where)
    op.create_index("ix_decision_package", "decision", ["package_id", "suite_id"])
    op.create_index("ix_decision_expires", "decision", ["expires_at"], **where)
    op.create_index("ix_decision_action", "decision", ["action", "id"], **where)
    op.create_index("ix_decision_assigned", "decision", ["assigned_to", "assigned_kind"])


def _fill() -> None:
    """What waits already, and what people decided before decisions had rows of their own."""
    seen = sa.MetaData()
    admission, held, decision = (
        sa.Table(name, seen, autoload_with=op.get_bind()) for name in ("admission", "held", "decision")
    )
    row = admission.c
    waiting = sa.select(row.id, row.suite_id, row.package_id, row.requested_at).where(row.state == "held")
    _insert(held, waiting.order_by(row.id), _waiting_row)
    newest = (
        sa.select(sa.func.max(row.id))
        .where(row.state.in_(["accepted", "refused"]), row.justification != "")
        .group_by(row.suite_id, row.package_id)
    )
    by_people = sa.select(admission).where(
        row.id.in_(newest), row.decided_by != "system", row.justification != "removed"
    )
    _insert(decision, by_people.order_by(row.id), _decision_row)


def _insert(table: sa.Table, query: sa.Select[Any], made: Callable[[Any], dict[str, object]]) -> None:
    rows = [made(one) for one in op.get_bind().execute(query)]
    for start in range(0, len(rows), _BATCH):
        op.get_bind().execute(sa.insert(table), rows[start : start + _BATCH])


def _waiting_row(one: Any) -> dict[str, object]:
    return {
        "admission_id": one.id,
        "suite_id": one.suite_id,
        "package_id": one.package_id,
        "severity": _UNRATED,
        "blocked": False,
        "held_at": one.requested_at,
        "rating": {},
    }


def _decision_row(one: Any) -> dict[str, object]:
    return {
        "suite_id": one.suite_id,
        "package_id": one.package_id,
        "component": one.component,
        "action": "accept_risk" if one.state == "accepted" else "reject",
        "justification": one.justification,
        "decided_by": one.decided_by,
        "decided_at": one.decided_at,
        "cve_ids": [],
        "accepted": [],
        "requested_by": one.requested_by,
    }


def downgrade() -> None:
    op.drop_table("quarantine")
    op.drop_table("decision")
    op.drop_table("held")
