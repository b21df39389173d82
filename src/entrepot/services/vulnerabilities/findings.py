"""What is known to be wrong with the packages here: lists, sums and single packages, for whoever may read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.decisions import DecisionFilter, StoredDecision
from entrepot.adapters.catalog.findings import (
    Posture,
    PostureCounts,
    PostureFilter,
    Scan,
    Vulnerability,
    VulnerabilityFilter,
)
from entrepot.adapters.catalog.records import Admission, AdmissionState, PackageFilter, StoredPackage
from entrepot.adapters.catalog.refusals import refused_findings
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.finding import Finding, FixState, Severity
from entrepot.domain.model.suite import DEFAULT_ARCHIVE, PackageId, Suite, SuiteId
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import NotFound, UnknownDistribution

LATEST = "latest"
_MOST_AFFECTED = 20
_MOST_PACKAGES = 200


@dataclass(frozen=True, slots=True)
class VulnerabilityReport:
    """A page of vulnerabilities, with sums about all of them; ``packages`` are the worst ones."""

    page: Sequence[Vulnerability]
    total: int
    counts: Mapping[Severity, int]
    postures: PostureCounts
    packages: Sequence[Posture]
    suites: Mapping[SuiteId, Suite]


@dataclass(frozen=True, slots=True)
class PostureReport:
    """A page of packages with what is known of each; ``present`` are those whose stored bytes are there.

    ``decisions`` are those in force about them.
    """

    page: Sequence[Posture]
    total: int
    sums: PostureCounts
    suites: Mapping[SuiteId, Suite]
    present: Collection[PackageId] = field(default_factory=frozenset)
    decisions: Mapping[tuple[PackageId, SuiteId], StoredDecision] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PackageFindings:
    """One package in one suite; without a scan it is on no shelf any more, or nobody was asked yet.

    ``refusal`` is the request of one that was kept out; scan and findings are of that day then.
    """

    package: StoredPackage
    suite: Suite
    scan: Scan | None
    findings: Sequence[Finding]
    refusal: Admission | None = None


class Vulnerabilities:
    """Reads what was kept; nothing is compared here."""

    def __init__(self, catalog: Catalog, blobs: BlobStore) -> None:
        self._catalog = catalog
        self._blobs = blobs

    def vulnerabilities(
        self,
        actor: Actor,
        distribution: str | None,
        severity: Severity | None,
        fix_state: FixState | None,
        offset: int,
        limit: int,
    ) -> VulnerabilityReport:
        """By severity, then CVSS; each with its first packages.

        Raises:
            UnknownDistribution: there is none of that name.
        """
        demand(actor, Permission.VULNERABILITY_READ)
        with self._catalog.read() as reading:
            chosen = _chosen(reading, distribution)
            suite_id = None if chosen is None else chosen[0]
            conditions = VulnerabilityFilter(suite_id, severity, fix_state)
            page, total = reading.vulnerability_page(conditions, offset, limit, _MOST_AFFECTED)
            worst, _ = reading.posture_page(PostureFilter(chosen, worst=Severity.UNKNOWN), 0, _MOST_PACKAGES)
            return VulnerabilityReport(
                page,
                total,
                reading.vulnerability_counts(suite_id),
                reading.posture_counts(chosen),
                worst,
                _suites(reading),
            )

    def postures(self, actor: Actor, distribution: str | None, offset: int, limit: int) -> PostureReport:
        """Every package, the worst first, with sums over all of them."""
        demand(actor, Permission.VULNERABILITY_READ)
        with self._catalog.read() as reading:
            chosen = _chosen(reading, distribution)
            page, total = reading.posture_page(PostureFilter(chosen), offset, limit)
            return self._report(reading, page, total, reading.posture_counts(chosen))

    def packages(
        self, actor: Actor, distribution: str | None, wanted: PostureFilter, offset: int, limit: int
    ) -> PostureReport:
        """Those of a distribution, or of all, that meet the conditions."""
        demand(actor, Permission.POSTURE_READ)
        with self._catalog.read() as reading:
            chosen = _chosen(reading, distribution)
            page, total = reading.posture_page(replace(wanted, suites=chosen), offset, limit)
            return self._report(reading, page, total, reading.posture_counts(chosen))

    def quarantined(self, actor: Actor, distribution: str | None, text: str, offset: int, limit: int) -> PostureReport:
        """What was put into quarantine, by distribution, the newest first; with what is still known of it."""
        demand(actor, Permission.POSTURE_READ)
        with self._catalog.read() as reading:
            chosen = _chosen(reading, distribution)
            apart = (DecisionAction.QUARANTINE,)
            wanted = DecisionFilter(PackageFilter(text=text), chosen, in_force=True, actions=apart)
            decisions, total = reading.decision_page(wanted, offset, limit)
            numbers = {one.package_id for one in decisions}
            stored = {one.id: one for one in reading.packages(numbers)}
            scans = {(one.package_id, one.suite_id): one for one in reading.scans(numbers)}
            page = [
                Posture(
                    stored[one.package_id],
                    one.suite_id,
                    waits=False,
                    added_at=one.decided_at,
                    scan=scans.get((one.package_id, one.suite_id)),
                    apart=True,
                )
                for one in decisions
            ]
            return self._report(reading, page, total, reading.posture_counts(chosen))

    def _report(self, reading: Reading, page: Sequence[Posture], total: int, sums: PostureCounts) -> PostureReport:
        present = {one.package.id for one in page if self._blobs.has(one.package.digest)}
        about = reading.decisions_about({one.package.id for one in page})
        in_force = {key: decision for key, decision in about.items() if decision.ended_at is None}
        return PostureReport(page, total, sums, _suites(reading), present, in_force)

    def package(
        self, actor: Actor, name: str, version: str, architecture: str | None, distribution: str | None
    ) -> PackageFindings:
        """One version; of several architectures or suites the first, one that has it before one that had it.

        Where no version is called ``latest``, it is the one that was sent last, whatever became of it.

        Raises:
            NotFound: there is none.
        """
        demand(actor, Permission.VULNERABILITY_READ)
        with self._catalog.read() as reading:
            return find_package(reading, name, version, architecture, distribution)


def find_package(
    reading: Reading, name: str, version: str, architecture: str | None, distribution: str | None
) -> PackageFindings:
    """As ``Vulnerabilities.package`` does; also for services that go on with it.

    Raises:
        NotFound: there is none.
    """
    wanted = PackageFilter(name=name, version=version, architecture=architecture or "")
    requests = reading.admissions(wanted)
    if not requests and version == LATEST:
        sent = reading.admissions(replace(wanted, version=""))
        if sent:
            version = reading.package(sent[-1].package_id).key.version
            return find_package(reading, name, version, architecture, distribution)
    numbers = {one.package_id for one in requests} | {one.package.id for one in reading.placements(wanted)}
    suites = _suites(reading)
    chosen = _chosen(reading, distribution)
    here = [one for one in reading.postures_of(numbers) if chosen is None or one.suite_id in chosen]
    if here:
        first = min(here, key=lambda one: (one.package.key.architecture, one.waits, one.suite_id))
        found = reading.findings(first.suite_id, [first.package.id]).get(first.package.id, [])
        return PackageFindings(first.package, suites[first.suite_id], first.scan, found)
    gone = [one for one in requests if chosen is None or one.suite_id in chosen]
    if not gone:
        where = f" in {distribution[:80]}" if distribution else ""
        raise NotFound(f"there is no package {name[:200]} {version[:100]} {architecture or ''}".rstrip() + where)
    last = gone[-1]
    package, suite = reading.package(last.package_id), suites[last.suite_id]
    if last.state is not AdmissionState.REFUSED:
        return PackageFindings(package, suite, None, [])
    return PackageFindings(package, suite, *refused_findings(reading, last), refusal=last)


def _suites(reading: Reading) -> dict[SuiteId, Suite]:
    return {suite.id: suite for suite in reading.suites(removed=True)}


def _chosen(reading: Reading, distribution: str | None) -> list[SuiteId] | None:
    """Suites of any format that ``[archive/]codename`` names."""
    if not distribution or distribution == "all":
        return None
    archive, slash, codename = distribution.partition("/")
    found = reading.suites_named(*((archive, codename) if slash else (DEFAULT_ARCHIVE, distribution)))
    if not found:
        raise UnknownDistribution(f"there is no distribution {distribution[:80]!r}", distribution=distribution[:80])
    return [suite.id for suite in found]
