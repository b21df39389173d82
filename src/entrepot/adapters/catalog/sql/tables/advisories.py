"""Advisories by feed, what they say of packages, and what is known of exploitation."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

feed = sa.Table(
    "feed",
    metadata,
    id_column(),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("phase", sa.String(16), nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("newest_at", Moment),
    sa.Column("imported_at", Moment),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("validators", sa.JSON, nullable=False),
    sa.Column("contexts", sa.JSON, nullable=False),
    sa.Column("failure", sa.Text, nullable=False),
    sa.Column("failed_at", Moment),
    sa.Column("checked_at", Moment),
    sa.Column("pending", sa.String(64), nullable=False),
    sa.Column("pending_bytes", sa.BigInteger, nullable=False),
)

# The same advisory may come from several feeds; each has its own, so that one which drops it takes nothing from others.
advisory = sa.Table(
    "advisory",
    metadata,
    id_column(),
    sa.Column("feed_id", Id, sa.ForeignKey("feed.id"), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("modified_at", Moment, nullable=False),
    sa.Column("withdrawn_at", Moment),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.UniqueConstraint("feed_id", "name"),
)

# ``body`` has all entries of one advisory about one package of one distribution; looked up in the order of the key.
advisory_affected = sa.Table(
    "advisory_affected",
    metadata,
    sa.Column("context", sa.String(256), primary_key=True),
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("advisory_id", Id, sa.ForeignKey("advisory.id"), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index(None, "advisory_id"),
)

# When something was last said, changed or taken back of a package of a distribution.
advisory_name = sa.Table(
    "advisory_name",
    metadata,
    sa.Column("context", sa.String(256), primary_key=True),
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False, index=True),
)

# One row.  Whoever writes takes the next position and keeps the row until its unit ends.
advisory_head = sa.Table(
    "advisory_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, nullable=False),
)

exploitation = sa.Table(
    "exploitation",
    metadata,
    sa.Column("cve", sa.String(32), primary_key=True),
    sa.Column("in_kev", sa.Boolean, nullable=False),
    sa.Column("kev_added_at", Moment),
    sa.Column("kev_due_at", Moment),
    sa.Column("kev_action", sa.Text, nullable=False),
    sa.Column("ransomware", sa.Boolean, nullable=False),
    sa.Column("epss", sa.Float(53)),
    sa.Column("epss_percentile", sa.Float(53)),
    sa.Index(None, "in_kev"),
)
