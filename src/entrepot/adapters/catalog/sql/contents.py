"""What revisions of suites show, and what packages carry inside."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from entrepot.adapters.catalog.contents import Place, Shown
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import package_of
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import PackageId, SuiteId

_CHUNK = 500


def _there(suite_id: SuiteId, revision: int) -> sa.ColumnElement[bool]:
    stay = t.content.c
    left_later = sa.or_(stay.removed_revision.is_(None), stay.removed_revision > revision)
    return sa.and_(stay.suite_id == suite_id, stay.added_revision <= revision, left_later)


class ContentsQueries:
    """Implements ``ContentsReading`` and ``ContentsWriting``."""

    _connection: sa.Connection

    def shown(self, suite_id: SuiteId, revision: int, after: tuple[int, int], limit: int) -> list[Shown]:
        """A page in the order of the index on arrivals."""
        stay = t.content.c
        query = (
            sa.select(t.package, stay.id.label("number"), stay.added_revision, stay.added_at)
            .join(t.content, stay.package_id == t.package.c.id)
            .where(_there(suite_id, revision), sa.tuple_(stay.added_revision, stay.id) > sa.tuple_(*after))
            .order_by(stay.added_revision, stay.id)
            .limit(limit)
        )
        return [
            Shown(row.number, package_of(row), row.added_revision, row.added_at)
            for row in self._connection.execute(query)
        ]

    def shown_count(self, suite_id: SuiteId, revision: int) -> int:
        """How many there are."""
        query = sa.select(sa.func.count()).select_from(t.content).where(_there(suite_id, revision))
        return int(self._connection.execute(query).scalar_one())

    def shown_places(self, suite_id: SuiteId, revision: int, package_ids: Collection[PackageId]) -> list[Place]:
        """By package."""
        found, numbers = list[Place](), sorted(package_ids)
        row = t.package.c
        for start in range(0, len(numbers), _CHUNK):
            query = (
                sa.select(t.content.c.id.label("number"), row.id, row.format, row.name, row.version, row.architecture)
                .join(t.package, t.content.c.package_id == row.id)
                .where(_there(suite_id, revision), t.content.c.package_id.in_(numbers[start : start + _CHUNK]))
            )
            found += (
                Place(
                    one.number,
                    PackageId(one.id),
                    PackageKey(Format(one.format), one.name, one.version, one.architecture),
                )
                for one in self._connection.execute(query)
            )
        return found
