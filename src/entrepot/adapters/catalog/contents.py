"""The part of the port about what a revision of a suite shows, and what packages carry inside."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.records import StoredPackage
from entrepot.domain.model.component import Component, Composition
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import PackageId, SuiteId


@dataclass(frozen=True, slots=True)
class Shown:
    """A package that a revision of a suite has; ``number`` is that of its stay there."""

    number: int
    package: StoredPackage
    revision: int
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a package stands in a revision of a suite."""

    number: int
    package_id: PackageId
    key: PackageKey


@dataclass(frozen=True, slots=True)
class Sojourn:
    """One time that a package was put into a suite; without ``removed_revision`` it is there still."""

    suite_id: SuiteId
    package_id: PackageId
    component: str
    added_revision: int
    removed_revision: int | None
    added_at: datetime
    added_by: str


class ContentsReading(Protocol):
    """A revision of a suite stays the same however often it is asked for, as stays are never forgotten."""

    def shown(self, suite_id: SuiteId, revision: int, after: tuple[int, int], limit: int) -> list[Shown]:
        """Packages in the order in which they came, behind the revision and number of the last one seen."""
        ...

    def shown_count(self, suite_id: SuiteId, revision: int) -> int:
        """How many there are."""
        ...

    def components(self, package_id: PackageId) -> list[Component]:
        """What the package carries inside, as far as anybody looked."""
        ...

    def compositions(self, package_ids: Collection[PackageId]) -> Mapping[PackageId, Composition]:
        """Of those packages that were looked into."""
        ...

    def carriers(self, ecosystem: str, name: str) -> list[PackageId]:
        """Packages that carry a component, in any version."""
        ...

    def without_composition(self, readers: int, below: int | None, limit: int) -> list[PackageId]:
        """Packages that nobody has looked into with these readers, or later ones; with numbers below one."""
        ...

    def sojourns(self, package_ids: Collection[PackageId]) -> list[Sojourn]:
        """Every time that these packages were put anywhere, oldest first."""
        ...

    def shown_places(self, suite_id: SuiteId, revision: int, package_ids: Collection[PackageId]) -> list[Place]:
        """Those of the packages that are there."""
        ...


class ContentsWriting(Protocol):
    """What was found in packages."""

    def keep_composition(self, package_id: PackageId, composition: Composition, now: datetime) -> None:
        """In the place of an earlier one."""
        ...
