"""Snapshots that are made from several states: chosen by a rule, put beside the line of revisions, indexed, frozen."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.merges import Occupant
from entrepot.adapters.catalog.naming import find_suite
from entrepot.adapters.catalog.records import AuditEntry, JsonValue, Placing
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import PackageId, Suite, SuiteId
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.errors import AlreadyExists, InvalidRequest, MergeRefused, VerbatimSuite
from entrepot.services.snapshots.choosing import Candidate, Choice, Rule, choices
from entrepot.services.snapshots.keeping import Frozen, check_description, identify, name_of
from entrepot.services.snapshots.references import State, find_state
from entrepot.services.snapshots.strangers import Against, Strangers, Told

_MOST_STATES = 20
_MOST_LISTED = 10_000
_ROWS = 1000
_FOREIGN = 200
_NAMED = 5
_MOST_ASKED = 2000


def _nobody(_stage: str, _done: int, _total: int | None) -> None:
    """Nobody hears."""


class Builder(Protocol):
    """Makes the indexes of a state apart."""

    def build(
        self, suite: Suite, state: int, count: int, like: Sequence[Digest], errata_of: Sequence[SuiteId]
    ) -> Digest:
        """The manifest; ``like`` are others with much of the same text."""
        ...

    def demand_kept(self, manifest: Digest) -> None:
        """Raises ``LostRace``."""
        ...


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """States in the order in which they count, and where the snapshot of them shall be."""

    states: Sequence[str]
    target: str
    name: str | None = None
    rule: Rule = Rule.LATEST
    description: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """What one of the states has."""

    reference: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """States disagree about a package.

    ``versions``: the rule has chosen.  ``bytes``: a version has several contents; ``claimed``: the archive of the
    target knows the version with another one.  With one of these two there is no merge.
    """

    kind: str
    name: str
    architecture: str
    taken: Sequence[Version]
    dropped: Sequence[Version]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A package that the target must not show, and why."""

    name: str
    version: str
    architecture: str
    reason: str


