"""Which versions of a package a suite keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cmp_to_key
from itertools import groupby

from entrepot.domain.model.suite import PackageId

Compare = Callable[[str, str], int]


class Reason(StrEnum):
    """Why a version goes."""

    NUMBER = "number"
    """Enough newer ones are there."""
    AGE = "age"
    """It has been there for too long, and is not the newest."""


@dataclass(frozen=True, slots=True)
class Rules:
    """``most_versions`` of 0 keeps all, ``most_age`` of none keeps for ever.

    ``most_import_age`` is the same for what was imported from a source; the shorter of both counts.
    Nothing younger than ``least_age`` goes because of its number.
    """

    most_versions: int
    least_age: timedelta = timedelta()
    most_age: timedelta | None = None
    most_import_age: timedelta | None = None

    def age_of(self, stay: Stay) -> timedelta | None:
        """How old this one may get."""
        found = [self.most_age, self.most_import_age if stay.imported else None]
        return min((each for each in found if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class Stay:
    """A package that is live in a suite; ``added_at`` is when it came there, ``imported`` whether from a source."""

    package_id: PackageId
    name: str
    architecture: str
    version: str
    added_at: datetime
    size_bytes: int
    pinned: bool
    imported: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """On all versions of one name and architecture; ``spared`` are too many, but pinned or too young to go."""

    leaving: Sequence[tuple[Stay, Reason]]
    spared: Sequence[Stay]


def judge(stays: Iterable[Stay], compare: Compare, rules: Rules, now: datetime) -> Verdict:
    """Of the versions of one name and architecture in one suite, in any order.

    The newest, by the format's own order, always stays; so does whatever is pinned.
    """
    order = cmp_to_key(compare)
    newest_first = sorted(stays, key=lambda stay: order(stay.version), reverse=True)
    leaving: list[tuple[Stay, Reason]] = []
    spared: list[Stay] = []
    for place, stay in enumerate(newest_first):
        age, most_age = now - stay.added_at, rules.age_of(stay)
        if place == 0:
            continue
        if most_age is not None and age > most_age and not stay.pinned:
            leaving.append((stay, Reason.AGE))
        elif rules.most_versions and place >= rules.most_versions:
            if stay.pinned or age < rules.least_age:
                spared.append(stay)
            else:
                leaving.append((stay, Reason.NUMBER))
    return Verdict(leaving, spared)


def groups(stays: Iterable[Stay]) -> Iterator[tuple[str, list[list[Stay]]]]:
    """Each name with its stays by architecture; the stays come in order of their names."""
    for name, found in groupby(stays, key=lambda stay: stay.name):
        by_architecture: dict[str, list[Stay]] = {}
        for stay in found:
            by_architecture.setdefault(stay.architecture, []).append(stay)
        yield name, [by_architecture[architecture] for architecture in sorted(by_architecture)]
