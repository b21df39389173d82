"""The part of the port about states apart: what was merged from several suites, and was never live in any.

Such a state has a number below zero in the place of a revision.  Its rows are those of that number alone, so that
whatever asks what a suite held at a revision can ask for it as well, and whatever asks what is live does not see it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.records import Placing
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import ArchiveId, PackageId, SuiteId


@dataclass(frozen=True, slots=True)
class Occupant:
    """A package where it stands: what is needed to put it somewhere else."""

    package_id: PackageId
    key: PackageKey
    digest: Digest
    source: str
    component: str


class MergeReading(Protocol):
    """What can be asked."""

    def generations_apart(self, suite_id: SuiteId) -> list[Generation]:
        """Of states that were merged, newest first."""
        ...

    def refusals(self, suite_id: SuiteId) -> Mapping[PackageId, str]:
        """Packages that are not in the suite because somebody or the gate does not let them in now, and why."""
        ...

    def shown_before(self, suite_id: SuiteId, package_ids: Collection[PackageId]) -> set[PackageId]:
        """Which of these the suite itself has or had, other than by a merge."""
        ...

    def barred(self, suite_id: SuiteId) -> Mapping[PackageId, str]:
        """These, and packages that nobody gets."""
        ...

    def claims(self, archive_id: ArchiveId, names: Collection[str]) -> Mapping[PackageKey, Digest]:
        """Keys that the archive knows, with their contents."""
        ...

    def occupants(self, numbers: Collection[int]) -> list[Occupant]:
        """By the numbers of the rows, in their order."""
        ...


class MergeWriting(MergeReading, Protocol):
    """What can be changed."""

    def begin_merge(self, suite_id: SuiteId, rule: str, sources: Sequence[str], now: datetime) -> int:
        """A number below zero, that no other state has or will have while anything is left of this one."""
        ...

    def copy_apart(
        self, suite_id: SuiteId, state: int, numbers: Sequence[int], component: str | None, by: str, now: datetime
    ) -> None:
        """Put what other rows of the same archive show into a state; all of it in one component where one is given."""
        ...

    def place_apart(self, suite_id: SuiteId, state: int, placings: Sequence[Placing], by: str, now: datetime) -> None:
        """Put packages into a state."""
        ...

    def switch_apart(
        self, suite_id: SuiteId, state: int, manifest: Digest, package_count: int, now: datetime
    ) -> Generation:
        """The generation of a state; it never was in force.

        Raises:
            NotFound: what was begun was given up meanwhile.
        """
        ...

    def forget_apart(self, before: datetime, most: int) -> int:
        """Drop so many rows of merges that were begun before some time and that no snapshot keeps; how many went."""
        ...
