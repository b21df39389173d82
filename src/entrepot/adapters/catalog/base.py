"""The port: short units of work over everything that is known.

``Reading`` sees one consistent state; ``Writing`` adds changes that are committed together when the block ends and
dropped when it raises.  Nothing slow belongs inside: no blob, no network, no signature.  Every method may raise
``CatalogUnavailable``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.accounts import AccountReading, AccountWriting
from entrepot.adapters.catalog.advisories import AdvisoryReading, AdvisoryWriting
from entrepot.adapters.catalog.auditing import AuditReading, AuditWriting
from entrepot.adapters.catalog.bundles import BundleReading, BundleWriting
from entrepot.adapters.catalog.choices import ChoiceReading, ChoiceWriting
from entrepot.adapters.catalog.contents import ContentsReading, ContentsWriting
from entrepot.adapters.catalog.cooling import CoolingReading
from entrepot.adapters.catalog.decisions import DecisionReading, DecisionWriting
from entrepot.adapters.catalog.downloads import DownloadReading, DownloadWriting
from entrepot.adapters.catalog.errata import ErrataReading, ErrataWriting
from entrepot.adapters.catalog.factors import FactorReading, FactorWriting
from entrepot.adapters.catalog.federation import FederationReading, FederationWriting
from entrepot.adapters.catalog.figures import FigureReading
from entrepot.adapters.catalog.findings import FindingReading, FindingWriting
from entrepot.adapters.catalog.groups import GroupReading, GroupWriting
from entrepot.adapters.catalog.imports import ImportReading, ImportWriting
from entrepot.adapters.catalog.incoming import IncomingReading, IncomingWriting
from entrepot.adapters.catalog.indexes import IndexReading
from entrepot.adapters.catalog.jobs import JobReading, JobWriting
from entrepot.adapters.catalog.keys import KeyReading, KeyWriting
from entrepot.adapters.catalog.merges import MergeReading, MergeWriting
from entrepot.adapters.catalog.messages import MessageReading, MessageWriting
from entrepot.adapters.catalog.mirrors import MirrorReading, MirrorWriting
from entrepot.adapters.catalog.offers import OfferReading
from entrepot.adapters.catalog.overview import OverviewReading
from entrepot.adapters.catalog.promotions import PromotionReading, PromotionWriting
from entrepot.adapters.catalog.provenance import ProvenanceReading, ProvenanceWriting
from entrepot.adapters.catalog.rates import RateReading, RateWriting
from entrepot.adapters.catalog.records import (
    Admission,
    AdmissionState,
    JsonValue,
    PackageFilter,
    Placement,
    Placing,
    Pooled,
    StoredPackage,
)
from entrepot.adapters.catalog.removals import RemovalReading, RemovalWriting
from entrepot.adapters.catalog.retention import RetentionReading, RetentionWriting
from entrepot.adapters.catalog.snapshots import SnapshotReading, SnapshotWriting
from entrepot.adapters.catalog.sources import SourceReading, SourceWriting
from entrepot.adapters.catalog.strikes import StrikeReading, StrikeWriting
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import Format, PackageFacts, PackageKey
from entrepot.domain.model.suite import (
    Archive,
    ArchiveId,
    PackageId,
    Suite,
    SuiteId,
    SuiteOptions,
)


class SuiteReading(Protocol):
    """Archives and suites."""

    def archives(self) -> list[Archive]: ...

    def archive(self, format_: Format, name: str) -> Archive | None: ...

    def suites(self, archive_id: ArchiveId | None = None, *, removed: bool = False) -> list[Suite]:
        """In order of format, archive, codename; on demand with those of which only rows are left."""
        ...

    def suite(self, suite_id: SuiteId) -> Suite:
        """Raises ``NotFound``."""
        ...

    def suite_named(self, archive_id: ArchiveId, codename: str) -> Suite | None: ...

    def suites_named(self, archive: str, codename: str) -> list[Suite]:
        """Of any format."""
        ...

    def unpublished_suites(self) -> list[SuiteId]:
        """Suites whose goal is not met."""
        ...

    def late_suites(self) -> list[SuiteId]:
        """Suites whose later documents lag behind the generation in force."""
        ...

    def suites_to_refresh(self, now: datetime) -> list[SuiteId]:
        """Suites whose signature must be renewed by now."""
        ...


class PackageReading(Protocol):
    """Packages and where they stand."""

    def package(self, package_id: PackageId) -> StoredPackage: ...

    def packages(self, package_ids: Collection[PackageId]) -> list[StoredPackage]:
        """By id, in any order."""
        ...

    def package_with_digest(self, digest: Digest) -> StoredPackage | None: ...

    def claimed(self, archive_id: ArchiveId, key: PackageKey) -> StoredPackage | None:
        """What already took this key in this archive, live or not."""
        ...

    def placements(self, conditions: PackageFilter) -> list[Placement]:
        """Live packages that meet the conditions, by name, then in order of arrival; meant for one name."""
        ...

    def placement_page(self, conditions: PackageFilter, offset: int, limit: int) -> tuple[list[Placement], int]:
        """A page of live packages by name and the number of all."""
        ...

    def name_page(self, conditions: PackageFilter, offset: int, limit: int) -> tuple[list[str], int]:
        """A page of distinct package names and the number of all; held packages count too."""
        ...

    def admissions(self, conditions: PackageFilter, state: AdmissionState | None = None) -> list[Admission]: ...

    def admission(self, admission_id: int) -> Admission: ...

    def undecided(self) -> list[int]:
        """Admissions that still wait for their inspection."""
        ...

    def suite_sizes(self) -> Mapping[SuiteId, tuple[int, int, datetime | None]]:
        """Live packages, their bytes and the last arrival, by suite."""
        ...

    def pooled(self, archive_id: ArchiveId, path: str) -> Pooled | None:
        """The package at a pool path, if a kept generation of a suite names it."""
        ...

    def pool_owner(self, archive_id: ArchiveId, path: str) -> PackageId | None: ...

    def needed_digests(self) -> Iterator[tuple[Digest, int]]:
        """Digest and size of all that is live, named by a kept generation, waits for a decision, or is incoming."""
        ...


class PeopleReading(AccountReading, GroupReading, FactorReading, Protocol):
    """Accounts and small facts."""

    def fact(self, name: str) -> JsonValue: ...

    def throttled(self, key: str, now: datetime) -> tuple[int, datetime] | None:
        """Count and end of the window that is open for ``key``."""
        ...

    def silent_nodes(self, before: datetime) -> list[str]: ...


class Reading(
    SuiteReading,
    PackageReading,
    IndexReading,
    PeopleReading,
    AuditReading,
    MessageReading,
    DownloadReading,
    RateReading,
    IncomingReading,
    FederationReading,
    PromotionReading,
    FigureReading,
    RemovalReading,
    RetentionReading,
    OverviewReading,
    KeyReading,
    ProvenanceReading,
    OfferReading,
    CoolingReading,
    ContentsReading,
    SourceReading,
    ImportReading,
    MirrorReading,
    ChoiceReading,
    BundleReading,
    StrikeReading,
    SnapshotReading,
    MergeReading,
    JobReading,
    AdvisoryReading,
    ErrataReading,
    FindingReading,
    DecisionReading,
    Protocol,
):
    """Everything that can be asked."""


class Writing(
    Reading,
    AccountWriting,
    AuditWriting,
    MessageWriting,
    DownloadWriting,
    RateWriting,
    GroupWriting,
    FactorWriting,
    IncomingWriting,
    FederationWriting,
    PromotionWriting,
    RemovalWriting,
    RetentionWriting,
    KeyWriting,
    SourceWriting,
    ImportWriting,
    MirrorWriting,
    ChoiceWriting,
    BundleWriting,
    ProvenanceWriting,
    StrikeWriting,
    ContentsWriting,
    SnapshotWriting,
    MergeWriting,
    JobWriting,
    AdvisoryWriting,
    ErrataWriting,
    FindingWriting,
    DecisionWriting,
    Protocol,
):
    """Everything that can be changed."""

    def add_archive(self, format_: Format, name: str) -> Archive: ...

    def add_suite(
        self, archive: Archive, codename: str, options: SuiteOptions, now: datetime, *, verbatim: bool = False
    ) -> Suite:
        """Raises ``AlreadyExists``."""
        ...

    def change_suite(self, suite_id: SuiteId, options: SuiteOptions) -> int:
        """New options; the new revision."""
        ...

    def touch_suite(self, suite_id: SuiteId) -> int:
        """Take the next revision, and with it the suite: others who change it wait for this unit to end."""
        ...

    def add_package(
        self,
        facts: PackageFacts,
        digest: Digest,
        sha512: str,
        size_bytes: int,
        filename: str,
        actor: Actor,
        now: datetime,
    ) -> PackageId: ...

    def claim(self, archive_id: ArchiveId, key: PackageKey, package_id: PackageId) -> None: ...

    def take_pool_path(self, archive_id: ArchiveId, path: str, package_id: PackageId) -> None: ...

    def place(
        self,
        suite_id: SuiteId,
        placing: Placing,
        revision: int,
        actor: Actor,
        now: datetime,
    ) -> None: ...

    def withdraw(self, suite_id: SuiteId, package_id: PackageId, revision: int) -> bool:
        """Take a live package out of a suite; false when it was not in it."""
        ...

    def add_admission(self, admission: Admission) -> int: ...

    def decide_admission(
        self,
        admission_id: int,
        state: AdmissionState,
        steps: Sequence[Mapping[str, JsonValue]],
        reasons: Sequence[str],
        actor: Actor,
        now: datetime,
        justification: str,
        revision: int | None,
    ) -> bool:
        """Move an admission out of the state it was read in; false when somebody else did first."""
        ...

    def switch(
        self,
        suite: Suite,
        revision: int,
        manifest: Digest,
        package_count: int,
        files: Sequence[str],
        refresh_at: datetime | None,
        now: datetime,
        late_revision: int | None = None,
    ) -> Generation:
        """Compare and set: make a new generation the current one, if the one that ``suite`` shows still is.

        ``late_revision`` is the revision that its later documents show, if they were made anew.

        Raises:
            LostRace: another publisher moved the pointer.
        """
        ...

    def forget_generation(self, generation: Generation) -> None: ...

    def keep_revisions(self, suite_id: SuiteId, oldest: int) -> None:
        """Packages that left a suite at a revision up to ``oldest`` need not be kept for it."""
        ...

    def set_fact(self, name: str, value: JsonValue) -> None: ...

    def throttle(self, key: str, now: datetime, window_seconds: int) -> int:
        """Count one more in the open window, or open one; the count."""
        ...

    def unthrottle(self, key: str) -> None:
        """Forget the window, and those of every key that goes on after it with a slash."""
        ...

    def beat(self, node: str, now: datetime, *, works: bool) -> None: ...

    def forget_node(self, node: str) -> bool:
        """True for the one caller who removed it."""
        ...


class Catalog(Protocol):
    """Where units come from."""

    def read(self) -> AbstractContextManager[Reading]: ...

    def write(self, *, durable: bool = True) -> AbstractContextManager[Writing]:
        """On the disk when the block ends; a change that need not be ``durable`` may be lost in a power cut."""

    def version(self) -> int | None:
        """A number that differs after any commit by anybody; none where only a query can tell.

        Cheap enough to ask before every answer that is given from memory.
        """

    def ping(self) -> None:
        """Raises ``CatalogUnavailable``."""
        ...

    def close(self) -> None: ...
