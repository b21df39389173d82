"""Custom roles and groups, and who has them."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata


def _reference(name: str, target: str, *, index: bool = False) -> sa.Column[int]:
    """Part of the key of a row that goes when its target does."""
    return sa.Column(name, Id, sa.ForeignKey(f"{target}.id", ondelete="CASCADE"), primary_key=True, index=index or None)


role = sa.Table(
    "role",
    metadata,
    id_column(),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("name_key", sa.String(64), nullable=False, unique=True),
    sa.Column("label", sa.String(256), nullable=False),
    sa.Column("description", sa.String(1024), nullable=False),
    sa.Column("color", sa.String(16), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.String(64), nullable=False),
)

role_permission = sa.Table(
    "role_permission",
    metadata,
    _reference("role_id", "role"),
    sa.Column("permission", sa.String(64), primary_key=True),
)

account_role = sa.Table(
    "account_role",
    metadata,
    _reference("account_id", "account"),
    _reference("role_id", "role", index=True),
)

api_token_role = sa.Table(
    "api_token_role",
    metadata,
    _reference("api_token_id", "api_token"),
    _reference("role_id", "role", index=True),
)

account_group = sa.Table(
    "account_group",
    metadata,
    id_column(),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("name_key", sa.String(64), nullable=False, unique=True),
    sa.Column("description", sa.String(1024), nullable=False),
    sa.Column("color", sa.String(16), nullable=False),
    # At most one of the two: a role of the program, or one of the site.
    sa.Column("default_role", sa.String(16), nullable=True),
    sa.Column("role_id", Id, sa.ForeignKey("role.id", ondelete="SET NULL"), nullable=True, index=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.String(64), nullable=False),
)

membership = sa.Table(
    "membership",
    metadata,
    _reference("account_id", "account"),
    _reference("group_id", "account_group", index=True),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("added_by", sa.String(64), nullable=False),
)
