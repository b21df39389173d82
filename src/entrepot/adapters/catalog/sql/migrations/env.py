"""Alembic's entry: the connection comes from the program, or from ``-x url=...`` when a migration is written."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from entrepot.adapters.catalog.sql.tables import Moment, metadata


def render(kind: str, item: object, _context: Any) -> str | Literal[False]:
    """A migration must not depend on classes that may change after it."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Moment) else False


def known(name: str | None, kind: str, _parents: Any) -> bool:
    """The index of texts in the audit log is made for each engine by hand, with tables of its own on SQLite."""
    return not (kind in {"table", "index"} and str(name).startswith("audit_words"))


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render,
        include_name=known,
    )
    with context.begin_transaction():
        context.run_migrations()


connection = context.config.attributes.get("connection")
if connection is not None:
    run(connection)
else:
    with sa.create_engine(context.get_x_argument(as_dictionary=True)["url"]).connect() as own:
        run(own)
        own.commit()
