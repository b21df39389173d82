"""Two suites that packages go between, and the rows that change when one goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Reading, Writing
from entrepot.adapters.catalog.records import Placement
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.gate import CheckOutcome
from entrepot.errors import AlreadyDecided, InvalidRequest
from entrepot.services.intake.admit import Candidate, place
from entrepot.services.intake.decisions import acts
from entrepot.services.intake.findings import keep_scan
from entrepot.services.intake.targets import find_suite, find_suites, refuse_verbatim


@dataclass(frozen=True, slots=True)
class Pair:
    """Where packages are, and where they shall be as well."""

    source: Suite
    target: Suite


def find_pair(reading: Reading, source: str, target: str) -> Pair:
    """Two different suites of one format.

    Raises:
        UnknownDistribution, InvalidRequest: there is none, or they do not fit.
    """
    from_suite = find_suite(reading, source)
    fitting = [suite for suite in find_suites(reading, target) if suite.format is from_suite.format]
    to_suite = fitting[0] if fitting else find_suite(reading, target)
    refuse_verbatim(to_suite)
    if from_suite.id == to_suite.id:
        raise InvalidRequest("source and target are the same distribution")
    if from_suite.format is not to_suite.format:
        raise InvalidRequest(
            f"{from_suite.codename} holds .{from_suite.format.value} packages, "
            f"{to_suite.codename} .{to_suite.format.value} ones"
        )
    return Pair(from_suite, to_suite)


def copy(
    unit: Writing,
    formats: Mapping[Format, PackageFormat],
    placement: Placement,
    target: Suite,
    actor: Actor,
    now: datetime,
    outcomes: Sequence[CheckOutcome] = (),
) -> int:
    """Place a package of one suite into another, in the same component if there is one; the target's revision.

    ``outcomes`` are what the checks said about it before the target.

    Raises:
        AlreadyDecided: a person keeps these bytes out of the target.
    """
    against = acts.kept_out(unit, target, placement.package.id)
    if against is not None:
        raise AlreadyDecided(f"{placement.package.key} stays out of {target.codename}: {against.reasons[0]}")
    component = placement.component
    if component not in target.options.components:
        component = target.options.components[0]
    revision = place(unit, target, formats[target.format], Candidate.of(placement.package), component, actor, now)
    keep_scan(unit, target, placement.package.id, outcomes, now)
    return revision
