"""The audit log as a chain, and what its searches need.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from entrepot.adapters.catalog.auditing import chained, words_of
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.chain import BEGINNING

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BATCH = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INDEXED = ("action", "result", "user", "suite")
_ADDED = ("account", "role", "words", "previous", "hash")


def upgrade() -> None:
    connection = op.get_bind()
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("forgets", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_checkpoint")),
    )
    op.create_index(op.f("ix_audit_checkpoint_number"), "audit_checkpoint", ["number"], unique=False)
    op.add_column("audit", sa.Column("account", sa.String(length=128), nullable=True))
    op.add_column("audit", sa.Column("role", sa.String(length=64), nullable=True))
    op.add_column("audit", sa.Column("words", sa.Text(), nullable=True))
    op.add_column("audit", sa.Column("previous", sa.String(length=64), nullable=True))
    op.add_column("audit", sa.Column("hash", sa.String(length=64), nullable=True))
    number, last = _chain(connection)
    op.bulk_insert(
        sa.table("audit_head", sa.column("id"), sa.column("number"), sa.column("hash")),
        [{"id": 1, "number": number, "hash": last}],
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.alter_column("words", existing_type=sa.Text(), nullable=False)
        batch_op.alter_column("previous", existing_type=sa.String(length=64), nullable=False)
        batch_op.alter_column("hash", existing_type=sa.String(length=64), nullable=False)
        for name in _INDEXED:
            batch_op.create_index(f"ix_audit_{name}", [name, "at"], unique=False)
    if connection.dialect.name == "sqlite":
        _index_words_on_sqlite()
    else:
        _index_words_on_postgresql(connection)


def _chain(connection: sa.Connection) -> tuple[int, str]:
    """Number and link the entries there are, some at a time; number and hash of the last one."""
    old = sa.table(
        "audit",
        *(sa.column(name, sa.JSON if name == "detail" else None) for name in (
            *("id", "at", "action", "result", "user", "address", "package", "version", "suite", "detail"),
            *("words", "previous", "hash"),
        )),
    )  # fmt: skip
    change = (
        sa.update(old)
        .where(old.c.id == sa.bindparam("old_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in ("id", "words", "previous", "hash")})
    )
    number, last, after = 0, BEGINNING, -1
    while True:
        query = sa.select(old).where(old.c.id > after).order_by(old.c.id).limit(_BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return number, last
        changes: list[dict[str, Any]] = []
        for row in rows:
            link = chained(number + 1, last, _entry_of(row))
            new = {"id": link.number, "words": words_of(link.entry), "previous": last, "hash": link.hash}
            changes.append({"old_id": row.id, **{f"new_{name}": value for name, value in new.items()}})
            number, last, after = link.number, link.hash, row.id
        connection.execute(change, changes)


def _entry_of(row: Any) -> AuditEntry:
    detail = json.loads(row.detail) if isinstance(row.detail, str) else row.detail
    return AuditEntry(
        action=row.action,
        result=row.result,
        actor=Actor(row.user, frozenset(), row.address),
        at=_EPOCH + timedelta(microseconds=row.at),
        package=row.package,
        version=row.version,
        suite=row.suite,
        detail=detail or {},
    )


def _index_words_on_sqlite() -> None:
    # Some builds of SQLite have no such index: then every text is read.
    try:
        op.execute(
            "CREATE VIRTUAL TABLE audit_words USING fts5"
            "(words, content='audit', content_rowid='id', tokenize='trigram case_sensitive 1')"
        )
    except sa.exc.OperationalError:
        return
    op.execute(
        "CREATE TRIGGER audit_words_added AFTER INSERT ON audit BEGIN "
        "INSERT INTO audit_words(rowid, words) VALUES (new.id, new.words); END"
    )
    op.execute(
        "CREATE TRIGGER audit_words_removed AFTER DELETE ON audit BEGIN "
        "INSERT INTO audit_words(audit_words, rowid, words) VALUES ('delete', old.id, old.words); END"
    )
    op.execute("INSERT INTO audit_words(audit_words) VALUES ('rebuild')")


def _index_words_on_postgresql(connection: sa.Connection) -> None:
    # The extension comes with the server in most distributions; without it, every text is read.
    try:
        with connection.begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            op.execute("CREATE INDEX audit_words ON audit USING gin (words gin_trgm_ops)")
    except sa.exc.DBAPIError:
        return


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER IF EXISTS audit_words_added")
        op.execute("DROP TRIGGER IF EXISTS audit_words_removed")
        op.execute("DROP TABLE IF EXISTS audit_words")
    else:
        op.execute("DROP INDEX IF EXISTS audit_words")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        for name in _INDEXED:
            batch_op.drop_index(f"ix_audit_{name}")
        for name in _ADDED:
            batch_op.drop_column(name)
    op.drop_table("audit_checkpoint")
    op.drop_table("audit_head")
