"""What was brought from other people's repositories, and names to look for there."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.imports import GroupedPackage, Imported
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.upstream.source import SourceId

_LAST = "\U0010ffff"


class ImportQueries:
    """Implements ``ImportReading`` and ``ImportWriting``."""

    _connection: sa.Connection

    def imported(self, package_id: PackageId) -> list[Imported]:
        """By package."""
        row = t.imported.c
        query = sa.select(t.imported).where(row.package_id == package_id).order_by(row.imported_at.desc())
        return [
            Imported(
                PackageId(one.package_id),
                SuiteId(one.suite_id),
                one.source_name,
                one.filename,
                one.group_name,
                one.job,
                one.imported_by,
                one.imported_at,
            )
            for one in self._connection.execute(query)
        ]

    def import_groups(self, limit: int) -> list[GroupedPackage]:
        """By name."""
        row = t.imported.c
        query = (
            sa.select(t.imported, t.package.c.filename.label("own"), t.package.c.size_bytes, t.suite.c.codename)
            .join(t.package, t.package.c.id == row.package_id)
            .join(t.suite, t.suite.c.id == row.suite_id)
            .where(row.group_name != "")
            .order_by(row.group_name, t.suite.c.codename, t.package.c.filename)
            .limit(limit)
        )
        return [
            GroupedPackage(one.group_name, one.codename, one.own, one.size_bytes, one.imported_by, one.imported_at)
            for one in self._connection.execute(query)
        ]

    def upstream_names(
        self, text: str, sources: Collection[SourceId], format_: Format | None, limit: int, *, anywhere: bool
    ) -> list[str]:
        """Of the index of names alone, which has all columns that this needs."""
        package, source = t.upstream_package.c, t.source.c
        force = sa.select(source.id, source.generation).where(source.id.in_(list(sources)), source.generation > 0)
        if format_ is not None:
            force = force.where(source.format == format_.value)
        pairs = [(row.id, row.generation) for row in self._connection.execute(force)]
        if not pairs:
            return []
        # Sums keep the engine from walking the rows of a generation, which are wide; the index of names has it all.
        here = sa.or_(
            *(
                sa.and_(package.source_id + 0 == number, package.generation + 0 == generation)
                for number, generation in pairs
            )
        )
        if anywhere:
            ignores_case = self._connection.dialect.name == "sqlite"  # where LIKE looks at no case anyway, and quickly
            contains = package.name.contains if ignores_case else package.name.icontains
            matching = contains(text, autoescape=True)
        else:
            texts = dict.fromkeys((text, text.lower()))
            matching = sa.or_(*(sa.and_(package.name >= one, package.name < one + _LAST) for one in texts))
        query = sa.select(package.name).where(matching, here).distinct().order_by(package.name).limit(limit)
        return list(self._connection.execute(query).scalars())

    def note_import(self, imported: Imported) -> None:
        """One row."""
        values = {
            "source_name": imported.source_name,
            "filename": imported.filename,
            "group_name": imported.group,
            "job": imported.job,
            "imported_by": imported.imported_by,
            "imported_at": imported.imported_at,
        }
        keys = {"package_id": imported.package_id, "suite_id": imported.suite_id}
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        query = dialect.insert(t.imported).values(**keys, **values)
        self._connection.execute(query.on_conflict_do_update(index_elements=list(keys), set_=values))

    def forget_import_group(self, name: str) -> int:
        """Rows stay."""
        row = t.imported.c
        query = sa.update(t.imported).where(row.group_name == name).values(group_name="").returning(row.package_id)
        return len(self._connection.execute(query).all())
