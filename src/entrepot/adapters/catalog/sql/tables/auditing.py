"""The audit log: entries that are linked by their hashes, the head of the chain, and signed checkpoints.

What texts are searched in has an index of its own, ``audit_words``, which only its engine knows how to describe:
revision 0006 makes it.
"""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.base import Moment, id_column, metadata

audit = sa.Table(
    "audit",
    metadata,
    id_column(),  # the number in the chain: given, never generated
    sa.Column("at", Moment, nullable=False),
    sa.Column("action", sa.String(48), nullable=False),
    sa.Column("result", sa.String(24), nullable=False),
    sa.Column("user", sa.String(128), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("package", sa.String(256), nullable=True),
    sa.Column("version", sa.String(256), nullable=True),
    sa.Column("suite", sa.String(300), nullable=True),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("account", sa.String(128), nullable=True),
    sa.Column("role", sa.String(64), nullable=True),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index("ix_audit_at", "at"),
    sa.Index("ix_audit_package", "package", "at"),
    sa.Index("ix_audit_action", "action", "at"),
    sa.Index("ix_audit_result", "result", "at"),
    sa.Index("ix_audit_user", "user", "at"),
    sa.Index("ix_audit_suite", "suite", "at"),
)

audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

audit_checkpoint = sa.Table(
    "audit_checkpoint",
    metadata,
    id_column(),
    sa.Column("number", sa.BigInteger, nullable=False, index=True),
    sa.Column("forgets", sa.Boolean, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("statement", sa.Text, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
)
