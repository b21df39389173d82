"""Which suite and component a request means."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.naming import find_suite, find_suites
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.errors import InvalidRequest, VerbatimSuite

DEFAULT_CODENAMES = {Format.DEB: "jammy", Format.RPM: "almalinux9"}


@dataclass(frozen=True, slots=True)
class Target:
    """A suite and the component in it."""

    suite: Suite
    component: str


def find_target(reading: Reading, distribution: str | None, component: str | None, format_: Format) -> Target:
    """Suite and component of an upload; the format's default distribution and the suite's first component if unsaid."""
    suite = find_suite(reading, distribution or DEFAULT_CODENAMES[format_], format_)
    refuse_verbatim(suite)
    known = suite.options.components
    if component and component not in known:
        raise InvalidRequest(
            f"distribution {suite.codename} has no component {component[:80]!r}; it has {', '.join(known)}",
            component=component[:80],
        )
    return Target(suite, component or known[0])


def refuse_verbatim(suite: Suite) -> None:
    """Packages go into suites that are signed here.

    Raises:
        VerbatimSuite: this one is signed by its upstream.
    """
    if suite.verbatim:
        raise VerbatimSuite(
            f"{suite.full_name} shows what its upstream has signed and takes no packages of its own; put them into "
            "another distribution",
            distribution=suite.full_name,
        )


def hint_of(suite: Suite | None) -> str:
    """How a package gets out of a suite that has none of its own."""
    if suite is None or not suite.verbatim:
        return ""
    return "; it mirrors an upstream: import the package from its source, which fetches nothing that is here"


__all__ = ["DEFAULT_CODENAMES", "Target", "find_suite", "find_suites", "find_target", "hint_of", "refuse_verbatim"]
