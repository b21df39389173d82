"""Counted downloads; names and versions are copied, so that counts outlive packages.

Days are numbers since 1970-01-01, UTC.
"""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Id, Moment, id_column, metadata

download_item = sa.Table(
    "download_item",
    metadata,
    id_column(),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("version", sa.String(256), nullable=False),
    sa.Column("architecture", sa.String(64), nullable=False),
    sa.Column("filename", sa.String(600), nullable=False),
    sa.UniqueConstraint("format", "name", "version", "architecture"),
)

# What is asked most, small for ever: at most some dozen rows a day.
download_day = sa.Table(
    "download_day",
    metadata,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("format", sa.String(8), primary_key=True),
    sa.Column("client_type", sa.String(16), primary_key=True),
    sa.Column("downloads", sa.BigInteger, nullable=False),
    sa.Column("sent_bytes", sa.BigInteger, nullable=False),
)

download_count = sa.Table(
    "download_count",
    metadata,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("item_id", Id, sa.ForeignKey("download_item.id"), primary_key=True, autoincrement=False),
    sa.Column("client_type", sa.String(16), primary_key=True),
    sa.Column("downloads", sa.BigInteger, nullable=False),
    sa.Column("sent_bytes", sa.BigInteger, nullable=False),
)

# Pseudonyms of clients live as long as their day can still change; then only their number stays.
# ``package`` is "format/name", or empty for all packages together.
download_client = sa.Table(
    "download_client",
    metadata,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("package", sa.String(265), primary_key=True),
    sa.Column("client", sa.String(64), primary_key=True),
)

download_audience = sa.Table(
    "download_audience",
    metadata,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("package", sa.String(265), primary_key=True),
    sa.Column("clients", sa.BigInteger, nullable=False),
)

download_salt = sa.Table(
    "download_salt",
    metadata,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("salt", sa.String(64), nullable=False),
)

download_recent = sa.Table(
    "download_recent",
    metadata,
    id_column(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("item_id", Id, sa.ForeignKey("download_item.id"), nullable=False),
    sa.Column("client", sa.String(64), nullable=False),
    sa.Column("client_type", sa.String(16), nullable=False),
    sa.Column("sent_bytes", sa.BigInteger, nullable=False),
    sa.Column("user_agent", sa.String(200), nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("path", sa.String(1200), nullable=False),
)

# How far each access log was read; ``log`` is a hash of the host and of the first line, whatever the file's name is.
access_log = sa.Table(
    "access_log",
    metadata,
    sa.Column("log", sa.String(64), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("inside_line", sa.Boolean, nullable=False),
    sa.Column("lines", sa.BigInteger, nullable=False),
    sa.Column("skipped", sa.BigInteger, nullable=False),
    sa.Column("read_at", Moment, nullable=False),
)
