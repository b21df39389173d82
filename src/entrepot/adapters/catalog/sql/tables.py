"""The tables.  Migrations are written from this metadata and checked against it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Moment(sa.TypeDecorator[datetime]):
    """An aware UTC time, kept as microseconds: the same order and the same value on every engine."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """Refuses naive times, which would be somebody's local ones."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Always aware."""
        return None if value is None else _EPOCH + int(value) * _MICROSECOND


Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite numbers rows itself only for INTEGER keys


def _id() -> sa.Column[int]:
    return sa.Column("id", Id, primary_key=True)


archive = sa.Table(
    "archive",
    metadata,
    _id(),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.UniqueConstraint("format", "name"),
)

suite = sa.Table(
    "suite",
    metadata,
    _id(),
    sa.Column("archive_id", Id, sa.ForeignKey("archive.id"), nullable=False),
    sa.Column("codename", sa.String(128), nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("published_revision", sa.BigInteger, nullable=False),
    sa.Column("late_revision", sa.BigInteger, nullable=False),
    sa.Column("oldest_kept_revision", sa.BigInteger, nullable=False),
    sa.Column("generation_id", Id, nullable=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("archive_id", "codename"),
)

package = sa.Table(
    "package",
    metadata,
    _id(),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("sha512", sa.String(128), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("version", sa.String(256), nullable=False),
    sa.Column("architecture", sa.String(64), nullable=False),
    sa.Column("filename", sa.String(600), nullable=False),
    sa.Column("source", sa.String(256), nullable=False),
    sa.Column("section", sa.String(256), nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("received_by", sa.String(128), nullable=False),
    sa.Index("ix_package_name", "name", "format", "architecture"),
)

fragment = sa.Table(
    "fragment",
    metadata,
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

claim = sa.Table(
    "claim",
    metadata,
    sa.Column("archive_id", Id, sa.ForeignKey("archive.id"), primary_key=True),
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("version", sa.String(256), primary_key=True),
    sa.Column("architecture", sa.String(64), primary_key=True),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=False),
)

pool = sa.Table(
    "pool",
    metadata,
    sa.Column("archive_id", Id, sa.ForeignKey("archive.id"), primary_key=True),
    sa.Column("path", sa.String(1024), primary_key=True),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=False),
)

content = sa.Table(
    "content",
    metadata,
    _id(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=False),
    sa.Column("component", sa.String(128), nullable=False),
    sa.Column("architecture", sa.String(64), nullable=False),
    sa.Column("sort_key", sa.LargeBinary, nullable=False),
    sa.Column("pool_path", sa.String(1024), nullable=False),
    sa.Column("added_revision", sa.BigInteger, nullable=False),
    sa.Column("removed_revision", sa.BigInteger, nullable=True),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("added_by", sa.String(128), nullable=False),
    sa.Index("ix_content_added", "suite_id", "added_revision"),
    sa.Index(
        "ix_content_removed",
        "suite_id",
        "removed_revision",
        sqlite_where=sa.text("removed_revision IS NOT NULL"),
        postgresql_where=sa.text("removed_revision IS NOT NULL"),
    ),
    sa.Index(
        "ix_content_live",
        "suite_id",
        "component",
        "sort_key",
        "architecture",  # last, so that counting needs no look at the rows
        sqlite_where=sa.text("removed_revision IS NULL"),
        postgresql_where=sa.text("removed_revision IS NULL"),
    ),
    sa.Index(
        "uq_content_live",
        "suite_id",
        "package_id",
        unique=True,
        sqlite_where=sa.text("removed_revision IS NULL"),
        postgresql_where=sa.text("removed_revision IS NULL"),
    ),
    sa.Index(
        "ix_content_order",
        "sort_key",
        "id",
        sqlite_where=sa.text("removed_revision IS NULL"),
        postgresql_where=sa.text("removed_revision IS NULL"),
    ),
    sa.Index("ix_content_package", "package_id", "suite_id"),
)

admission = sa.Table(
    "admission",
    metadata,
    _id(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("package_id", Id, sa.ForeignKey("package.id"), nullable=False),
    sa.Column("component", sa.String(128), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("steps", sa.JSON, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("requested_by", sa.String(128), nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("decided_by", sa.String(128), nullable=True),
    sa.Column("decided_at", Moment, nullable=True),
    sa.Column("justification", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=True),
    sa.Index("ix_admission_package", "package_id", "suite_id"),
    sa.Index("ix_admission_state", "state", "suite_id"),
)

generation = sa.Table(
    "generation",
    metadata,
    _id(),
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("manifest", sa.String(64), nullable=False),
    sa.Column("package_count", sa.BigInteger, nullable=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("superseded_at", Moment, nullable=True),
    sa.Column("refresh_at", Moment, nullable=True),
    sa.UniqueConstraint("suite_id", "number"),
)

generation_file = sa.Table(
    "generation_file",
    metadata,
    sa.Column("suite_id", Id, sa.ForeignKey("suite.id"), primary_key=True),
    sa.Column("digest", sa.String(128), primary_key=True),
    sa.Column("generation_id", Id, sa.ForeignKey("generation.id"), nullable=False, index=True),
)

account = sa.Table(
    "account",
    metadata,
    _id(),
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
)

api_token = sa.Table(
    "api_token",
    metadata,
    _id(),
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

audit = sa.Table(
    "audit",
    metadata,
    _id(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("action", sa.String(48), nullable=False),
    sa.Column("result", sa.String(24), nullable=False),
    sa.Column("user", sa.String(128), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("package", sa.String(256), nullable=True),
    sa.Column("version", sa.String(256), nullable=True),
    sa.Column("suite", sa.String(300), nullable=True),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Index("ix_audit_at", "at"),
    sa.Index("ix_audit_package", "package", "at"),
)

fact = sa.Table(
    "fact",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)

throttle = sa.Table(
    "throttle",
    metadata,
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("until", Moment, nullable=False),
)

node = sa.Table(
    "node",
    metadata,
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("works", sa.Boolean, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)
