"""The part of the port about other people's repositories, and what their indexes list.

An index is written beside the one that is in force, under the next generation, in many small units; nothing of it is
seen before ``switch_upstream``, which is one row.  What was in force before is removed afterwards, in batches.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.upstream.listed import ListedPackage
from entrepot.domain.upstream.source import Source, SourceId, SourceState


@dataclass(frozen=True, slots=True)
class UpstreamPackage:
    """A package that a source lists.  ``relations`` are entries by lower-case relation, as in ``PackageFacts``."""

    source_id: SourceId
    generation: int
    number: int
    key: PackageKey
    component: str
    section: str
    summary: str
    source: str
    multi_arch: str
    filename: str
    size_bytes: int
    installed_bytes: int
    digest: str
    relations: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class UpstreamFilter:
    """Conditions on packages of sources that are switched on; all that are given must hold.

    ``names`` are exact, ``prefix`` is how a name begins, ``word`` is anywhere in it.  ``distribution`` is that of the
    source.  ``sources`` are looked at even when they are switched off.
    """

    names: Collection[str] = ()
    prefix: str = ""
    word: str = ""
    version: str = ""
    sources: Collection[SourceId] = ()
    format: Format | None = None
    distribution: str = ""
    architectures: Collection[str] = ()


class SourceReading(Protocol):
    """What can be asked."""

    def sources(self) -> list[Source]:
        """In order of their names."""
        ...

    def source(self, source_id: SourceId) -> Source:
        """Raises ``NotFound``."""
        ...

    def source_called(self, name: str) -> Source:
        """Raises ``NotFound``."""
        ...

    def upstream_packages(self, conditions: UpstreamFilter, limit: int) -> list[UpstreamPackage]:
        """At most so many that are in force, in order of name, source and place in the index."""
        ...

    def upstream_providers(
        self, names: Collection[str], conditions: UpstreamFilter
    ) -> list[tuple[str, UpstreamPackage]]:
        """Packages that answer to names that are not their own, each with the name; ``conditions`` has no names."""
        ...

    def upstream_synced(self) -> bool:
        """Whether there is anything to be found at all."""
        ...


class SourceWriting(SourceReading, Protocol):
    """What can be changed."""

    def add_source(self, source: Source) -> SourceId:
        """With the id that it has, or the next one when that is 0.

        Raises:
            AlreadyExists: its name, or its URL for this distribution, is taken.
        """
        ...

    def change_source(self, source: Source) -> None:
        """Everything but its state.

        Raises:
            AlreadyExists: its URL for this distribution is taken.
        """
        ...

    def remove_source(self, source_id: SourceId) -> None:
        """The row; its packages have to be gone."""
        ...

    def note_source(self, source_id: SourceId, state: SourceState) -> None:
        """How the last look at it went: everything of the state but its generations."""
        ...

    def begin_generation(self, source_id: SourceId) -> int:
        """The number to write an index under."""
        ...

    def add_upstream(self, source_id: SourceId, generation: int, first: int, packages: Sequence[ListedPackage]) -> None:
        """A batch, numbered from ``first`` on."""
        ...

    def switch_upstream(self, source_id: SourceId, generation: int, state: SourceState) -> None:
        """Put a generation in force, with its state.

        Raises:
            LostRace: another one was begun meanwhile.
        """
        ...

    def forget_upstream(self, source_id: SourceId, keep: Collection[int], limit: int) -> int:
        """Remove rows of other generations than these, at most about so many; how many there were."""
        ...
