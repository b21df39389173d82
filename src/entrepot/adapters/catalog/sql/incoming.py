"""Files that wait to be taken in."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from entrepot.adapters.catalog.incoming import IncomingFile
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.digest import Digest

_FIELDS = ("account", "folder", "name", "digest", "sha512", "size_bytes", "received_at")


class IncomingQueries:
    """Implements ``IncomingReading`` and ``IncomingWriting``."""

    _connection: sa.Connection

    def incoming_folders(self, account: str) -> list[str]:
        """By name."""
        folder = t.incoming_file.c.folder
        query = sa.select(folder).where(t.incoming_file.c.account == account).distinct().order_by(folder)
        return list(self._connection.execute(query).scalars())

    def incoming_files(self, account: str, folder: str) -> list[IncomingFile]:
        """By name."""
        query = (
            sa.select(t.incoming_file)
            .where(t.incoming_file.c.account == account, t.incoming_file.c.folder == folder)
            .order_by(t.incoming_file.c.name)
        )
        return [
            IncomingFile(
                row.account, row.folder, row.name, Digest(row.digest), row.sha512, row.size_bytes, row.received_at
            )
            for row in self._connection.execute(query)
        ]

    def incoming_size(self, account: str) -> tuple[int, int]:
        """Number and bytes."""
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(t.incoming_file.c.size_bytes), 0)).where(
            t.incoming_file.c.account == account
        )
        count, size = self._connection.execute(query).one()
        return int(count), int(size)

    def keep_incoming(self, file: IncomingFile) -> None:
        """The newest of a name wins."""
        self.forget_incoming(file.account, file.folder, file.name)
        values = {field: getattr(file, field) for field in _FIELDS}
        self._connection.execute(sa.insert(t.incoming_file).values(values))

    def forget_incoming(self, account: str, folder: str, name: str | None = None) -> int:
        """How many."""
        query = sa.delete(t.incoming_file).where(
            t.incoming_file.c.account == account, t.incoming_file.c.folder == folder
        )
        if name is not None:
            query = query.where(t.incoming_file.c.name == name)
        return self._connection.execute(query).rowcount

    def forget_incoming_before(self, limit: datetime) -> int:
        """How many."""
        return self._connection.execute(
            sa.delete(t.incoming_file).where(t.incoming_file.c.received_at < limit)
        ).rowcount
