"""The part of the port about snapshots, environments and what a suite held at some time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.offers import Offer
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.snapshot import Content, Environment, Move, PackageFile, Snapshot
from entrepot.domain.model.suite import ArchiveId, GenerationId, PackageId, SuiteId


class StateReading(Protocol):
    """What a suite held at a revision."""

    def contents_at(
        self, suite_id: SuiteId, revision: int, offset: int = 0, limit: int | None = None
    ) -> Iterator[Content]:
        """What the suite held at a revision, in order of component and key; streamed."""
        ...

    def marks_at(self, suite_id: SuiteId, revision: int) -> Iterator[tuple[str, bytes, str, int]]:
        """Component, key, digest and size of each, in the order of ``contents_at``; streamed."""
        ...

    def contents_by_key(self, suite_id: SuiteId, revision: int) -> Iterator[Content]:
        """The same in order of their keys alone; streamed."""
        ...

    def moved_between(self, suite_id: SuiteId, older: int, newer: int) -> tuple[list[Content], list[Content]]:
        """What the suite held at the older of two revisions only, and at the newer one only."""
        ...

    def alone(self, here: tuple[SuiteId, int], there: tuple[SuiteId, int]) -> list[Content]:
        """What the first of two (suite, revision) has in a component and the second has not, in order of the keys."""
        ...

    def versions_at(
        self, suite_id: SuiteId, revision: int, names: Collection[str]
    ) -> Mapping[tuple[str, str, str], list[Content]]:
        """All versions by (name, architecture, component), in any order."""
        ...

    def needs_at(self, suite_id: SuiteId, revision: int, kinds: Sequence[str]) -> Iterator[tuple[PackageId, str]]:
        """What each package asks of others, by kinds of relations, as one text to look for names in; streamed."""
        ...

    def files_at(self, suite_id: SuiteId, revision: int) -> Iterator[PackageFile]:
        """Where the files of all packages lie, in order of their paths; streamed."""
        ...

    def quarantined_paths(self, archive_id: ArchiveId) -> set[str]:
        """Where the bytes that nobody gets would lie in an archive."""
        ...

    def offered_names(self, package_ids: Collection[PackageId]) -> set[str]:
        """What packages provide besides their own names, as it is indexed."""
        ...

    def offers_at(self, suite_id: SuiteId, revision: int, names: Collection[str]) -> list[Offer]:
        """As ``offers``, at a revision."""
        ...


class SnapshotReading(StateReading, Protocol):
    """What can be asked."""

    def snapshots(self, suite_id: SuiteId | None, offset: int, limit: int) -> tuple[list[Snapshot], int]:
        """A page, newest first, and the number of all."""
        ...

    def snapshot_named(self, suite_id: SuiteId, name: str) -> Snapshot | None:
        """None where there is none."""
        ...

    def snapshot_of(self, snapshot_id: int) -> Snapshot:
        """Raises ``NotFound``."""
        ...

    def generation_at(self, suite_id: SuiteId, at: datetime) -> Generation | None:
        """The one that was in force then; none when there was none, or when it is kept no longer."""
        ...

    def pinned_generations(self, suite_id: SuiteId) -> set[GenerationId]:
        """Those that a snapshot keeps."""
        ...

    def environments(self) -> list[Environment]:
        """By name."""
        ...

    def environment_named(self, name: str) -> Environment | None:
        """None where there is none."""
        ...

    def positions(self, environment_id: int) -> list[Move]:
        """The move in force of each suite that is in the environment."""
        ...

    def moves(self, environment_id: int, suite_id: SuiteId | None, offset: int, limit: int) -> tuple[list[Move], int]:
        """A page of all that were made, newest first, and their number."""
        ...

    def shown_generations(self, name: str, suite_id: SuiteId, most: int) -> list[tuple[Generation, datetime]]:
        """What an environment shows of a suite now, and what it showed before, newest first, each with its begin."""
        ...

    def environments_with(self, snapshot_id: int) -> list[str]:
        """Names of those that show it now."""
        ...


class SnapshotWriting(SnapshotReading, Protocol):
    """What can be changed."""

    def add_snapshot(
        self,
        suite_id: SuiteId,
        name: str,
        generation: Generation,
        content_id: str,
        size_bytes: int,
        description: str,
        by: str,
        now: datetime,
    ) -> Snapshot:
        """Raises ``AlreadyExists``."""
        ...

    def remove_snapshot(self, snapshot_id: int) -> None:
        """It, and its place in the history of environments."""
        ...

    def add_environment(self, name: str, description: str, by: str, now: datetime, *, protected: bool) -> Environment:
        """Raises ``AlreadyExists``."""
        ...

    def change_environment(self, environment_id: int, description: str, *, protected: bool) -> None:
        """All that can change."""
        ...

    def remove_environment(self, environment_id: int) -> None:
        """With its history."""
        ...

    def add_moves(
        self,
        environment_id: int,
        moves: Sequence[tuple[SuiteId, int | None]],
        by: str,
        reason: str,
        now: datetime,
    ) -> None:
        """Point each suite to a snapshot, or take it out."""
        ...