@dataclass(slots=True)
class Selection:
    """What a merge consists of.

    ``own`` and ``foreign`` are numbers of rows, of the target's archive and of others.  ``guests`` are packages that
    come from other suites, with their components.  Of conflicts and of packages that are left out the first ten
    thousand are named.
    """

    suite: Suite
    states: Sequence[State]
    own: array[int] = field(default_factory=lambda: array("q"))
    foreign: array[int] = field(default_factory=lambda: array("q"))
    guests: dict[PackageId, str] = field(default_factory=dict)
    taken_from: list[int] = field(default_factory=list)
    size_bytes: int = 0
    components: set[str] = field(default_factory=set)
    trees: set[str] = field(default_factory=set)
    conflicts: list[Conflict] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("versions", "bytes", "claimed", "barred"), 0))

    @property
    def package_count(self) -> int:
        """So many packages would be in it."""
        return len(self.own) + len(self.foreign)

    @property
    def possible(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.counts["bytes"] and not self.counts["claimed"]

    def note(self, kind: str, choice: Choice) -> None:
        """A conflict; all are counted."""
        self.counts[kind] += 1
        if len(self.conflicts) < _MOST_LISTED:
            taken, dropped = (self._versions(side) for side in (choice.taken, choice.dropped))
            self.conflicts.append(Conflict(kind, choice.name, choice.architecture, taken, dropped))

    def _versions(self, candidates: Sequence[Candidate]) -> list[Version]:
        return [
            Version(self.states[one.place].reference, one.content.version, one.content.digest) for one in candidates
        ]


@dataclass(frozen=True, slots=True)
class Merged:
    """A snapshot and what it was made from."""

    frozen: Frozen
    selection: Selection


class Merging:
    """Plan, and merge.  Packages are named by rows, indexes take over what others have packed; no file is copied."""

    def __init__(
        self,
        catalog: Catalog,
        formats: Mapping[Format, PackageFormat],
        builder: Builder,
        against: Against,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._formats = formats
        self._builder = builder
        self._against = against
        self._now = now

    def check(self, actor: Actor, request: MergeRequest) -> int:
        """Whether there can be such a merge, before any package is looked at; how many packages all states have.

        Raises:
            As ``plan``.
        """
        demand(actor, Permission.SNAPSHOT_WRITE)
        with self._catalog.read() as reading:
            selection = self._begun(reading, actor, request)
        return sum(one.generation.package_count for one in selection.states)

    def plan(self, actor: Actor, request: MergeRequest, told: Told = _nobody) -> Selection:
        """What a merge would consist of; nothing is changed.

        The rules of the target are asked about what it never had; where nobody hears how far that is, of a bounded
        number.

        Raises:
            MergeRefused: they are more.
            InvalidRequest, NotFound, UnknownDistribution: there are no such states, or they do not fit.
            VerbatimSuite: one of them is signed by its upstream, and its packages are not known.
            AlreadyExists: the name is taken.
        """
        demand(actor, Permission.SNAPSHOT_WRITE)
        strangers = Strangers(self._catalog, self._against, _MOST_ASKED if told is _nobody else None)
        while True:
            with self._catalog.read() as reading:
                selection = self._begun(reading, actor, request)
                barred = {**strangers.kept_out, **reading.barred(selection.suite.id)}
                self._select(reading, selection, request.rule, barred, told)
            if not strangers.ask(selection.suite, selection.guests, told):
                return selection

    def _begun(self, reading: Reading, actor: Actor, request: MergeRequest) -> Selection:
        check_description(request.description)
        suite = find_suite(reading, request.target)
        demand_suite(actor, suite)
        if request.name is not None and reading.snapshot_named(suite.id, name_of(request.name, self._now())):
            raise AlreadyExists(f"there is a snapshot {request.name} of this distribution already")
        return Selection(suite, _states(reading, suite, request.states))

    def _select(
        self, reading: Reading, selection: Selection, rule: Rule, barred: Mapping[PackageId, str], told: Told
    ) -> None:
        suite, format_ = selection.suite, self._formats[selection.suite.format]
        selection.taken_from = [0] * len(selection.states)
        streams = [reading.contents_by_key(one.suite.id, one.generation.revision) for one in selection.states]
        foreign: list[Choice] = []
        for looked, choice in enumerate(choices(streams, rule, format_.compare, barred)):
            if looked % _ROWS == 0:
                told("choosing", looked, None)
            if choice.disputed:
                selection.note("bytes" if choice.clashes else "versions", choice)
            for one in choice.barred:
                selection.counts["barred"] += 1
                if len(selection.left_out) < _MOST_LISTED:
                    left, why = one.content, barred[one.content.package_id]
                    selection.left_out.append(LeftOut(left.name, left.version, left.architecture, why))
            for one in choice.taken:
                home = selection.states[one.place].suite
                (selection.own if home.archive.id == suite.archive.id else selection.foreign).append(one.content.number)
                if home.id != suite.id:
                    selection.guests[one.content.package_id] = one.content.component
                selection.taken_from[one.place] += 1
                selection.size_bytes += one.content.size_bytes
                selection.components.add(one.content.component)
                selection.trees.add(format_.tree(one.content.architecture))
            if any(selection.states[one.place].suite.archive.id != suite.archive.id for one in choice.taken):
                foreign.append(choice)
            if len(foreign) >= _FOREIGN:
                self._look_for_claims(reading, selection, foreign)
                foreign = []
        self._look_for_claims(reading, selection, foreign)

    def _look_for_claims(self, reading: Reading, selection: Selection, foreign: Sequence[Choice]) -> None:
        known = reading.claims(selection.suite.archive.id, {choice.name for choice in foreign})
        for choice in foreign:
            keys = [
                PackageKey(selection.suite.format, choice.name, one.content.version, choice.architecture)
                for one in choice.taken
            ]
            found = [known.get(key, one.content.digest) for key, one in zip(keys, choice.taken, strict=True)]
            if found != [one.content.digest for one in choice.taken]:
                selection.note("claimed", choice)

    def merge(self, actor: Actor, request: MergeRequest, told: Told = _nobody) -> Merged:
        """Make the snapshot that ``plan`` shows.

        What breaks off leaves rows that nothing shows; they are collected.

        Raises:
            MergeRefused: a version has several contents.
            As ``plan``, and as a publication.
        """
        demand(actor, Permission.SNAPSHOT_WRITE)
        selection = self.plan(actor, request, told)
        _demand_possible(selection)
        suite, now = selection.suite, self._now()
        name = name_of(request.name, now)
        references = [one.reference for one in selection.states]
        with self._catalog.write() as unit:
            state = unit.begin_merge(suite.id, request.rule.value, references, now)
        self._copy(actor, selection, state, now, told)
        told("indexes", selection.package_count, selection.package_count)
        built = self._builder.build(
            _wider(suite, selection, self._formats[suite.format].independent),
            state,
            selection.package_count,
            [*(one.generation.manifest for one in selection.states), *self._current(suite)],
            [suite.id, *(one.suite.id for one in selection.states)],
        )
        with self._catalog.read() as reading:
            content_id, size_bytes = identify(reading, suite.id, state)
        self._builder.demand_kept(built)
        with self._catalog.write() as unit:
            generation = unit.switch_apart(suite.id, state, built, selection.package_count, now)
            snapshot = unit.add_snapshot(
                suite.id, name, generation, content_id, size_bytes, request.description, actor.name, now
            )
            sources: list[JsonValue] = [reference[:200] for reference in references]
            detail: dict[str, JsonValue] = {"snapshot": name, "content_id": content_id, "of": sources}
            detail |= {"rule": request.rule.value, "conflicts": selection.counts["versions"]}
            detail |= {"left_out": selection.counts["barred"]}
            unit.audit(AuditEntry("SNAPSHOT_MERGE", "SUCCESS", actor, now, suite=suite.codename, detail=detail))
        return Merged(Frozen(snapshot, suite), selection)

    def _current(self, suite: Suite) -> list[Digest]:
        if suite.generation_id is None:
            return []
        with self._catalog.read() as reading:
            current = reading.suite(suite.id).generation_id
            return [] if current is None else [reading.generation(current).manifest]

    def _copy(self, actor: Actor, selection: Selection, state: int, now: datetime, told: Told) -> None:
        suite = selection.suite
        component = suite.options.components[0] if suite.format is Format.RPM else None
        count = selection.package_count
        for start in range(0, len(selection.own), _ROWS):
            told("writing", start, count)
            with self._catalog.write() as unit:
                part = selection.own[start : start + _ROWS]
                unit.copy_apart(suite.id, state, list(part), component, actor.name, now)
        for start in range(0, len(selection.foreign), _FOREIGN):
            told("writing", len(selection.own) + start, count)
            self._bring(actor, selection, state, list(selection.foreign[start : start + _FOREIGN]), now)

    def _bring(self, actor: Actor, selection: Selection, state: int, numbers: Sequence[int], now: datetime) -> None:
        """Packages of other archives get a key and a path in this one, as every package that enters it."""
        suite, format_ = selection.suite, self._formats[selection.suite.format]
        with self._catalog.write() as unit:
            occupants = unit.occupants(numbers)
            known = unit.claims(suite.archive.id, {one.key.name for one in occupants})
            placings = []
            for one in occupants:
                if known.get(one.key, one.digest) != one.digest:
                    raise MergeRefused(f"{one.key} came into archive {suite.archive.name} meanwhile with other content")
                if one.key not in known:
                    unit.claim(suite.archive.id, one.key, one.package_id)
                component = suite.options.components[0] if suite.format is Format.RPM else one.component
                path = _free_path(unit, suite, format_, one, component)
                if path.taken:
                    unit.take_pool_path(suite.archive.id, path.text, one.package_id)
                tree = format_.tree(one.key.architecture)
                placings.append(Placing(one.package_id, one.key, component, tree, path.text))
            unit.place_apart(suite.id, state, placings, actor.name, now)


@dataclass(frozen=True, slots=True)
class _Path:
    text: str
    taken: bool


def _free_path(reading: Reading, suite: Suite, format_: PackageFormat, one: Occupant, component: str) -> _Path:
    """By convention; beside it where the convention gives two contents one path."""
    for apart in ("", one.digest[:16]):
        text = format_.pool_path(one.key, one.source, component, apart=apart)
        owner = reading.pool_owner(suite.archive.id, text)
        if owner in (None, one.package_id):
            return _Path(text, taken=owner is None)
    raise MergeRefused(f"{one.key} has no path in archive {suite.archive.name} that is not another package's")


def _states(reading: Reading, target: Suite, references: Sequence[str]) -> list[State]:
    if not 2 <= len(references) <= _MOST_STATES:
        raise InvalidRequest(f"a merge is made from 2 to {_MOST_STATES} states")
    states = [find_state(reading, reference) for reference in references]
    for suite in (target, *(one.suite for one in states)):
        if suite.verbatim:
            raise VerbatimSuite(
                f"{suite.full_name} shows what its upstream has signed; its packages are not known here and cannot be "
                "merged",
                distribution=suite.full_name,
            )
        if suite.format is not target.format:
            raise InvalidRequest(
                f"{suite.codename} holds .{suite.format.value} packages, {target.codename} .{target.format.value} ones"
            )
    return states


def _wider(suite: Suite, selection: Selection, independent: str) -> Suite:
    """The suite with every component and architecture that came in."""
    options = suite.options
    components = options.components
    if suite.format is Format.DEB:
        components = (*components, *sorted(selection.components - set(components)))
    more = sorted(selection.trees - {independent, *options.architectures})
    return replace(
        suite, options=replace(options, components=components, architectures=(*options.architectures, *more))
    )


def _demand_possible(selection: Selection) -> None:
    if selection.possible:
        return
    bad = [one for one in selection.conflicts if one.kind != "versions"]
    named = ", ".join(f"{one.name} {one.taken[0].version} {one.architecture}" for one in bad[:_NAMED])
    total = selection.counts["bytes"] + selection.counts["claimed"]
    more = f" and {total - _NAMED} more" if total > _NAMED else ""
    raise MergeRefused(
        f"{named}{more}: the same version has several contents; take the first state's with the rule 'first', or mend "
        "the others" + ("; what the target's archive knows never changes" if selection.counts["claimed"] else ""),
        packages=named,
    )
