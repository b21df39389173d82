"""What revisions of suites show, and what packages carry inside."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from entrepot.adapters.catalog.contents import Place, Shown, Sojourn
from entrepot.adapters.catalog.findings import NEVER
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import package_of
from entrepot.domain.model.component import Component, Composition
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import PackageId, SuiteId

_CHUNK = 500
_ADD = sa.insert(t.composition)


def _there(suite_id: SuiteId, revision: int) -> sa.ColumnElement[bool]:
    stay = t.content.c
    left_later = sa.or_(stay.removed_revision.is_(None), stay.removed_revision > revision)
    return sa.and_(stay.suite_id == suite_id, stay.added_revision <= revision, left_later)


def insert_composition(connection: sa.Connection, package_id: PackageId, found: Composition, now: datetime) -> None:
    """Of a package that has none."""
    values = {"package_id": package_id, "readers": found.readers, "notes": list(found.notes), "read_at": now}
    connection.execute(_ADD, values)
    rows = [
        {
            "package_id": package_id,
            "number": number,
            "ecosystem": one.ecosystem,
            "name": one.name,
            "version": one.version,
            "purl": one.purl,
            "path": one.path,
            "licence": one.licence,
        }
        for number, one in enumerate(found.components, 1)
    ]
    for start in range(0, len(rows), _CHUNK):
        connection.execute(sa.insert(t.bundled), rows[start : start + _CHUNK])


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

    def sojourns(self, package_ids: Collection[PackageId]) -> list[Sojourn]:
        """By the index on packages."""
        found, numbers, stay = list[tuple[int, Sojourn]](), sorted(package_ids), t.content.c
        for start in range(0, len(numbers), _CHUNK):
            part = numbers[start : start + _CHUNK]
            query = sa.select(t.content).where(stay.package_id.in_(part), stay.added_revision > 0)
            found += (
                (
                    row.id,
                    Sojourn(
                        SuiteId(row.suite_id),
                        PackageId(row.package_id),
                        row.component,
                        row.added_revision,
                        row.removed_revision,
                        row.added_at,
                        row.added_by,
                    ),
                )
                for row in self._connection.execute(query)
            )
        return [one for _, one in sorted(found, key=lambda each: each[0])]

    def components(self, package_id: PackageId) -> list[Component]:
        """In order of their purls."""
        found = self.compositions([package_id]).get(package_id)
        return list(found.components) if found else []

    def compositions(self, package_ids: Collection[PackageId]) -> Mapping[PackageId, Composition]:
        """Two queries for each few hundred packages."""
        found: dict[PackageId, Composition] = {}
        numbers = sorted(package_ids)
        for start in range(0, len(numbers), _CHUNK):
            part = numbers[start : start + _CHUNK]
            made = list(self._connection.execute(sa.select(t.composition).where(t.composition.c.package_id.in_(part))))
            query = sa.select(t.bundled).where(t.bundled.c.package_id.in_(part))
            carried: dict[int, list[Component]] = {row.package_id: [] for row in made}
            for row in self._connection.execute(query.order_by(t.bundled.c.package_id, t.bundled.c.number)):
                one = Component(row.purl, row.ecosystem, row.name, row.version, row.path, row.licence)
                carried.setdefault(row.package_id, []).append(one)
            for row in made:
                components = tuple(carried[row.package_id])
                found[PackageId(row.package_id)] = Composition(row.readers, components, tuple(row.notes))
        return found

    def carriers(self, ecosystem: str, name: str) -> list[PackageId]:
        """By the index on names."""
        query = (
            sa.select(t.bundled.c.package_id)
            .where(t.bundled.c.ecosystem == ecosystem, t.bundled.c.name == name)
            .distinct()
            .order_by(t.bundled.c.package_id)
        )
        return [PackageId(number) for number in self._connection.execute(query).scalars()]

    def without_composition(self, readers: int, below: int | None, limit: int) -> list[PackageId]:
        """The newest first."""
        known = sa.exists().where(t.composition.c.package_id == t.package.c.id, t.composition.c.readers >= readers)
        query = sa.select(t.package.c.id).where(~known).order_by(t.package.c.id.desc()).limit(limit)
        if below is not None:
            query = query.where(t.package.c.id < below)
        return [PackageId(number) for number in self._connection.execute(query).scalars()]

    def keep_composition(self, package_id: PackageId, composition: Composition, now: datetime) -> None:
        """What was there is gone; what is known of the package is compared again."""
        for table in (t.bundled, t.composition):
            self._connection.execute(sa.delete(table).where(table.c.package_id == package_id))
        insert_composition(self._connection, package_id, composition, now)
        again = sa.update(t.scan).where(t.scan.c.package_id == package_id).values(round=NEVER)
        self._connection.execute(again)
