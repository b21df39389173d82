"""What many packages need together: for each need a package that meets it, without asking what excludes what.

A host installs some of a repository, and chooses for itself; so everything is gathered that one of the packages may be
installed with.  Every package is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from entrepot.domain.dependencies.candidates import Candidate, Need, Rules
from entrepot.domain.dependencies.closure import Lookup
from entrepot.domain.dependencies.formula import AnyOf, Both, Formula

MOST_GATHERED = 200_000
_MOST_NAMED = 200
_WAVE = 2000


@dataclass(slots=True)
class Gathered:
    """``taken`` are those that were not asked for; ``unresolved`` what nobody has, each named once."""

    taken: dict[int, Candidate] = field(default_factory=dict)
    unresolved: list[str] = field(default_factory=list)
    unresolved_count: int = 0


class Gathering:
    """One question."""

    def __init__(self, rules: Rules, lookup: Lookup) -> None:
        self._rules = rules
        self._lookup = lookup
        self._offered: dict[str, dict[int, Candidate]] = {}
        self._there: set[int] = set()
        self._missing: set[str] = set()
        self.found = Gathered()

    def add(self, roots: Sequence[Candidate]) -> None:
        """What some packages need, and what that needs; what was gathered before counts."""
        self._there |= {one.number for one in roots}
        waiting = list(roots)
        while waiting:
            wave, waiting = waiting[:_WAVE], waiting[_WAVE:]
            waiting += self._look_into(wave)

    def _look_into(self, wave: Sequence[Candidate]) -> list[Candidate]:
        needs = [(one, need) for one in wave for need in self._rules.needs(one) if need.label]
        self._look_up({name for _, need in needs for name in need.names})
        fresh: list[Candidate] = []
        for owner, need in needs:
            chosen = self._choose(need.formula(self._offering))
            if chosen is None:
                self._note(owner, need)
                continue
            for number in sorted(chosen - self._there):
                taken = next(self._offered[name][number] for name in need.names if number in self._offered[name])
                self._there.add(number)
                if len(self.found.taken) < MOST_GATHERED:
                    self.found.taken[number] = taken
                    fresh.append(taken)
        return fresh

    def _look_up(self, names: Iterable[str]) -> None:
        unseen = sorted(set(names) - self._offered.keys())
        if not unseen:
            return
        self._offered.update((name, {}) for name in unseen)
        for name, candidate in self._lookup(unseen):
            self._offered[name][candidate.number] = candidate

    def _offering(self, name: str) -> list[Candidate]:
        return list(self._offered.get(name, {}).values())

    def _choose(self, formula: Formula) -> set[int] | None:
        """What has to come for it to hold, as little as can be; none where nothing helps."""
        if isinstance(formula, AnyOf):
            if formula.negated or self._there.intersection(formula.packages):
                return set()
            return {formula.packages[0]} if formula.packages else None
        parts = [self._choose(part) for part in formula.parts]
        if isinstance(formula, Both):
            met = [part for part in parts if part is not None]
            return {number for part in met for number in part} if len(met) == len(parts) else None
        return min((part for part in parts if part is not None), key=len, default=None)

    def _note(self, owner: Candidate, need: Need) -> None:
        if need.text in self._missing:
            return
        self._missing.add(need.text)
        self.found.unresolved_count += 1
        if len(self.found.unresolved) < _MOST_NAMED:
            self.found.unresolved.append(f"{need.text} (for {owner.key.name})")
