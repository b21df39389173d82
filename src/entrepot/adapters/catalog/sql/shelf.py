"""Pages of packages and names, chosen from the shelf before anything wide is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from entrepot.adapters.catalog.records import PackageFilter, Placement
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.packages import PackageQueries
from entrepot.domain.model.suite import SuiteId

_ROW = t.shelf.c
_ORDER = (_ROW.name, _ROW.package_id, _ROW.suite_id)
_FEW = 2000


class ShelfQueries(PackageQueries):
    """Implements the port's pages and counts."""

    def placement_page(self, conditions: PackageFilter, offset: int, limit: int) -> tuple[list[Placement], int]:
        """A page by name, then in order of arrival, and the number of all."""
        found = self._shelved(conditions, sa.not_(_ROW.waits))
        few = self._few(found) if conditions.text else None
        if few is not None:
            total, chosen = len(few), few[offset : offset + limit]
        else:
            total = self._count(sa.select(sa.func.count()).where(*found))
            page = sa.select(*_ORDER).where(*found).order_by(*_ORDER).offset(offset).limit(limit)
            chosen = [(row.name, row.package_id, row.suite_id) for row in self._connection.execute(page)]
        if not chosen:
            return [], total
        query = self._placements(PackageFilter()).where(
            t.content.c.package_id.in_([package_id for _, package_id, _ in chosen]),
            t.content.c.suite_id.in_({suite_id for _, _, suite_id in chosen}),
        )
        by_key = {(int(one.package.id), int(one.suite.id)): one for one in self._placed(query)}
        return [by_key[key[1:]] for key in chosen if key[1:] in by_key], total

    def name_page(self, conditions: PackageFilter, offset: int, limit: int) -> tuple[list[str], int]:
        """Names of packages that are live or wait somewhere."""
        found = self._shelved(conditions)
        few = self._few(found) if conditions.text else None
        if few is not None:
            names = list(dict.fromkeys(name for name, _, _ in few))
            return names[offset : offset + limit], len(names)
        total = self._count(sa.select(sa.func.count(_ROW.name.distinct())).where(*found))
        page = sa.select(_ROW.name).where(*found).distinct().order_by(_ROW.name).offset(offset).limit(limit)
        return list(self._connection.execute(page).scalars()), total

    def _few(self, found: Sequence[sa.ColumnElement[bool]]) -> list[tuple[str, int, int]] | None:
        """All that a search finds, from one look at every row; none where that is too much to sort here."""
        query = sa.select(*_ORDER).where(*found).limit(_FEW + 1)
        rows = [(str(row.name), int(row.package_id), int(row.suite_id)) for row in self._connection.execute(query)]
        return sorted(rows) if len(rows) <= _FEW else None

    def suite_sizes(self) -> Mapping[SuiteId, tuple[int, int, datetime | None]]:
        """Count, bytes, last arrival."""
        query = (
            sa.select(
                _ROW.suite_id,
                sa.func.count().label("count"),
                sa.func.sum(_ROW.size_bytes).label("bytes"),
                sa.func.max(_ROW.added_at, type_=t.Moment()).label("last"),
            )
            .where(sa.not_(_ROW.waits))
            .group_by(_ROW.suite_id)
        )
        return {SuiteId(row.suite_id): (row[1], int(row[2]), row[3]) for row in self._connection.execute(query)}

    def _count(self, query: sa.Select[Any]) -> int:
        return int(self._connection.execute(query).scalar_one())

    def _shelved(self, wanted: PackageFilter, *more: sa.ColumnElement[bool]) -> list[sa.ColumnElement[bool]]:
        found = list(more)
        if wanted.suite or wanted.format:
            suites = sa.select(t.suite.c.id).join(t.archive, t.archive.c.id == t.suite.c.archive_id)
            if wanted.suite:
                suites = suites.where(t.suite.c.codename == wanted.suite)
            if wanted.format:
                suites = suites.where(t.archive.c.format == wanted.format.value)
            found.append(_among(list(self._connection.execute(suites).scalars()), ordered=not wanted.text))
        if wanted.name:
            found.append(_ROW.name == wanted.name)
        if wanted.names:
            found.append(_ROW.name.in_(wanted.names))
        if wanted.architecture:
            found.append(_ROW.architecture == wanted.architecture)
        if wanted.waits is not None:
            found.append(_ROW.waits if wanted.waits else sa.not_(_ROW.waits))
        if wanted.text:
            position = sa.func.strpos if self._connection.dialect.name == "postgresql" else sa.func.instr
            found.append(position(_ROW.text, wanted.text.casefold()) > 0)
        return found


def _among(suites: list[int], *, ordered: bool) -> sa.ColumnElement[bool]:
    """One suite has an index in the order of names; a search, and several suites, take the rows as they come."""
    if ordered and len(suites) == 1:
        return _ROW.suite_id == suites[0]
    return sa.literal_column("+shelf.suite_id", sa.BigInteger).in_(suites)
