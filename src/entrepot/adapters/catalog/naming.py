"""How people name a suite: by its codename, with the archive before it where that is not the default."""

from __future__ import annotations

from entrepot.adapters.catalog.base import Reading
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import DEFAULT_ARCHIVE, Suite
from entrepot.errors import UnknownDistribution, WrongFormat


def find_suites(reading: Reading, distribution: str) -> list[Suite]:
    """Suites of any format that ``[archive/]codename`` names; the archive is ``main`` when none is given."""
    archive_name, slash, codename = distribution.partition("/")
    if not slash:
        archive_name, codename = DEFAULT_ARCHIVE, distribution
    return reading.suites_named(archive_name, codename)


def find_suite(reading: Reading, distribution: str, format_: Format | None = None) -> Suite:
    """The one suite that is meant.

    Raises:
        UnknownDistribution: there is none of that name.
        WrongFormat: there is one, of another format.
    """
    suites = find_suites(reading, distribution)
    if not suites:
        known = ", ".join(suite.codename for suite in reading.suites() if suite.archive.name == DEFAULT_ARCHIVE)
        raise UnknownDistribution(
            f"there is no distribution {distribution[:80]!r}; there are {known}", distribution=distribution[:80]
        )
    fitting = [suite for suite in suites if format_ is None or suite.format is format_]
    if not fitting:
        raise WrongFormat(
            f"distribution {distribution} takes .{suites[0].format.value} packages, this is a .{format_}",
            distribution=distribution,
        )
    return fitting[0]
