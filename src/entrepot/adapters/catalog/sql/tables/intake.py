"""Files that wait to be taken in."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Moment, id_column, metadata

incoming_file = sa.Table(
    "incoming_file",
    metadata,
    id_column(),
    sa.Column("account", sa.String(128), nullable=False),
    sa.Column("folder", sa.String(128), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("sha512", sa.String(128), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("received_at", Moment, nullable=False, index=True),
    sa.UniqueConstraint("account", "folder", "name"),
)
