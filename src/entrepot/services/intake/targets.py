"""Which suite and component a request means."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.adapters.catalog.base import Reading
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import DEFAULT_ARCHIVE, Suite
from entrepot.errors import InvalidRequest, UnknownDistribution, WrongFormat

DEFAULT_CODENAMES = {Format.DEB: "jammy", Format.RPM: "almalinux9"}


@dataclass(frozen=True, slots=True)
class Target:
    """A suite and the component in it."""

    suite: Suite
    component: str


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


def find_target(reading: Reading, distribution: str | None, component: str | None, format_: Format) -> Target:
    """Suite and component of an upload; the format's default distribution and the suite's first component if unsaid."""
    suite = find_suite(reading, distribution or DEFAULT_CODENAMES[format_], format_)
    known = suite.options.components
    if component and component not in known:
        raise InvalidRequest(
            f"distribution {suite.codename} has no component {component[:80]!r}; it has {', '.join(known)}",
            component=component[:80],
        )
    return Target(suite, component or known[0])
