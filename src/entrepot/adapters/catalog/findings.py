"""The part of the port about what scans and comparisons found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.records import JsonValue, StoredPackage
from entrepot.domain.advisories.advisory import Exploitation
from entrepot.domain.model.finding import SEVERITIES, Coverage, Finding, FixState, Severity
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.domain.policy.priority import HIGH_EPSS

NEVER = -1
"""The round of a package that nobody was asked about yet."""

ROUND_FACT = "vulnerabilities/round"
"""The fact that counts how often somebody asked for everything to be compared again."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What was last said about one package in one suite, and with which knowledge.

    ``position`` is that of the advisories that were compared, ``round`` the last comparison of everything that took it
    in.  ``counts`` has every severity.  ``news`` are ids of findings that nobody has acted on yet.
    """

    suite_id: SuiteId
    package_id: PackageId
    result: CheckResult
    message: str
    context: str
    engine: str
    database: str
    database_date: datetime | None
    position: int
    round: int
    scanned_at: datetime
    rematched_at: datetime | None = None
    coverage: Coverage = field(default_factory=Coverage)
    counts: Mapping[Severity, int] = field(default_factory=dict)
    kev_count: int = 0
    high_epss_count: int = 0
    news: tuple[str, ...] = ()

    @staticmethod
    def of(suite_id: SuiteId, package_id: PackageId, outcome: CheckOutcome, now: datetime) -> Scan:
        """An answer with its numbers."""
        coverage, found = outcome.coverage or Coverage(), outcome.findings
        return Scan(
            suite_id=suite_id,
            package_id=package_id,
            result=outcome.result,
            message=outcome.message,
            context=coverage.context,
            engine=coverage.engine,
            database=coverage.database,
            database_date=coverage.database_date,
            position=coverage.position,
            round=coverage.round,
            scanned_at=now,
            coverage=coverage,
            counts={severity: sum(finding.severity is severity for finding in found) for severity in SEVERITIES},
            kev_count=sum(finding.in_kev for finding in found),
            high_epss_count=sum((finding.epss or 0.0) >= HIGH_EPSS for finding in found),
        )

    @property
    def scanned(self) -> bool:
        """Whether the question was answered to its end."""
        return self.result in (CheckResult.CLEAN, CheckResult.FINDINGS)

    @property
    def total(self) -> int:
        """Findings of every severity."""
        return sum(self.counts.values())

    @property
    def worst(self) -> Severity | None:
        """The hardest severity that was found."""
        return next((severity for severity in Severity if self.counts.get(severity)), None)


@dataclass(frozen=True, slots=True)
class Posture:
    """A package on the shelf of a suite with what is known about it; ``waits`` is for a person or a scanner.

    One that is ``apart`` is in quarantine and on no shelf.
    """

    package: StoredPackage
    suite_id: SuiteId
    waits: bool
    added_at: datetime
    scan: Scan | None
    apart: bool = False


@dataclass(frozen=True, slots=True)
class PostureFilter:
    """Conditions on postures; ``worst`` asks for that severity or a harder one, ``suites`` for any of some."""

    suites: Collection[SuiteId] | None = None
    waits: bool | None = None
    worst: Severity | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class PostureCounts:
    """Sums over packages: how many there are, how many were scanned, and findings by severity."""

    total: int = 0
    scanned: int = 0
    counts: Mapping[Severity, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VulnerabilityFilter:
    """Conditions on vulnerabilities; without a suite those of all suites."""

    suite_id: SuiteId | None = None
    severity: Severity | None = None
    fix_state: FixState | None = None


@dataclass(frozen=True, slots=True)
class Affected:
    """A package that has a vulnerability."""

    package_id: PackageId
    suite_id: SuiteId
    name: str
    package_version: str
    architecture: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability with the packages that have it: the first ones, and the number of all.

    ``finding`` says what is known of it; severity and CVSS are the worst that anybody gives it here.
    """

    finding: Finding
    affected: Sequence[Affected]
    affected_count: int


@dataclass(frozen=True, slots=True)
class Stale:
    """A package on a shelf that has to be compared again, with the knowledge that was used last time."""

    suite_id: SuiteId
    package_id: PackageId
    position: int
    round: int


def exploited(finding: Finding, known: Exploitation | None) -> Finding:
    """With what is known of its use."""
    if known is None:
        return finding
    return replace(finding, in_kev=known.in_kev, epss=known.epss, epss_percentile=known.epss_percentile)


class FindingReading(Protocol):
    """What can be asked."""

    def scan(self, suite_id: SuiteId, package_id: PackageId) -> Scan | None:
        """What was last said about a package in a suite."""
        ...

    def scans(self, package_ids: Collection[PackageId]) -> list[Scan]:
        """Of some packages, in every suite."""
        ...

    def findings(self, suite_id: SuiteId, package_ids: Collection[PackageId]) -> Mapping[PackageId, list[Finding]]:
        """What is kept of some packages of a suite, worst first, with what is known of exploitation now."""
        ...

    def vulnerability_page(
        self, conditions: VulnerabilityFilter, offset: int, limit: int, affected: int
    ) -> tuple[list[Vulnerability], int]:
        """A page by severity, then CVSS, each with at most ``affected`` packages; and the number of all."""
        ...

    def vulnerability_counts(self, suite_id: SuiteId | None) -> Mapping[Severity, int]:
        """How many different ones there are."""
        ...

    def posture_page(self, conditions: PostureFilter, offset: int, limit: int) -> tuple[list[Posture], int]:
        """A page of packages, the worst first, and the number of all."""
        ...

    def posture_counts(self, suites: Collection[SuiteId] | None) -> PostureCounts:
        """Sums over suites, or all."""
        ...

    def stale_scans(self, position: int, round_: int, limit: int) -> list[Stale]:
        """Packages that were compared with older knowledge, or never; in any order."""
        ...

    def stale_count(self, position: int, round_: int) -> int:
        """How many there are."""
        ...

    def index_texts(self, package_ids: Collection[PackageId], kind: str) -> Mapping[PackageId, bytes]:
        """The pieces of index text of a kind that packages contribute."""
        ...

    def news(self, limit: int) -> list[Scan]:
        """Scans with findings that nobody has acted on yet."""
        ...

    def open_rescans(self) -> list[int]:
        """Runs that ask every check again and have not ended."""
        ...

    def postures_of(self, package_ids: Collection[PackageId]) -> Iterator[Posture]:
        """Where some packages are or wait to be."""
        ...


class FindingWriting(FindingReading, Protocol):
    """What can be changed."""

    def keep_scans(self, scans: Sequence[tuple[Scan, Sequence[Finding]]]) -> None:
        """Replace what was known of some packages on shelves; those that are on none are left out."""
        ...

    def confirm_scans(
        self, suite_id: SuiteId, package_ids: Collection[PackageId], coverage: Coverage, now: datetime
    ) -> None:
        """Nothing that they are about has changed up to the position and round of this coverage."""
        ...

    def recall_scans(self, result: CheckResult) -> int:
        """Have packages with such an answer compared again; how many."""
        ...

    def settle_news(self, suite_id: SuiteId, package_id: PackageId, ids: Collection[str]) -> None:
        """Somebody has acted on these findings."""
        ...

    def note_steps(self, admission_id: int, steps: Sequence[Mapping[str, JsonValue]]) -> None:
        """What the checks say now, where they were asked again after the decision."""
        ...
