"""Lists and details of packages, for whoever may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cmp_to_key

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.decisions import DecisionFilter
from entrepot.adapters.catalog.findings import Scan
from entrepot.adapters.catalog.records import (
    Admission,
    AdmissionState,
    AuditEntry,
    PackageFilter,
    Placement,
    StoredPackage,
)
from entrepot.adapters.catalog.retention import Pin
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.finding import Finding
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import PackageId, Suite, SuiteId
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.domain.policy.permissions import Permission, demand, permitted
from entrepot.errors import NotFound

_HISTORY = 100
_MOST_APART = 1000


@dataclass(frozen=True, slots=True)
class Version:
    """One package file of a name: where it is live, and how it stands before suites that do not have it (yet)."""

    package: StoredPackage
    placements: Sequence[Placement]
    admissions: Sequence[Admission]
    suites: Mapping[SuiteId, Suite]
    pin: Pin | None = None
    admitted: Admission | None = None
    """The newest that let it in, with what the checks said then."""
    scan: Scan | None = None
    """What is known to be wrong with it, in the first of its suites."""
    findings: Sequence[Finding] = ()
    """Only where one version is asked for."""
    apart: bool = False
    """Nobody gets it."""

    @property
    def examined(self) -> Admission | None:
        """The admission whose checks speak for it: one that waits, or the one that let it in."""
        return self.admissions[0] if self.admissions else self.admitted

    @property
    def status(self) -> str:
        """In the words of the main API."""
        if self.apart:
            return "quarantined"
        if self.placements:
            return "validated"
        states = {admission.state for admission in self.admissions}
        if AdmissionState.HELD in states or AdmissionState.RECEIVED in states:
            return "pending_review"
        return "rejected"

    @property
    def distributions(self) -> list[str]:
        """Codenames of the suites it is live in, or asks for."""
        if self.placements:
            return sorted({placement.suite.codename for placement in self.placements})
        return sorted({self.suites[admission.suite_id].codename for admission in self.admissions})


@dataclass(frozen=True, slots=True)
class Artifact:
    """A name with its versions, newest first."""

    name: str
    versions: Sequence[Version]
    history: Sequence[AuditEntry] = ()


class Listings:
    """What there is."""

    def __init__(self, catalog: Catalog, formats: Mapping[Format, PackageFormat]) -> None:
        self._catalog = catalog
        self._formats = formats

    def packages(self, actor: Actor, wanted: PackageFilter, offset: int, limit: int) -> tuple[list[Placement], int]:
        """A page of live packages and the number of all."""
        demand(actor, Permission.PACKAGE_READ)
        with self._catalog.read() as reading:
            return reading.placement_page(wanted, offset, limit)

    def artifacts(self, actor: Actor, wanted: PackageFilter, offset: int, limit: int) -> tuple[list[Artifact], int]:
        """A page of names with their versions and the number of all."""
        demand(actor, Permission.PACKAGE_READ)
        with self._catalog.read() as reading:
            names, total = reading.name_page(wanted, offset, limit)
            versions = self._versions(reading, names, wanted)
            return [Artifact(name, versions[name]) for name in names if versions[name]], total

    def quarantined(self, actor: Actor, wanted: PackageFilter, offset: int, limit: int) -> tuple[list[Artifact], int]:
        """A page of names with versions that nobody gets, and the number of all; empty for who may not review."""
        demand(actor, Permission.PACKAGE_READ)
        if not permitted(actor, Permission.REVIEW_READ):
            return [], 0
        conditions = DecisionFilter(wanted, in_force=True, actions=(DecisionAction.QUARANTINE,))
        found: dict[str, dict[PackageId, Version]] = {}
        with self._catalog.read() as reading:
            decisions, _ = reading.decision_page(conditions, 0, _MOST_APART)
            numbers = reading.quarantined({one.package_id for one in decisions}).keys()
            suites = {suite.id: suite for suite in reading.suites(removed=True)}
            asked = reading.admissions_of(numbers)
            for package in reading.packages(numbers):
                own = [one for one in asked if one.package_id == package.id]
                version = Version(package, (), own, suites, apart=True)
                found.setdefault(package.key.name, {})[package.id] = version
        names = sorted(found)
        page = [
            Artifact(name, sorted(found[name].values(), key=cmp_to_key(self._order), reverse=True))
            for name in names[offset : offset + limit]
        ]
        return page, len(names)

    def artifact(self, actor: Actor, name: str) -> Artifact:
        """One name with its history.

        Raises:
            NotFound: nothing of that name is live or waits.
        """
        demand(actor, Permission.PACKAGE_READ)
        with self._catalog.read() as reading:
            versions = self._versions(reading, [name], PackageFilter())[name]
            if not versions:
                raise NotFound(f"there is no package {name[:200]}")
            versions[0] = _with_findings(reading, versions[0])
            return Artifact(name, versions, reading.audit_entries(_HISTORY, name))

    def version(
        self, actor: Actor, name: str, version: str, architecture: str | None, distribution: str | None
    ) -> tuple[Version, bool]:
        """One file of a version and whether it is the newest; the first that fits when several do.

        Raises:
            NotFound: there is none.
        """
        found = self.artifact(actor, name).versions
        fitting = [
            each
            for each in found
            if each.package.key.version == version
            and architecture in (None, each.package.key.architecture)
            and (distribution is None or distribution in each.distributions)
        ]
        if not fitting:
            raise NotFound(f"there is no package {name[:200]} {version[:100]}")
        with self._catalog.read() as reading:
            chosen = _with_findings(reading, fitting[0])
        return chosen, chosen.package.key.version == found[0].package.key.version

    def file(
        self, actor: Actor, name: str, version: str, architecture: str | None, distribution: str | None
    ) -> StoredPackage:
        """The file of a version, for downloading; one that is in no suite only for those who review.

        Raises:
            NotFound: there is none.
            PermissionDenied: it waits for review.
        """
        demand(actor, Permission.PACKAGE_READ)
        found, _ = self.version(actor, name, version, architecture, distribution)
        if not found.placements:
            demand(actor, Permission.REVIEW_READ)
        return found.package

    def _versions(self, reading: Reading, names: Sequence[str], wanted: PackageFilter) -> dict[str, list[Version]]:
        """Newest first, by name; a handful of questions to the catalog however many names there are."""
        found: dict[str, list[Version]] = {name: [] for name in names}
        if not names:
            return found
        exact = PackageFilter(names=tuple(names), architecture=wanted.architecture, format=wanted.format)
        placed: dict[PackageId, list[Placement]] = {}
        packages: dict[PackageId, StoredPackage] = {}
        for placement in reading.placements(exact):
            placed.setdefault(placement.package.id, []).append(placement)
            packages[placement.package.id] = placement.package
        waiting: dict[PackageId, list[Admission]] = {}
        for state in (AdmissionState.HELD, AdmissionState.RECEIVED):
            for admission in reading.admissions(exact, state):
                waiting.setdefault(admission.package_id, []).append(admission)
        packages |= {one.id: one for one in reading.packages(waiting.keys() - packages.keys())}
        admitted = {one.package_id: one for one in reading.admissions(exact, AdmissionState.ACCEPTED)}
        suites = {suite.id: suite for suite in reading.suites(removed=True)} if waiting else {}
        pins = reading.pins(list(packages))
        scans = {one.package_id: one for one in reversed(reading.scans(list(packages)))}
        for number, package in packages.items():
            version = Version(
                package,
                placed.get(number, ()),
                waiting.get(number, ()),
                suites,
                pins.get(number),
                admitted.get(number),
                scans.get(number),
            )
            found[package.key.name].append(version)
        for versions in found.values():
            versions.sort(key=lambda each: each.package.key.architecture)
            versions.sort(key=cmp_to_key(self._order), reverse=True)
        return found

    def _order(self, a: Version, b: Version) -> int:
        first, second = a.package.key, b.package.key
        if first.format is not second.format:
            return -1 if first.format > second.format else 1
        return self._formats[first.format].compare(first.version, second.version)


def _with_findings(reading: Reading, version: Version) -> Version:
    if version.scan is None or not version.scan.total:
        return version
    found = reading.findings(version.scan.suite_id, [version.package.id])
    return replace(version, findings=found.get(version.package.id, ()))
