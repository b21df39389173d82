"""Second factors, recovery codes, and links to a new password."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

second_factor = sa.Table(
    "second_factor",
    metadata,
    sa.Column("account_id", Id, sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("secret", sa.String(256), nullable=False),
    # The last time step of which a code was taken; none until the first one was.
    sa.Column("last_step", sa.BigInteger, nullable=True),
    sa.Column("created_at", Moment, nullable=False),
)

recovery_code = sa.Table(
    "recovery_code",
    metadata,
    id_column(),
    sa.Column("account_id", Id, sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("code_hash", sa.String(64), nullable=False),
    sa.Column("used_at", Moment, nullable=True),
)

password_reset = sa.Table(
    "password_reset",
    metadata,
    id_column(),
    sa.Column("account_id", Id, sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=True, unique=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("until", Moment, nullable=False, index=True),
)
