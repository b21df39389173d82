"""What differs between two states: packages that came, went, or changed their version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cmp_to_key
from typing import Literal

from entrepot.adapters.catalog.base import Reading
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.finding import SEVERITIES, Finding, Severity
from entrepot.domain.model.package import Format
from entrepot.domain.model.snapshot import Content
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.errors import InvalidRequest
from entrepot.services.snapshots.references import State

Order = Callable[[str, str], int]
Kind = Literal["added", "removed", "upgraded", "downgraded", "changed"]


@dataclass(frozen=True, slots=True)
class Line:
    """One package of one architecture in one component.

    ``kind`` says what its newest version does; ``before`` and ``after`` are the versions that are on one side alone,
    newest first.  ``changed`` means that the newest one stayed, and older ones or its bytes differ.
    """

    kind: Kind
    name: str
    architecture: str
    component: str
    before: Sequence[str]
    after: Sequence[str]
    older: Content | None = None
    newer: Content | None = None


@dataclass(frozen=True, slots=True)
class Risk:
    """A vulnerability that the newest version of a package has on one side and not on the other."""

    id: str
    severity: Severity
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Delta:
    """What a change does to known vulnerabilities; ``known`` is false where nobody could be asked."""

    known: bool
    fixed: Sequence[Risk] = ()
    introduced: Sequence[Risk] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Lines by name, and the packages themselves."""

    older: State
    newer: State
    lines: Sequence[Line]
    gone: Sequence[Content]
    came: Sequence[Content]
    counts: Mapping[str, int] = field(default_factory=dict)
    delta: Delta = Delta(known=False)


def compare(reading: Reading, older: State, newer: State, formats: Mapping[Format, PackageFormat]) -> Difference:
    """Cheap for two states of one suite: only what came or went in between is looked at.

    Merged ones are not in the line of its revisions, and are looked through as two suites are.

    Raises:
        InvalidRequest: the two hold packages of different formats.
    """
    if older.suite.format is not newer.suite.format:
        raise InvalidRequest("the two hold packages of different formats")
    if older.suite.id == newer.suite.id and min(older.generation.revision, newer.generation.revision) >= 0:
        first, last = older.generation.revision, newer.generation.revision
        backwards = first > last
        gone, came = reading.moved_between(older.suite.id, min(first, last), max(first, last))
        if backwards:
            gone, came = came, gone
    else:
        left, right = ((one.suite.id, one.generation.revision) for one in (older, newer))
        gone, came = reading.alone(left, right), reading.alone(right, left)
    lines = _lines(reading, (older, newer), (gone, came), formats[older.suite.format].compare)
    counts: dict[str, int] = {kind: sum(1 for line in lines if line.kind == kind) for kind in _KINDS}
    return Difference(older, newer, lines, gone, came, counts)


_KINDS: Sequence[Kind] = ("added", "removed", "upgraded", "downgraded", "changed")


Known = Callable[[Reading, Suite, Sequence[PackageId]], Mapping[PackageId, Sequence[Finding]] | None]
"""What is known of packages in a suite's distribution; none where nobody can say."""

_MOST_ASKED = 2000


def with_delta(reading: Reading, difference: Difference, known: Known) -> Difference:
    """With what the change does to known vulnerabilities; of very large ones nobody is asked."""
    sides = [[one.older for one in difference.lines if one.older], [one.newer for one in difference.lines if one.newer]]
    if sum(map(len, sides)) > _MOST_ASKED:
        return difference
    found: list[Mapping[PackageId, Sequence[Finding]]] = []
    for state, contents in zip((difference.older, difference.newer), sides, strict=True):
        answer = known(reading, state.suite, [one.package_id for one in contents])
        if answer is None:
            return difference
        found.append(answer)
    fixed: dict[tuple[str, str], Risk] = {}
    introduced: dict[tuple[str, str], Risk] = {}
    for line in difference.lines:
        before, after = (_risks(one, known_of) for one, known_of in zip((line.older, line.newer), found, strict=True))
        fixed |= {key: risk for key, risk in before.items() if key not in after}
        introduced |= {key: risk for key, risk in after.items() if key not in before}
    return replace(difference, delta=Delta(known=True, fixed=_ordered(fixed), introduced=_ordered(introduced)))


def _risks(content: Content | None, known: Mapping[PackageId, Sequence[Finding]]) -> dict[tuple[str, str], Risk]:
    if content is None:
        return {}
    return {
        (content.name, one.id): Risk(one.id, one.severity, content.name, content.version)
        for one in known.get(content.package_id, ())
    }


def _ordered(risks: Mapping[tuple[str, str], Risk]) -> list[Risk]:
    return sorted(risks.values(), key=lambda one: (SEVERITIES.index(one.severity), one.id, one.name))


Place = tuple[str, str, str]


def _lines(
    reading: Reading, states: tuple[State, State], sides: tuple[Sequence[Content], Sequence[Content]], order: Order
) -> list[Line]:
    places: dict[Place, tuple[list[str], list[str]]] = {}
    for side, contents in enumerate(sides):
        for one in contents:
            place = places.setdefault((one.name, one.architecture, one.component), ([], []))
            place[side].append(one.version)
    names = {place[0] for place in places}
    before, after = (reading.versions_at(one.suite.id, one.generation.revision, names) for one in states)
    by_version = cmp_to_key(order)
    lines = []
    for key, (left, right) in sorted(places.items()):
        old, new = (_newest(found.get(key, ()), order) for found in (before, after))
        gone, came = (sorted(side, key=by_version, reverse=True) for side in (left, right))
        lines.append(Line(_kind(old, new, order), *key, gone, came, old, new))
    return lines


def _newest(contents: Sequence[Content], order: Order) -> Content | None:
    by_version = cmp_to_key(order)
    return max(contents, key=lambda one: by_version(one.version), default=None)


def _kind(before: Content | None, after: Content | None, order: Order) -> Kind:
    """By the newest version on each side, which is what machines take."""
    if before is None:
        return "added"
    if after is None:
        return "removed"
    step = order(before.version, after.version)
    if step == 0:
        return "changed"
    return "upgraded" if step < 0 else "downgraded"
