"""Promotions that wait for a decision; the shelf that lists are read from; what packages offer.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from entrepot.adapters.catalog.sql.shelving import shelf_text
from entrepot.domain.dependencies.capabilities import capabilities
from entrepot.domain.model.package import Format

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_BATCH = 500


def upgrade() -> None:
    op.create_table(
        "capability",
        sa.Column("name", sa.String(512), nullable=False),
        sa.Column("package_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_capability_package_id_package")),
        sa.PrimaryKeyConstraint("name", "package_id", name=op.f("pk_capability")),
    )
    op.create_table(
        "shelf",
        sa.Column("suite_id", _ID, nullable=False),
        sa.Column("package_id", _ID, nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("architecture", sa.String(64), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_shelf_package_id_package")),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_shelf_suite_id_suite")),
        sa.PrimaryKeyConstraint("suite_id", "package_id", name=op.f("pk_shelf")),
    )
    op.create_table(
        "promotion",
        sa.Column("id", _ID, nullable=False),
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("target_id", _ID, nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("version", sa.String(256), nullable=False),
        sa.Column("packages", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.Column("justification", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.String(128), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(128), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["suite.id"], name=op.f("fk_promotion_source_id_suite")),
        sa.ForeignKeyConstraint(["target_id"], ["suite.id"], name=op.f("fk_promotion_target_id_suite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion")),
    )
    op.create_index("ix_promotion_state", "promotion", ["state", "id"])
    op.create_index("ix_promotion_name", "promotion", ["name", "id"])
    _fill(op.get_bind())
    op.create_index("ix_shelf_name", "shelf", ["name", "package_id", "suite_id", "architecture", "waits"])
    op.create_index("ix_shelf_suite", "shelf", ["suite_id", "name", "package_id", "architecture", "waits"])
    op.create_index("ix_shelf_sizes", "shelf", ["suite_id", "waits", "size_bytes", "added_at"])


def _fill(connection: sa.Connection) -> None:
    """Derive the rows of all packages that came in before."""
    seen = sa.MetaData()
    package, fragment, content, admission, shelf, capability = (
        sa.Table(name, seen, autoload_with=connection)
        for name in ("package", "fragment", "content", "admission", "shelf", "capability")
    )
    last = 0
    columns = [package.c[name] for name in ("id", "name", "format", "architecture", "size_bytes", "summary", "facts")]
    while True:
        query = sa.select(*columns).where(package.c.id > last).order_by(package.c.id).limit(_BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        first, last = rows[0].id, rows[-1].id
        fragments = sa.select(fragment.c.package_id, fragment.c.body).where(
            fragment.c.package_id.between(first, last), fragment.c.kind == "primary"
        )
        primary = {row.package_id: bytes(row.body) for row in connection.execute(fragments)}
        offers = [
            {"name": name, "package_id": row.id}
            for row in rows
            for name in capabilities(
                Format(row.format), row.name, row.facts.get("relations") or {}, {"primary": primary.get(row.id, b"")}
            )
        ]
        if offers:
            connection.execute(sa.insert(capability), offers)
        by_id: dict[int, Any] = {row.id: row for row in rows}
        places: dict[tuple[int, int], tuple[bool, int]] = {}
        waiting = sa.select(admission).where(
            admission.c.package_id.between(first, last), admission.c.state.in_(["held", "received"])
        )
        for row in connection.execute(waiting):
            places[row.suite_id, row.package_id] = (True, row.requested_at)
        live = sa.select(content).where(content.c.package_id.between(first, last), content.c.removed_revision.is_(None))
        for row in connection.execute(live):
            places[row.suite_id, row.package_id] = (False, row.added_at)
        shelved = [
            {
                "suite_id": suite_id,
                "package_id": package_id,
                "name": by_id[package_id].name,
                "architecture": by_id[package_id].architecture,
                "waits": waits,
                "size_bytes": by_id[package_id].size_bytes,
                "added_at": added_at,
                "text": shelf_text(by_id[package_id].name, by_id[package_id].summary),
            }
            for (suite_id, package_id), (waits, added_at) in places.items()
        ]
        if shelved:
            connection.execute(sa.insert(shelf), shelved)


def downgrade() -> None:
    op.drop_table("promotion")
    op.drop_table("shelf")
    op.drop_table("capability")
