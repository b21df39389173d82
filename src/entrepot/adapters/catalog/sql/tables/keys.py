"""What the suites of each archive are signed with."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, metadata

signing_state = sa.Table(
    "signing_state",
    metadata,
    sa.Column("archive_id", Id, sa.ForeignKey("archive.id"), primary_key=True),
    sa.Column("certificate", sa.String(64), nullable=False),
    sa.Column("fingerprints", sa.JSON, nullable=False),
    sa.Column("since", Moment, nullable=False),
)
