"""Packages as a solver sees them, what they need and what they exclude."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from entrepot.domain.dependencies.formula import Formula
from entrepot.domain.model.package import PackageKey


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package that could be installed.  ``files`` are paths that it has and that somebody asked for."""

    number: int
    key: PackageKey
    relations: Mapping[str, Sequence[str]]
    multi_arch: str = ""
    files: frozenset[str] = frozenset()


Offering = Callable[[str], Sequence[Candidate]]
"""What is known to offer a name, a capability or a path."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a package needs.

    ``names`` are what has to be looked up before ``formula`` can be made.  ``label`` and ``constraint`` are for people,
    ``alternatives`` the choices if there are several.
    """

    text: str
    label: str
    constraint: str
    alternatives: tuple[str, ...]
    names: tuple[str, ...]
    formula: Callable[[Offering], Formula] = field(compare=False)


class Rules(Protocol):
    """How one packaging system reads relations."""

    def needs(self, candidate: Candidate) -> list[Need]:
        """Everything that has to be installed with it."""
        ...

    def excludes(self, candidate: Candidate, offering: Offering) -> list[tuple[str, Formula]]:
        """What must not be the case beside it, each with a reason; among what is offered."""
        ...

    def same(self, a: Candidate, b: Candidate) -> bool:
        """Whether they are two forms of one package of which only one can be installed."""
        ...
