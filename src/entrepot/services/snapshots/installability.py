"""Would a move take something away that others need?

A package breaks when one of its own needs could be met before and cannot be met after.  What breaks because those
break in turn, or because of new conflicts, is not looked for: the direct ones are what has to be mended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.records import StoredPackage
from entrepot.domain.dependencies.candidates import Candidate, Need
from entrepot.domain.dependencies.capabilities import capability_key
from entrepot.domain.dependencies.formula import can_hold
from entrepot.domain.dependencies.hosts import home_of, rules_of
from entrepot.domain.model.snapshot import Content
from entrepot.domain.model.suite import Suite
from entrepot.services.snapshots.references import State

_MOST = 200
_AT_ONCE = 400
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
    asking = (
        number
        for number, text in reading.needs_at(newer.suite.id, newer.generation.revision, _RELATIONS)
        if not lost.isdisjoint(_words(text))
    )
    found: list[Broken] = []
    while len(found) < _MOST and (batch := list(islice(asking, _AT_ONCE))):
        asked = [(package, _touched(newer.suite, package, lost)) for package in reading.packages(batch)]
        names = {name for _, needs in asked for need in needs for name in need.names}
        before.learn(names)
        after.learn(names)
        for package, needs in asked:
            labels = [need.label for need in needs if not after.meets(need) and before.meets(need)]
            if labels:
                found.append(Broken(package.key.name, package.key.version, package.key.architecture, labels))
    return sorted(found, key=lambda one: (one.name, one.version, one.architecture))[:_MOST]


def _touched(suite: Suite, package: StoredPackage, lost: Collection[str]) -> list[Need]:
    """Needs of a package that something which went away may have met."""
    relations = cast("dict[str, list[str]]", package.facts.get("relations") or {})
    rules = rules_of(suite, home_of(package.key, suite))
    needs = rules.needs(Candidate(package.id, package.key, relations))
    return [need for need in needs if any(name in lost or capability_key(name) in lost for name in need.names)]


class _Offers:
    """What a state offers, looked up once for each name."""

    def __init__(self, reading: Reading, state: State) -> None:
        self._reading = reading
        self._suite: Suite = state.suite
        self._revision = state.generation.revision
        self._known: dict[str, list[Candidate]] = {}

    def learn(self, names: Collection[str]) -> None:
        """Look up many at once."""
        missing = [name for name in names if name not in self._known]
        self._known |= {name: [] for name in missing}
        for offer in self._reading.offers_at(self._suite.id, self._revision, missing) if missing else ():
            self._known[offer.name].append(offer.candidate())

    def meets(self, need: Need) -> bool:
        """Of names that were learnt."""
        return can_hold(need.formula(lambda name: self._known[name]))


_WORD = re.compile(r"[^\s\"\[\],|<>=]+")


def _words(text: str) -> set[str]:
    """Quickly, and rather one too many: whatever may be a name in lists of requirements."""
    if "\\" in text:
        text = "\n".join(entry for line in text.split("\n") for entry in json.loads(line))
    found = set(_WORD.findall(text))
    for word in list(found):
        if ":" in word:
            found.add(word.partition(":")[0])
        if "(" in word or ")" in word:
            bare = word.lstrip("(")
            found |= {bare, bare.partition("(")[0]}
            while bare.endswith(")"):
                bare = bare[:-1]
                found.add(bare)
    return found
