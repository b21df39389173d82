"""Numbers for monitoring."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.figures import Totals
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.suite import SuiteId


class FigureQueries:
    """Implements ``FigureReading``."""

    _connection: sa.Connection

    def totals(self) -> Totals:
        """In four queries."""
        packages = self._connection.execute(
            sa.select(
                sa.func.count().label("files"), sa.func.coalesce(sa.func.sum(t.package.c.size_bytes), 0).label("size")
            )
        ).one()
        states = sa.select(t.admission.c.state, sa.func.count().label("found")).group_by(t.admission.c.state)
        generations = sa.select(
            t.generation.c.suite_id, sa.func.count().label("kept"), sa.func.max(t.generation.c.number).label("newest")
        ).group_by(t.generation.c.suite_id)
        newest_entry = self._connection.execute(sa.select(sa.func.max(t.audit.c.id))).scalar_one()
        return Totals(
            packages=int(packages.files),
            package_bytes=int(packages.size),
            audit_entries=int(newest_entry or 0),
            admissions={str(row.state): int(row.found) for row in self._connection.execute(states)},
            generations={
                SuiteId(row.suite_id): (int(row.kept), int(row.newest)) for row in self._connection.execute(generations)
            },
        )
