"""Everything that a package of a source needs, from the suite it is meant for and from a set of sources."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.sources import UpstreamFilter, UpstreamPackage
from entrepot.domain.dependencies.candidates import Candidate, Need, Offering, Rules
from entrepot.domain.dependencies.closure import Closure, Dependency, close
from entrepot.domain.dependencies.deb import DebRules
from entrepot.domain.dependencies.formula import AnyOf, Both, Either, Formula
from entrepot.domain.dependencies.rpm import RpmRules, accepted_architectures
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.services.imports.choosing import MOST_LISTED, Choice, Chooser, Switched, Wanted

_FIRST = 1 << 48  # packages of sources are numbered from here, those of suites lie below
_HOMES = {Format.DEB: "amd64", Format.RPM: "x86_64"}


@dataclass(frozen=True, slots=True)
class Member:
    """A package of the answer.  ``upstream`` is where it can be fetched; none where only the suite has it.

    ``labels`` are the names that it was taken for, ``required_by`` one of the packages that need it.
    """

    key: PackageKey
    upstream: UpstreamPackage | None
    present: bool
    labels: Sequence[str] = ()
    required_by: PackageKey | None = None

    @property
    def virtual(self) -> bool:
        """Whether it was taken only for what it provides."""
        return bool(self.labels) and self.key.name not in self.labels


@dataclass(frozen=True, slots=True)
class Plan:
    """The package itself first, then what it needs, nearest first; and why it could not be installed."""

    choice: Choice
    home: str
    members: Sequence[Member]
    closure: Closure

    @property
    def missing(self) -> Sequence[str]:
        """What nobody has, and what cannot stand together, in sentences."""
        found = [_sentence(each) for each in self.closure.missing]
        if self.closure.gave_up:
            found.append(f"{self.choice.package.key}: its dependencies are too entangled to be resolved")
        return [*found, *self.closure.conflicts]


def _sentence(entry: Dependency) -> str:
    need, path = entry.need, entry.required_by
    unfit = ", ".join(f"{key.name} {key.version}" for key in entry.unfit[:3])
    there = f"; {unfit} does not fit" if unfit else ""
    return f"{need.text} (for {path[-1].name}){there}"


class UpstreamResolutions:
    """Asks the solver."""

    def __init__(self, catalog: Catalog, formats: Mapping[Format, PackageFormat], switched: Switched) -> None:
        self._catalog = catalog
        self._formats = formats
        self._chooser = Chooser(formats, switched)

    def resolve(self, actor: Actor, wanted: Wanted) -> Plan:
        """What would have to be brought for a package.

        Raises:
            NotFound, UpstreamNotSynced, UnknownDistribution: it is not there.
        """
        demand(actor, Permission.UPSTREAM_READ)
        return self.plan(self.choose(wanted))

    def choose(self, wanted: Wanted) -> Choice:
        """Which package is meant, for callers that have asked who asks."""
        with self._catalog.read() as reading:
            return self._chooser.choose(reading, wanted)

    def plan(self, choice: Choice, *, dependencies: bool = True) -> Plan:
        """The same with what it needs, or without."""
        home = self._home(choice)
        search = _Search(self._catalog, self._chooser, choice, home)
        if dependencies:
            closure = close(search.rules(), search.lookup, search.root())
        else:
            closure = Closure(installable=True)
            search.lookup([choice.package.key.name])
        return Plan(choice, home, search.members(closure), closure)

    def _home(self, choice: Choice) -> str:
        """The architecture of the host that it is meant for."""
        key = choice.package.key
        if key.architecture != self._formats[key.format].independent:
            return key.architecture
        named = [*(choice.suite.options.architectures if choice.suite else ()), *choice.source.architectures]
        plain = [each for each in named if each != self._formats[key.format].independent]
        return plain[0] if plain else _HOMES[key.format]


class _Search:
    """What one question has seen so far."""

    def __init__(self, catalog: Catalog, chooser: Chooser, choice: Choice, home: str) -> None:
        self._catalog = catalog
        self._chooser = chooser
        self._choice = choice
        self._format = choice.package.key.format
        if self._format is Format.DEB:
            self._rules: Rules = DebRules([home])
            architectures = [home, "all"]
        else:
            architectures = accepted_architectures(home)
            self._rules = RpmRules(architectures)
        self._conditions = UpstreamFilter(
            sources=[each.id for each in choice.around], format=self._format, architectures=architectures
        )
        self._numbers: dict[PackageKey, int] = {}
        self._upstream: dict[PackageKey, UpstreamPackage] = {}
        self._present: dict[PackageKey, str] = {}
        self._preferred: set[int] = set()
        self._order = {each.id: place for place, each in enumerate(choice.around)}

    def root(self) -> Candidate:
        """The package itself, as its own source has it."""
        return self._offered("", self._choice.package)

    def rules(self) -> Rules:
        """With a preference for what is in the suite already."""
        return _Preferring(self._rules, self._preferred)

    def lookup(self, names: Collection[str]) -> list[tuple[str, Candidate]]:
        """The suite first, then the sources."""
        return list(self._lookup(names))

    def _lookup(self, names: Collection[str]) -> Iterator[tuple[str, Candidate]]:
        plain = replace(self._conditions, names=[name for name in names if not name.startswith("/")])
        with self._catalog.read() as reading:
            inside = reading.offers(self._choice.suite.id, names) if self._choice.suite else []
            called = reading.upstream_packages(plain, MOST_LISTED) if plain.names else []
            provided = reading.upstream_providers(names, self._conditions)
        for offer in inside:
            candidate = offer.candidate()
            number = self._numbers.setdefault(candidate.key, candidate.number)
            self._present[candidate.key] = offer.package.digest
            self._preferred.add(number)
            yield offer.name, replace(candidate, number=number)
        outside = [*((each.key.name, each) for each in called), *provided]
        outside.sort(key=lambda pair: self._order.get(pair[1].source_id, len(self._order)))
        for name, package in outside:
            if self._chooser.sound(package):
                yield name, self._offered(name, package)

    def _offered(self, name: str, package: UpstreamPackage) -> Candidate:
        """One package has one number, whoever has it; the first that was seen is where it would come from."""
        number = self._numbers.setdefault(package.key, _FIRST + len(self._numbers))
        known = self._upstream.setdefault(package.key, package)
        files = frozenset({name}) if name.startswith("/") else frozenset[str]()
        return Candidate(number, package.key, known.relations, known.multi_arch, files)

    def members(self, closure: Closure) -> list[Member]:
        """What was taken, in the order in which it was needed."""
        root = self._choice.package.key
        labels: dict[PackageKey, list[str]] = {root: []}
        needed: dict[PackageKey, PackageKey] = {}
        for entry in closure.dependencies:
            for key in entry.taken:
                labels.setdefault(key, []).append(entry.need.label)
                needed.setdefault(key, entry.required_by[-1])
        return [
            Member(
                key,
                self._choice.package if key == root else self._upstream.get(key),
                key in self._present,
                [each for each in dict.fromkeys(found) if each],
                None if key == root else needed.get(key),
            )
            for key, found in labels.items()
        ]


class _Preferring:
    """Rules whose choices begin with what is there already, so that nothing is fetched without need."""

    def __init__(self, rules: Rules, preferred: set[int]) -> None:
        self._rules = rules
        self._preferred = preferred

    def needs(self, candidate: Candidate) -> list[Need]:
        """With another order."""
        return [self._reordered(need) for need in self._rules.needs(candidate)]

    def _reordered(self, need: Need) -> Need:
        original = need.formula

        def formula(offering: Offering) -> Formula:
            return self._sorted(original(offering))

        return replace(need, formula=formula)

    def _sorted(self, formula: Formula) -> Formula:
        match formula:
            case AnyOf(negated=False):
                ordered = sorted(formula.packages, key=lambda number: number not in self._preferred)
                return AnyOf(tuple(ordered))
            case AnyOf():
                return formula
            case Both():
                return Both(tuple(self._sorted(part) for part in formula.parts))
            case Either():
                return Either(tuple(self._sorted(part) for part in formula.parts))

    def excludes(self, candidate: Candidate, offering: Offering) -> list[tuple[str, Formula]]:
        """As they are."""
        return self._rules.excludes(candidate, offering)

    def same(self, a: Candidate, b: Candidate) -> bool:
        """As they are."""
        return self._rules.same(a, b)
