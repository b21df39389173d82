"""The part of the port that looks at everything at once: sums over packages, admissions and the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from entrepot.adapters.catalog.auditing import ChainedEntry
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import SuiteId


@dataclass(frozen=True, slots=True)
class Heavy:
    """A package and its size."""

    key: PackageKey
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Stock:
    """All live packages; one that is in several suites counts once."""

    name_count: int
    package_count: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """The names with most live packages, the largest packages, and the last to arrive."""

    names: Sequence[tuple[str, int]]
    heaviest: Sequence[Heavy]
    newest: Sequence[tuple[PackageKey, datetime]]


@dataclass(frozen=True, slots=True)
class Done:
    """How often something was done on one day (UTC), with one result."""

    day: date
    action: str
    result: str
    count: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A package that waits for a person."""

    key: PackageKey
    suite: str
    reasons: Sequence[str]
    since: datetime


@dataclass(frozen=True, slots=True)
class Decisions:
    """Admissions that wait for a person, that were refused, and that a person let in."""

    held: int
    refused: int
    approved: int


class OverviewReading(Protocol):
    """Every method is one or two queries, whatever there is."""

    def stock(self) -> Stock:
        """Sums over all packages."""
        ...

    def ranking(self, limit: int) -> Ranking:
        """So many of each."""
        ...

    def live_counts(self) -> Mapping[SuiteId, int]:
        """Live packages by suite; empty suites are left out."""
        ...

    def done(self, actions: Sequence[str], first: date, last: date) -> list[Done]:
        """What the audit log has of these actions, both days included."""
        ...

    def last_done(self, actions: Sequence[str], limit: int) -> list[ChainedEntry]:
        """Audit entries of these actions, newest first."""
        ...

    def last_recorded(self, limit: int, *, about_packages: bool) -> list[ChainedEntry]:
        """Newest first; those about packages are looked for among the last thousand."""
        ...

    def decisions(self) -> Decisions:
        """Of all times."""
        ...

    def waiting(self, limit: int) -> list[Waiting]:
        """Newest first."""
        ...
