"""What this room needs of others: how packages are compared, how checks are asked, and what findings lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.records import StoredPackage
from entrepot.domain.model.finding import Coverage, Finding
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.gate import CheckOutcome


class Comparing(Protocol):
    """Many stored packages of one suite against the advisories, inside a unit."""

    def knowledge(self, reading: Reading, suite: Suite, now: datetime) -> Coverage:
        """How far the answers of now reach."""
        ...

    def names(
        self, reading: Reading, suite: Suite, packages: Sequence[StoredPackage]
    ) -> Mapping[PackageId, set[tuple[str, str]]]:
        """Under which (context, name) advisories may speak of them."""
        ...

    def outcomes(
        self, reading: Reading, suite: Suite, packages: Sequence[StoredPackage], now: datetime
    ) -> Mapping[PackageId, CheckOutcome]:
        """What the check would say of each."""
        ...


class Examining(Protocol):
    """Every check of the gate, asked about stored bytes."""

    def slow(self) -> bool:
        """Whether a scanner is among them that takes its time."""
        ...

    def examine(self, package: StoredPackage, suite: Suite, component: str) -> list[CheckOutcome]:
        """What all of them say now.

        Raises:
            ScannerUnavailable: one of them has to be asked again later.
        """
        ...


@dataclass(frozen=True, slots=True)
class News:
    """A package that was let into a suite, and what has become known of it since.

    ``outcomes`` are what was asked this time: the comparison alone, or every check.  ``findings`` are those that were
    not there before; there may be none where another check has found something.
    """

    package: StoredPackage
    suite: Suite
    outcomes: Sequence[CheckOutcome]
    findings: Sequence[Finding]


class Effect(Protocol):
    """What news lead to.  May be told the same news again, after any crash."""

    def __call__(self, news: News) -> None:
        """Act, or leave it."""
        ...
