"""Which packages a merge takes from several states, by a rule, and where these disagree."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cmp_to_key
from itertools import groupby

from entrepot.domain.model.snapshot import Content
from entrepot.domain.model.suite import PackageId

Order = Callable[[str, str], int]


class Rule(StrEnum):
    """What to take where states have a package of the same name and architecture."""

    LATEST = "latest"
    FIRST = "first"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package of the state that was named at ``place``, counted from 0."""

    place: int
    content: Content


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of one name and architecture.

    ``clashes`` are versions that would be taken and that states have with different bytes.
    """

    name: str
    architecture: str
    taken: Sequence[Candidate]
    dropped: Sequence[Candidate]
    barred: Sequence[Candidate]
    clashes: Sequence[str]

    @property
    def disputed(self) -> bool:
        """Whether two states say different things here."""
        return bool(self.clashes or self.dropped) and len({one.place for one in (*self.taken, *self.dropped)}) > 1


def choices(
    states: Sequence[Iterable[Content]], rule: Rule, order: Order, barred: Mapping[PackageId, str]
) -> Iterator[Choice]:
    """By name and architecture, from states that come in the order of their keys; one name at a time is in memory."""
    lined = [_lined(place, state) for place, state in enumerate(states)]
    merged = heapq.merge(*lined, key=lambda each: each[:2])
    for _, group in groupby(merged, key=lambda each: each[0]):
        by_architecture: dict[str, list[Candidate]] = {}
        for _, place, content in group:
            by_architecture.setdefault(content.architecture, []).append(Candidate(place, content))
        for _, candidates in sorted(by_architecture.items()):
            yield _choose(candidates, rule, order, barred)


def _lined(place: int, state: Iterable[Content]) -> Iterator[tuple[bytes, int, Content]]:
    for one in state:
        yield one.key.partition(b"\0")[0], place, one


def _choose(candidates: Sequence[Candidate], rule: Rule, order: Order, barred: Mapping[PackageId, str]) -> Choice:
    """The state that was named first has the word where packages are alike."""
    first = candidates[0].content
    kept_out = [one for one in candidates if one.content.package_id in barred]
    allowed: dict[str, Candidate] = {}
    for one in candidates:
        if one.content.package_id not in barred:
            allowed.setdefault(one.content.digest, one)
    taken = list(allowed.values())
    if taken and rule is Rule.FIRST:
        taken = [one for one in taken if one.place == taken[0].place]
    elif taken and rule is Rule.LATEST:
        by_version = cmp_to_key(order)
        newest = max(taken, key=lambda one: by_version(one.content.version)).content.version
        taken = [one for one in taken if one.content.version == newest]
    digests: dict[str, set[str]] = {}
    for one in taken:
        digests.setdefault(one.content.version, set()).add(one.content.digest)
    clashes = [version for version, known in digests.items() if len(known) > 1]
    chosen = {one.content.digest for one in taken}
    dropped = [one for digest, one in allowed.items() if digest not in chosen]
    return Choice(first.name, first.architecture, taken, dropped, kept_out, clashes)
