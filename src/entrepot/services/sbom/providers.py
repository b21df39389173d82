"""Which package of the same suite satisfies what a package needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.contents import Place
from entrepot.adapters.catalog.records import StoredPackage
from entrepot.domain.dependencies.candidates import Candidate, Need
from entrepot.domain.dependencies.formula import AnyOf, Both, Formula, can_hold
from entrepot.domain.dependencies.hosts import home_of, rules_of
from entrepot.domain.model.suite import PackageId, Suite

_MOST_KNOWN = 20_000
_MOST_NEEDS = 2000
_NAMES_AT_ONCE = 2000


class Providers:
    """Direct dependencies within one revision of one suite.

    What satisfies a need is looked up once for all packages that have it, as far as a bounded memory reaches.  Where
    several packages would do, it is the one that is taken first: the first alternative, the newest version.
    """

    def __init__(self, catalog: Catalog, suite: Suite, revision: int) -> None:
        self._catalog = catalog
        self._suite = suite
        self._revision = revision
        self._known: dict[tuple[str, str], tuple[Place, ...]] = {}

    def of(self, packages: Sequence[StoredPackage]) -> dict[PackageId, list[Place]]:
        """By package, each once, in the order in which they are needed."""
        wanted = {package.id: self._needs(package) for package in packages}
        self._look_up(need for needs in wanted.values() for need in needs)
        found: dict[PackageId, list[Place]] = {}
        for package in packages:
            places = dict.fromkeys(place for key, _ in wanted[package.id] for place in self._known.get(key, ()))
            found[package.id] = [place for place in places if place.package_id != package.id]
        return found

    def _needs(self, package: StoredPackage) -> list[tuple[tuple[str, str], Need]]:
        relations = package.facts.get("relations")
        home = home_of(package.key, self._suite)
        candidate = Candidate(package.id, package.key, relations or {})  # type: ignore[arg-type]
        needs = rules_of(self._suite, home).needs(candidate)[:_MOST_NEEDS]
        return [((home, need.text), need) for need in needs if need.label]

    def _look_up(self, wanted: Iterable[tuple[tuple[str, str], Need]]) -> None:
        unknown = {key: need for key, need in wanted if key not in self._known}
        if len(self._known) + len(unknown) > _MOST_KNOWN:
            self._known.clear()
        part: dict[tuple[str, str], Need] = {}
        names: set[str] = set()
        for key, need in unknown.items():
            part[key] = need
            names.update(need.names)
            if len(names) >= _NAMES_AT_ONCE:
                self._answer(part, names)
                part, names = {}, set()
        self._answer(part, names)

    def _answer(self, needs: dict[tuple[str, str], Need], names: set[str]) -> None:
        if not needs:
            return
        offered: dict[str, list[Candidate]] = {name: [] for name in names}
        with self._catalog.read() as reading:
            for offer in reading.offers(self._suite.id, names):
                offered[offer.name].append(offer.candidate())
        chosen = {key: _chosen(need.formula(lambda name: offered.get(name, ()))) for key, need in needs.items()}
        numbers = {PackageId(number) for numbers in chosen.values() for number in numbers}
        with self._catalog.read() as reading:
            places = reading.shown_places(self._suite.id, self._revision, numbers)
        there = {place.package_id: place for place in places}
        for key, found in chosen.items():
            self._known[key] = tuple(there[PackageId(number)] for number in found if PackageId(number) in there)


def _chosen(formula: Formula) -> list[int]:
    """What would be taken first to make it true."""
    match formula:
        case AnyOf(negated=True):
            return []
        case AnyOf():
            return list(formula.packages[:1])
        case Both():
            return [number for part in formula.parts for number in _chosen(part)]
        case _:
            return next((_chosen(part) for part in formula.parts if can_hold(part)), [])
