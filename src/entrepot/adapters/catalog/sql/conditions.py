"""A filter on packages as SQL conditions."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.records import PackageFilter
from entrepot.adapters.catalog.sql import tables as t


def conditions_of(wanted: PackageFilter, suite_name: sa.ColumnElement[str]) -> list[sa.ColumnElement[bool]]:
    """For a query that joins ``package``; ``suite_name`` is its column of codenames."""
    equal: list[tuple[sa.ColumnElement[str], str]] = [
        (t.package.c.name, wanted.name),
        (t.package.c.version, wanted.version),
        (t.package.c.architecture, wanted.architecture),
        (t.package.c.format, wanted.format.value if wanted.format else ""),
        (suite_name, wanted.suite),
    ]
    found: list[sa.ColumnElement[bool]] = [column == value for column, value in equal if value]
    if wanted.names:
        found.append(t.package.c.name.in_(wanted.names))
    if wanted.text:
        found.append(
            sa.or_(
                t.package.c.name.icontains(wanted.text, autoescape=True),
                t.package.c.summary.icontains(wanted.text, autoescape=True),
            )
        )
    return found
