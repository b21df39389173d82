"""Accounts, their API tokens, sessions that were ended."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

account = sa.Table(
    "account",
    metadata,
    id_column(),
    sa.Column("username", sa.String(64), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(256), nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("full_name", sa.String(256), nullable=False),
    sa.Column("email", sa.String(256), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("session_epoch", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_login", Moment, nullable=True),
    sa.Column("name_key", sa.String(64), nullable=False, unique=True),
    sa.Column("kept_session", sa.String(64), nullable=True),
    sa.Column("mfa_since", Moment, nullable=True),
    sa.Column("auth_source", sa.String(16), nullable=False, server_default="local"),
    sa.Column("external_key", sa.String(64), nullable=True, unique=True),
)

api_token = sa.Table(
    "api_token",
    metadata,
    id_column(),
    sa.Column("ident", sa.String(32), nullable=False, unique=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("name_key", sa.String(64), nullable=False),
    sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("hint", sa.String(8), nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("scope", sa.JSON, nullable=True),
    sa.Column("account_id", Id, sa.ForeignKey("account.id"), nullable=True, index=True),
    sa.Column("created_by", sa.String(64), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=True),
    sa.Column("last_used", Moment, nullable=True),
    sa.Column("revoked_at", Moment, nullable=True),
    sa.Index(
        "uq_api_token_live",
        "name_key",
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    ),
)

ended_session = sa.Table(
    "ended_session",
    metadata,
    sa.Column("session", sa.String(64), primary_key=True),
    sa.Column("until", Moment, nullable=False, index=True),
)
