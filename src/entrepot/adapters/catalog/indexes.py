"""The part of the port about packages as an index lists them, and about the generations that show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from entrepot.adapters.catalog.records import Pointer
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.suite import ArchiveId, Change, GenerationId, Listing, SuiteId


class IndexReading(Protocol):
    """What the index builder asks."""

    def listings(
        self,
        suite_id: SuiteId,
        component: str,
        architectures: Sequence[str],
        kind: str,
        first: bytes = b"",
        before: bytes | None = None,
        revision: int | None = None,
    ) -> Iterator[Listing]:
        """Packages with ``first <= key < before`` in key order, each with its fragment of ``kind``; streamed.

        Live ones, or those of a revision.
        """
        ...

    def listing_count(
        self, suite_id: SuiteId, component: str, architectures: Sequence[str], revision: int | None = None
    ) -> int:
        """How many of them."""
        ...

    def fragment_bytes(
        self,
        suite_id: SuiteId,
        component: str,
        architectures: Sequence[str],
        kind: str,
        revision: int | None = None,
    ) -> int:
        """Size of all fragments of a kind together."""
        ...

    def package_count(self, suite_id: SuiteId) -> int:
        """Live packages of a suite."""
        ...

    def changes(self, suite_id: SuiteId, since_revision: int) -> list[Change]:
        """Whatever came or went after a revision."""
        ...

    def pointer(self, archive_id: ArchiveId, codename: str) -> Pointer | None:
        """The generation in force of one suite, in one look-up."""
        ...

    def generation(self, generation_id: GenerationId) -> Generation:
        """Raises ``NotFound``."""
        ...

    def generations(self, suite_id: SuiteId) -> list[Generation]:
        """Kept ones, newest first; without those of merged snapshots."""
        ...

    def generation_with_file(self, suite_id: SuiteId, digest: str) -> Generation | None:
        """A kept generation that has a file of this SHA-256 or SHA-512."""
        ...
