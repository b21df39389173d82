"""Which packages of a suite a request means."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.records import PackageFilter
from entrepot.domain.model.erratum import Fixed
from entrepot.domain.model.suite import Suite
from entrepot.errors import InvalidRequest, NotFound

MOST_PACKAGES = 200


def chosen(reading: Reading, suite: Suite, wanted: Sequence[tuple[str, str]]) -> list[Fixed]:
    """Every file of each (name, version) that is in the suite, in order, none twice.

    Raises:
        InvalidRequest: none or too many are named.
        NotFound: one of them is not in the suite.
    """
    if not wanted or len(wanted) > MOST_PACKAGES:
        raise InvalidRequest(f"name between 1 and {MOST_PACKAGES} packages")
    found: dict[int, Fixed] = {}
    for name, version in wanted:
        conditions = PackageFilter(name=name, version=version, suite=suite.codename, format=suite.format)
        places = [one for one in reading.placements(conditions) if one.suite.id == suite.id]
        if not places:
            raise NotFound(f"{name[:200]} {version[:100]} is not in {suite.codename}")
        for place in places:
            package = place.package
            found[package.id] = Fixed(package.id, package.key, package.source, package.filename, package.digest)
    return list(found.values())
