"""Keeping the shelf: the rows that lists are read from follow contents and admissions, in the same unit."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.scanning import Scanning
from entrepot.domain.model.suite import PackageId, SuiteId

_SUMMARY_CHARACTERS = 1000
_HERE = (t.shelf.c.suite_id == sa.bindparam("its_suite"), t.shelf.c.package_id == sa.bindparam("its_package"))
_MOVE = (
    sa.update(t.shelf)
    .where(*_HERE, t.shelf.c.waits)
    .values(waits=sa.bindparam("now_waits"), added_at=sa.bindparam("now_added_at"))
)
_WAITS = sa.select(t.shelf.c.waits).where(*_HERE)
_SHOWN = sa.select(t.package.c.name, t.package.c.architecture, t.package.c.size_bytes, t.package.c.summary).where(
    t.package.c.id == sa.bindparam("its_package")
)
_ADD = sa.insert(t.shelf)


def shelf_text(name: str, summary: str) -> str:
    """What a search looks into; case is folded on both sides."""
    return f"{name}\n{summary[:_SUMMARY_CHARACTERS]}".casefold()


class Shelving(Scanning):
    """For the queries that move packages; what was found in one goes with it."""

    def _shelve(self, suite_id: SuiteId, package_id: PackageId, now: datetime, *, waits: bool) -> None:
        """Put a package on the shelf; one that is in the suite no longer waits for it, whatever else is said."""
        here = {"its_suite": suite_id, "its_package": package_id}
        moved = self._connection.execute(_MOVE, {**here, "now_waits": waits, "now_added_at": now}).rowcount
        if moved or (waits and self._connection.execute(_WAITS, here).first() is not None):
            return
        package = self._connection.execute(_SHOWN, {"its_package": package_id}).one()
        row = {
            "suite_id": suite_id,
            "package_id": package_id,
            "name": package.name,
            "architecture": package.architecture,
            "waits": waits,
            "size_bytes": package.size_bytes,
            "added_at": now,
            "text": shelf_text(package.name, package.summary),
        }
        self._connection.execute(_ADD, row)
        self._begin_scan(suite_id, package_id, package.name, now)

    def _unshelve(self, suite_id: SuiteId, package_id: PackageId, *, waits: bool) -> None:
        """Take a package off, if it is there as one that waits, or as one that does not."""
        row = t.shelf.c
        gone = sa.delete(t.shelf).where(
            row.suite_id == suite_id, row.package_id == package_id, row.waits == sa.literal(waits)
        )
        if self._connection.execute(gone).rowcount:
            self._forget_scan(suite_id, package_id)
