"""Would a move take something away that others need?

A package breaks when one of its own needs could be met before and cannot be met after.  What breaks because those
break in turn, or because of new conflicts, is not looked for: the direct ones are what has to be mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from entrepot.adapters.catalog.base import Reading
from entrepot.domain.dependencies.candidates import Candidate, Need
from entrepot.domain.dependencies.formula import can_hold
from entrepot.domain.dependencies.hosts import home_of, rules_of
from entrepot.domain.model.snapshot import Content
from entrepot.domain.model.suite import Suite
from entrepot.services.snapshots.references import State

_MOST = 200
_RELATIONS = ("depends", "pre-depends", "requires")


@dataclass(frozen=True, slots=True)
class Broken:
    """A package that can be installed now and could not any more; ``needs`` are what nothing would satisfy."""

    name: str
    version: str
    architecture: str
    needs: Sequence[str]


def broken(reading: Reading, older: State, newer: State, gone: Sequence[Content]) -> list[Broken]:
    """By name; at most 200 of them."""
    lost = {one.name for one in gone} | reading.offered_names([one.package_id for one in gone])
    if not lost:
        return []
    before, after = _Offers(reading, older), _Offers(reading, newer)
    found = []
    for package in reading.stored_at(newer.suite.id, newer.generation.revision):
        relations = cast("dict[str, list[str]]", package.facts.get("relations") or {})
        if not _mentions(relations, lost):
            continue
        candidate = Candidate(package.id, package.key, relations)
        rules = rules_of(newer.suite, home_of(package.key, newer.suite))
        labels = [need.label for need in rules.needs(candidate) if not after.meets(need) and before.meets(need)]
        if labels:
            found.append(Broken(package.key.name, package.key.version, package.key.architecture, labels))
        if len(found) >= _MOST:
            break
    return sorted(found, key=lambda one: (one.name, one.version, one.architecture))


class _Offers:
    """What a state offers, looked up once for each name."""

    def __init__(self, reading: Reading, state: State) -> None:
        self._reading = reading
        self._suite: Suite = state.suite
        self._revision = state.generation.revision
        self._known: dict[str, list[Candidate]] = {}

    def meets(self, need: Need) -> bool:
        missing = [name for name in need.names if name not in self._known]
        self._known |= {name: [] for name in missing}
        for offer in self._reading.offers_at(self._suite.id, self._revision, missing) if missing else ():
            self._known[offer.name].append(offer.candidate())
        return can_hold(need.formula(lambda name: self._known[name]))


def _mentions(relations: dict[str, list[str]], lost: set[str]) -> bool:
    """Quickly, and rather once too often: a word of a requirement is among the names."""
    return any(not lost.isdisjoint(_words(relations.get(kind, ()))) for kind in _RELATIONS)


def _words(entries: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for entry in entries:
        found.add(entry)
        found.update(word.partition(":")[0] for word in entry.replace("|", " ").replace("(", " ( ").split())
    return found
