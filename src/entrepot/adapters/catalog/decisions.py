"""The part of the port about what waits for a person, what people decided, and what nobody may have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.records import Admission, AdmissionState, PackageFilter, StoredPackage
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.finding import Severity
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import PackageId, Suite, SuiteId
from entrepot.domain.policy.decisions import DecisionAction, Ending


@dataclass(frozen=True, slots=True)
class Assignee:
    """Who is to look after something: an account, or a group of accounts."""

    name: str
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Rating:
    """What was found in a package when it was held, as far as somebody could tell; ``findings`` are ids."""

    worst: Severity | None = None
    counts: Mapping[str, int] | None = None
    kev_count: int = 0
    high_epss_count: int = 0
    findings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """What a person decided about one package before one suite; in force while it has no ``ended_at``.

    It is about the bytes of ``digest``.  ``accepted`` are ids of findings that were known and accepted.
    ``requested_by`` is who brought the package.
    """

    id: int
    suite_id: SuiteId
    package_id: PackageId
    key: PackageKey
    codename: str
    digest: Digest
    component: str
    action: DecisionAction
    justification: str
    decided_by: str
    decided_at: datetime
    expires_at: datetime | None = None
    target_version: str | None = None
    cve_ids: Sequence[str] = ()
    accepted: Sequence[str] = ()
    assignee: Assignee | None = None
    assigned_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: str | None = None
    ended_at: datetime | None = None
    ending: Ending | None = None
    ended_by: str | None = None
    requested_by: str = ""


@dataclass(frozen=True, slots=True)
class HeldPackage:
    """What waits for a person before one suite.  If ``blocked``, policy refused it; a person may still let it in."""

    admission: Admission
    package: StoredPackage
    suite: Suite
    blocked: bool
    held_at: datetime
    rating: Rating
    assignee: Assignee | None = None
    assigned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeldFilter:
    """Conditions on what waits; an empty one always holds.

    ``assignees`` are alternatives; with ``unassigned`` nobody was told to look after it.  ``severity`` is the mildest
    that is wanted.
    """

    package: PackageFilter = field(default_factory=PackageFilter)
    assignees: tuple[Assignee, ...] | None = None
    unassigned: bool = False
    blocked: bool | None = None
    severity: Severity | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Conditions on decisions; an empty one always holds.  ``suites`` asks for any of some."""

    package: PackageFilter = field(default_factory=PackageFilter)
    suites: Collection[SuiteId] | None = None
    assignees: tuple[Assignee, ...] | None = None
    unassigned: bool = False
    in_force: bool | None = None
    actions: tuple[DecisionAction, ...] = ()
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A package that nobody gets, wherever it was."""

    package_id: PackageId
    reason: str
    quarantined_by: str
    quarantined_at: datetime


class DecisionReading(Protocol):
    """Held packages, decisions, quarantine."""

    def held_page(self, conditions: HeldFilter, offset: int, limit: int) -> tuple[list[HeldPackage], int]:
        """Worst first, then what has waited longest; and the number of all."""
        ...

    def held_counts(self) -> tuple[int, int]:
        """How many wait for review, and how many were blocked."""
        ...

    def held(self, admission_id: int) -> HeldPackage | None:
        """One that waits."""
        ...

    def held_severities(self) -> Mapping[Severity | None, int]:
        """How many wait, by the worst that was found in them."""
        ...

    def overdue(self, severity: Severity, held_before: datetime, limit: int) -> list[int]:
        """Admissions that have waited since before, oldest first, and of which nobody was told yet."""
        ...

    def forgotten_blocks(self, blocked_before: datetime, limit: int) -> list[int]:
        """Admissions that policy refused, and that nobody has let in for so long."""
        ...

    def stored_decision(self, decision_id: int) -> StoredDecision:
        """Raises ``NotFound``."""
        ...

    def decision_page(self, conditions: DecisionFilter, offset: int, limit: int) -> tuple[list[StoredDecision], int]:
        """Newest first, and the number of all."""
        ...

    def decision_counts(self) -> Mapping[tuple[DecisionAction, bool], int]:
        """How many decisions there are, by what was decided and whether they are in force."""
        ...

    def decisions_about(
        self, package_ids: Collection[PackageId], suite_id: SuiteId | None = None
    ) -> Mapping[tuple[PackageId, SuiteId], StoredDecision]:
        """The newest of each package before each suite, in force or not."""
        ...

    def accepted_findings(self, package_id: PackageId, suite_id: SuiteId, now: datetime) -> frozenset[str]:
        """Ids of what a person knew of and accepted in these bytes for this suite, and still does now."""
        ...

    def expired_decisions(self, now: datetime, limit: int) -> list[int]:
        """In force, though their time has come."""
        ...

    def expiring_decisions(self, now: datetime, until: datetime, limit: int, *, untold: bool) -> list[StoredDecision]:
        """In force, and ending before; ``untold`` are those of which nobody was told."""
        ...

    def wanted_upgrades(self) -> list[StoredDecision]:
        """In force, and waiting for a newer version."""
        ...

    def quarantined(self, package_ids: Collection[PackageId]) -> Mapping[PackageId, Quarantine]:
        """Those of these packages that nobody gets."""
        ...

    def quarantined_named(self, names: Collection[str]) -> list[Quarantine]:
        """Packages of these names that nobody gets."""
        ...

    def packages_keyed(self, conditions: PackageFilter) -> list[StoredPackage]:
        """Every package that ever came in and meets the conditions."""
        ...


class DecisionWriting(DecisionReading, Protocol):
    """And their changes."""

    def rate_held(self, admission_id: int, rating: Rating) -> None:
        """Say what was found in a package that waits."""
        ...

    def block(self, admission_id: int, rating: Rating, now: datetime) -> None:
        """Have a package that policy refused wait for a person, too; its bytes are kept as long."""
        ...

    def settle_blocked(
        self, admission_id: int, state: AdmissionState, by: str, now: datetime, justification: str, revision: int | None
    ) -> bool:
        """End the wait of one that was blocked; false when somebody else did first."""
        ...

    def forget_block(self, admission_id: int) -> None:
        """What policy refused can be let in no longer."""
        ...

    def note_revision(self, admission_id: int, revision: int) -> None:
        """The suite's revision that shows what was admitted."""
        ...

    def assign_held(self, admission_id: int, assignee: Assignee | None, now: datetime) -> bool:
        """Say who looks after it, or that nobody does; false when it waits no longer."""
        ...

    def tell_overdue(self, admission_id: int, now: datetime) -> bool:
        """True for the one caller who is to tell."""
        ...

    def add_decision(self, decision: StoredDecision) -> int:
        """A new one; its ``id`` is ignored.  Raises ``CatalogConflict`` when another one is in force."""
        ...

    def change_decision(self, decision: StoredDecision) -> bool:
        """Other words, other ends, another assignee; false when it is in force no longer."""
        ...

    def resolve_decision(self, decision_id: int, by: str, now: datetime, note: str) -> bool:
        """What it asked for was done; false when that was said already."""
        ...

    def end_decision(self, decision_id: int, ending: Ending, by: str, now: datetime) -> bool:
        """True for the one caller who ended it; nothing expires before its time."""
        ...

    def tell_expiring(self, decision_id: int, now: datetime) -> bool:
        """True for the one caller who is to tell."""
        ...

    def seize(self, package_id: PackageId) -> None:
        """Wait for every unit that puts this package somewhere, and have later ones wait for this unit."""
        ...

    def quarantine(self, quarantine: Quarantine) -> bool:
        """Nobody gets it any more; false when that was so already."""
        ...

    def release(self, package_id: PackageId) -> bool:
        """The end of it; false when there was none."""
        ...
