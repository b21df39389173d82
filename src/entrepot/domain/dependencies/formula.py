"""Conditions on sets of packages, and the clauses that say the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these packages is taken, best first; without any it cannot hold.  ``negated``: none of them is."""

    packages: tuple[int, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Both:
    """All parts hold."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One part holds."""

    parts: tuple[Formula, ...]


Formula = AnyOf | Both | Either


def negation(formula: Formula) -> Formula:
    """The opposite, with negations at the leaves only."""
    match formula:
        case AnyOf():
            return AnyOf(formula.packages, not formula.negated)
        case Both():
            return Either(tuple(negation(part) for part in formula.parts))
        case Either():
            return Both(tuple(negation(part) for part in formula.parts))


def mentioned(formula: Formula) -> set[int]:
    """Packages that can make it true by being taken."""
    if isinstance(formula, AnyOf):
        return set() if formula.negated else set(formula.packages)
    return {number for part in formula.parts for number in mentioned(part)}


def can_hold(formula: Formula) -> bool:
    """Whether some choice of packages, taken by itself, makes it true."""
    match formula:
        case AnyOf():
            return formula.negated or bool(formula.packages)
        case Both():
            return all(can_hold(part) for part in formula.parts)
        case _:
            return any(can_hold(part) for part in formula.parts)


def clauses(formula: Formula, owner: Sequence[int], fresh: Callable[[], int]) -> list[list[int]]:
    """Clauses that hold when the owner's literals do not need to, or the formula holds.

    As many as the formula has parts: a part that is not a choice of packages gets a name of its own, by ``fresh``.
    """
    found: list[list[int]] = []
    match formula:
        case AnyOf(negated=False):
            found.append([*owner, *formula.packages])
        case AnyOf():
            found += ([*owner, -number] for number in formula.packages)
        case Both():
            for part in formula.parts:
                found += clauses(part, owner, fresh)
        case Either():
            choice: list[int] = []
            for part in formula.parts:
                if isinstance(part, AnyOf) and not part.negated:
                    choice += part.packages
                elif isinstance(part, AnyOf) and len(part.packages) == 1:
                    choice.append(-part.packages[0])
                else:
                    name = fresh()
                    choice.append(name)
                    found += clauses(part, [-name], fresh)
            found.append([*owner, *choice])
    return found
