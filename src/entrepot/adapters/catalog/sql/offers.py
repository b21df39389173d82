"""Which packages of a suite offer a name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

import sqlalchemy as sa

from entrepot.adapters.catalog.offers import Offer
from entrepot.adapters.catalog.records import StoredPackage
from entrepot.adapters.catalog.sql import tables as t
from entrepot.adapters.catalog.sql.rows import package_of
from entrepot.domain.dependencies.capabilities import capability_key
from entrepot.domain.model.suite import SuiteId

T = TypeVar("T")
_CHUNK = 400
_NAMES: sa.BindParameter[list[str]] = sa.bindparam("names", expanding=True)
_HERE = sa.and_(t.shelf.c.suite_id == sa.bindparam("its_suite"), sa.not_(t.shelf.c.waits))
_CALLED = sa.select(t.shelf.c.name, t.shelf.c.package_id).where(_HERE, t.shelf.c.name.in_(_NAMES))
_PROVIDED = sa.select(t.capability).where(
    t.capability.c.name.in_(_NAMES), sa.exists().where(_HERE, t.shelf.c.package_id == t.capability.c.package_id)
)


class OfferQueries:
    """Implements ``OfferReading``."""

    _connection: sa.Connection

    def offers(self, suite_id: SuiteId, names: Collection[str]) -> list[Offer]:
        """Names are looked up in indexes first, packages by id after that."""
        by_package: dict[int, set[str]] = {}
        for chunk in _chunks(sorted(names)):
            for name, package_id in self._offering(suite_id, chunk):
                by_package.setdefault(package_id, set()).add(name)
        found: list[Offer] = []
        for numbers in _chunks(sorted(by_package)):
            control = sa.and_(t.fragment.c.package_id == t.package.c.id, t.fragment.c.kind == "control")
            query = sa.select(t.package, t.fragment.c.body).outerjoin(t.fragment, control)
            for row in self._connection.execute(query.where(t.package.c.id.in_(numbers))):
                package = package_of(row)
                body = b"" if row.body is None else bytes(row.body)
                found += (Offer(name, package, body) for name in sorted(by_package[row.id]))
        return found

    def _offering(self, suite_id: SuiteId, names: list[str]) -> Iterator[tuple[str, int]]:
        called = self._connection.execute(_CALLED, {"its_suite": suite_id, "names": names})
        yield from ((one.name, one.package_id) for one in called)
        keys = {capability_key(name): name for name in names}
        provided = self._connection.execute(_PROVIDED, {"its_suite": suite_id, "names": list(keys)})
        yield from ((keys[one.name], one.package_id) for one in provided)

    def control_of(self, package: StoredPackage) -> bytes:
        """One look-up."""
        query = sa.select(t.fragment.c.body).where(
            t.fragment.c.package_id == package.id, t.fragment.c.kind == "control"
        )
        body = self._connection.execute(query).scalar_one_or_none()
        return b"" if body is None else bytes(body)


def _chunks(values: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
