"""Everything that a package needs, and whether it can all be installed together.

Packages are looked up only when a solution takes them, level by level; clauses about conflicts are added only when a
solution breaks them.  So the work follows the answer, not the size of the suite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from entrepot.domain.dependencies.candidates import Candidate, Need, Rules
from entrepot.domain.dependencies.capabilities import split_rpm
from entrepot.domain.dependencies.formula import AnyOf, Formula, can_hold, clauses, mentioned, negation
from entrepot.domain.dependencies.solver import Solver, TooHard
from entrepot.domain.model.package import PackageKey

MOST_PACKAGES = 3000
MOST_STEPS = 400_000
_MOST_ROUNDS = 500
_MOST_MISSING = 50
_MOST_UNFIT = 10
_DEB_NAME = re.compile(r"[ :(]")
_GHOSTS = 1 << 62  # numbers from here on are no packages

Lookup = Callable[[Collection[str]], Iterable[tuple[str, Candidate]]]
"""For names, capabilities and paths: each with the packages that may offer it."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """One need in the closure.  ``required_by`` leads from the package itself; ``depth`` is its length.

    ``unfit`` are packages that have or offer the name but do not satisfy the need, some of them if there are many.
    """

    need: Need
    depth: int
    required_by: tuple[PackageKey, ...]
    taken: tuple[PackageKey, ...]
    satisfied: bool
    unfit: tuple[PackageKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Closure:
    """The answer.  ``conflicts`` are reasons why what is there cannot be installed together.

    With ``gave_up`` nothing is known: the question was too hard, and counts as not installable.
    """

    installable: bool
    dependencies: Sequence[Dependency] = ()
    missing: Sequence[Dependency] = ()
    conflicts: Sequence[str] = ()
    gave_up: bool = False


def close(rules: Rules, lookup: Lookup, root: Candidate) -> Closure:
    """Find the closure of one package on an empty host."""
    search = _Search(rules, lookup, root)
    try:
        return search.run()
    except TooHard:
        return Closure(installable=False, gave_up=True)


@dataclass(slots=True)
class _Fed:
    """A solver, and how many clauses of each kind it has: they only ever become more."""

    solver: Solver
    needs: int = 0
    exclusions: int = 0

    def feed(self, needs: Sequence[Sequence[int]], exclusions: Sequence[Sequence[int]]) -> None:
        for clause in (*needs[self.needs :], *exclusions[self.exclusions :]):
            self.solver.add(clause)
        self.needs, self.exclusions = len(needs), len(exclusions)


class _Search:
    def __init__(self, rules: Rules, lookup: Lookup, root: Candidate) -> None:
        self._rules = rules
        self._lookup = lookup
        self._root = root.number
        self._known = {root.number: root}
        self._offered: dict[str, list[int]] = {}
        self._needs: dict[int, list[tuple[Need, Formula, int | None]]] = {}
        self._clauses: list[list[int]] = [[root.number]]
        self._ghosts: list[int] = []
        self._excluded: dict[tuple[int, ...], str] = {}
        self._exclusions_known: dict[tuple[int, Formula], list[list[int]]] = {}
        self._fresh = _GHOSTS
        self._solvers = {exclusive: _Fed(Solver(MOST_STEPS)) for exclusive in (True, False)}

    def run(self) -> Closure:
        model = self._solve(self._ghosts_out, exclusive=True)
        if model is not None:
            return Closure(installable=True, dependencies=self._entries(model))
        model = self._solve(list, exclusive=True)
        if model is not None:
            model = self._fewer_ghosts(model)
            entries = self._entries(model)
            missing = [entry for entry in entries if not entry.satisfied]
            return Closure(installable=False, dependencies=entries, missing=missing)
        model = self._solve(list, exclusive=False)
        if model is None:
            return Closure(installable=False, conflicts=(f"{self._known[self._root].key} contradicts itself",))
        entries = self._entries(model)
        missing = [entry for entry in entries if not entry.satisfied]
        return Closure(
            installable=False, dependencies=entries, missing=missing, conflicts=list(dict.fromkeys(self._broken(model)))
        )

    def _ghosts_out(self) -> list[int]:
        return [-ghost for ghost in self._ghosts]

    def _number(self) -> int:
        self._fresh += 1
        return self._fresh

    def _solve(self, also: Callable[[], list[int]], *, exclusive: bool) -> set[int] | None:
        """A choice of packages that needs nothing more, with these literals; none when there is none."""
        fed = self._solvers[exclusive]
        fed.solver.allow(MOST_STEPS)
        for _ in range(_MOST_ROUNDS):
            fed.feed(self._clauses, list(self._excluded) if exclusive else [])
            model = fed.solver.solve(also())
            if model is None:
                return None
            if self._expand(model - self._needs.keys()):
                continue
            if not exclusive or not self._exclude(model):
                return model
        raise TooHard

    def _expand(self, numbers: set[int]) -> bool:
        """Look up what these packages need; whether there were any."""
        taken = [self._known[number] for number in sorted(numbers) if number in self._known]
        if len(self._needs) + len(taken) > MOST_PACKAGES:
            raise TooHard
        needs = {one.number: self._rules.needs(one) for one in taken}
        self._look_up({name for each in needs.values() for need in each for name in need.names})
        for number, each in needs.items():
            self._needs[number] = [self._oblige(number, need) for need in each]
        return bool(taken)

    def _look_up(self, names: set[str]) -> None:
        unseen = names - self._offered.keys()
        if not unseen:
            return
        self._offered.update((name, []) for name in unseen)
        for name, candidate in self._lookup(sorted(unseen)):
            before = self._known.get(candidate.number)
            files = candidate.files | (before.files if before else frozenset())
            self._known[candidate.number] = replace(before or candidate, files=files)
            if candidate.number not in self._offered[name]:
                self._offered[name].append(candidate.number)

    def _offering(self, name: str) -> list[Candidate]:
        return [self._known[number] for number in self._offered.get(name, ())]

    def _oblige(self, number: int, need: Need) -> tuple[Need, Formula, int | None]:
        formula = need.formula(self._offering)
        ghost = None
        if not can_hold(formula):
            ghost = self._number()
            self._ghosts.append(ghost)
            formula = AnyOf((ghost,))
        self._clauses += clauses(formula, [-number], self._number)
        return need, formula, ghost

    def _exclude(self, model: set[int]) -> bool:
        """Forbid what the packages of a solution do not bear beside them; whether that is news."""
        before = len(self._excluded)
        for reason, clause in self._exclusions(model):
            self._excluded.setdefault(tuple(clause), reason)
        return len(self._excluded) > before

    def _exclusions(self, model: set[int]) -> Iterable[tuple[str, list[int]]]:
        members = [self._known[number] for number in sorted(model) if number in self._known]
        index = _index(members)
        for one in members:
            for reason, formula in self._rules.excludes(one, lambda name: index.get(name, [])):
                known = self._exclusions_known.get((one.number, formula))
                if known is None:
                    known = clauses(negation(formula), [-one.number], self._number)
                    self._exclusions_known[one.number, formula] = known
                yield from ((reason, clause) for clause in known)
            for other in index.get(one.key.name, []):
                if one.number < other.number and self._rules.same(one, other):
                    yield f"only one of {one.key} and {other.key} can be installed", [-one.number, -other.number]

    def _broken(self, model: set[int]) -> Iterable[str]:
        for reason, clause in self._exclusions(model):
            if not any((literal in model) if literal > 0 else (-literal not in model) for literal in clause):
                yield reason

    def _fewer_ghosts(self, model: set[int]) -> set[int]:
        """A solution that lacks no more than it must: none of what it lacks can be left out alone."""
        out: list[int] = []
        for ghost in [ghost for ghost in self._ghosts if ghost in model][:_MOST_MISSING]:
            if ghost not in model:
                out.append(-ghost)
                continue
            tried = [*out, -ghost]
            found = self._solve(lambda tried=tried: list(tried), exclusive=True)  # type: ignore[misc]
            if found is not None:
                out, model = tried, found
        return model

    def _entries(self, model: set[int]) -> list[Dependency]:
        """Needs of the solution, nearest first."""
        found: dict[str, Dependency] = {}
        paths: dict[int, tuple[PackageKey, ...]] = {self._root: (self._known[self._root].key,)}
        queue = [self._root]
        for number in queue:
            for need, formula, ghost in self._needs.get(number, ()):
                taken = [self._known[one] for one in sorted(mentioned(formula) & model) if one in self._known]
                path = paths[number]
                keys = tuple(one.key for one in taken)
                satisfied = ghost is None or ghost not in model
                entry = Dependency(need, len(path), path, keys, satisfied, () if satisfied else self._unfit(need))
                if need.label:
                    found.setdefault(need.text, entry)
                for one in taken:
                    if one.number not in paths:
                        paths[one.number] = (*path, one.key)
                        queue.append(one.number)
        return list(found.values())

    def _unfit(self, need: Need) -> tuple[PackageKey, ...]:
        found = {one.key for name in need.names for one in self._offering(name)}
        return tuple(sorted(found)[:_MOST_UNFIT])


def _index(members: Sequence[Candidate]) -> dict[str, list[Candidate]]:
    """Members by what they can be asked for."""
    found: dict[str, list[Candidate]] = {}
    for one in members:
        names = {one.key.name, *one.files}
        for entry in one.relations.get("provides", ()):
            names |= {split_rpm(entry)[0], _DEB_NAME.split(entry.strip(), maxsplit=1)[0]}
        for name in names:
            found.setdefault(name, []).append(one)
    return found
