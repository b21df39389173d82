"""The part of the port about bundles: those that were made here, and those that came here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from entrepot.adapters.catalog.mirrors import Brought
from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import SuiteId


class BundleStatus(StrEnum):
    """How a bundle stands."""

    READY = "ready"
    ARRIVING = "arriving"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose head is stored.

    ``id`` is the one of its manifest.  ``made_here`` is false for what came from elsewhere.  ``volumes`` are
    (first file, file behind the last, size) of each; ``states`` are short words about its states, for lists.
    """

    number: int
    id: str
    made_here: bool
    status: BundleStatus
    chain: str
    place: int
    base: str
    label: str
    head: Digest
    file_count: int
    size_bytes: int
    volumes: Sequence[tuple[int, int, int]]
    states: Sequence[Mapping[str, JsonValue]]
    signer: str
    made_at: datetime
    noted_at: datetime
    noted_by: str
    finished_at: datetime | None = None
    result: Mapping[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class BundleTarget:
    """A suite that a bundle is being imported into, or was.

    While ``holding``, the suite is not published.  ``before`` is its revision when the import began; ``list_path``
    names the list of the bundle that it was to hold.
    """

    bundle: int
    suite_id: SuiteId
    before: int
    list_path: str
    holding: bool
    done: bool


@dataclass(frozen=True, slots=True)
class Bundled:
    """A package of a suite at some revision, as a bundle describes it.

    ``told`` is who let it in, and why.  Nobody gets what is in ``quarantine``.
    """

    component: str
    name: str
    version: str
    architecture: str
    digest: Digest
    size_bytes: int
    filename: str
    pool_path: str
    quarantine: bool
    told: Mapping[str, JsonValue]


class BundleReading(Protocol):
    """What can be asked."""

    def bundles(self, offset: int, limit: int) -> tuple[list[Bundle], int]:
        """A page, newest first, and the number of all."""
        ...

    def bundle(self, bundle_id: str, *, made_here: bool) -> Bundle | None:
        """None where there is none."""
        ...

    def bundle_heads(self) -> list[tuple[Digest, bool]]:
        """Heads that are kept, and whether the files of the bundle are kept for it as well."""
        ...

    def bundle_targets(self, number: int) -> list[BundleTarget]:
        """Of one bundle."""
        ...

    def last_bundle_of(self, suite_id: SuiteId) -> tuple[Bundle, BundleTarget] | None:
        """The one that was imported last into a suite."""
        ...

    def held_suites(self) -> list[tuple[SuiteId, int]]:
        """Suites that are not published now, each with the number of the bundle that comes in."""
        ...

    def bundled_at(self, suite_id: SuiteId, revision: int) -> Iterator[Bundled]:
        """All packages of a suite at a revision, in order of component and key; streamed."""
        ...

    def quarantined_digests(self) -> set[Digest]:
        """Bytes that nobody gets."""
        ...

    def mirrored_at(self, suite_id: SuiteId, revision: int) -> Iterator[Brought]:
        """All files of a suite that shows an upstream's, at a revision; streamed by path."""
        ...


class BundleWriting(BundleReading, Protocol):
    """What can be changed."""

    def add_bundle(self, bundle: Bundle) -> int:
        """Its number.  Raises ``AlreadyExists``."""
        ...

    def note_bundle(
        self, number: int, status: BundleStatus, finished_at: datetime | None, result: Mapping[str, JsonValue] | None
    ) -> None:
        """How it stands."""
        ...

    def remove_bundle(self, number: int) -> None:
        """And its targets."""
        ...

    def hold_suites(self, targets: Collection[BundleTarget]) -> None:
        """Begin; those that are there stay as they are.  Raises ``CatalogConflict`` when another bundle holds one."""
        ...

    def release_suites(self, number: int, *, done: bool) -> None:
        """End; with ``done`` the lists of the bundle are what its suites hold."""
        ...
