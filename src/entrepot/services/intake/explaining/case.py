"""All that is written down about one package and one suite, read in one unit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from entrepot.adapters.catalog.auditing import AuditFilter
from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.contents import Sojourn
from entrepot.adapters.catalog.decisions import DecisionFilter, HeldPackage, Quarantine, StoredDecision
from entrepot.adapters.catalog.findings import Scan
from entrepot.adapters.catalog.naming import find_suite, find_suites
from entrepot.adapters.catalog.promotions import StoredPromotion
from entrepot.adapters.catalog.records import Admission, AdmissionState, AuditEntry, PackageFilter, StoredPackage
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.finding import Finding
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import PackageId, Suite, SuiteId
from entrepot.errors import NotFound

_HISTORY, _PUBLICATIONS, _MOST = 500, 50, 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked about."""

    name: str
    version: str
    architecture: str | None = None
    distribution: str | None = None

    def __str__(self) -> str:
        parts = (self.name[:200], self.version[:200], self.architecture)
        return " ".join(part[:200] for part in parts if part)


@dataclass(frozen=True, slots=True)
class Shown:
    """The first generation that had it."""

    generation: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """Lists are oldest first; ``asked`` is the request whose checks speak for the package, maybe of another suite."""

    package: StoredPackage
    suite: Suite
    now: datetime
    stays: Sequence[Sojourn] = ()
    requests: Sequence[Admission] = ()
    asked: Admission | None = None
    asked_in: str = ""
    waiting: HeldPackage | None = None
    shown: Shown | None = None
    scan: Scan | None = None
    findings: Sequence[Finding] = ()
    decisions: Sequence[StoredDecision] = ()
    quarantine: Quarantine | None = None
    promotions: Sequence[StoredPromotion] = ()
    history: Sequence[AuditEntry] = ()
    newer: Sequence[str] = ()
    phase: int | None = None
    others: Sequence[StoredPackage] = ()
    suites: Mapping[SuiteId, Suite] = field(default_factory=dict)

    @property
    def live(self) -> Sojourn | None:
        """Its place in the suite."""
        return next((one for one in self.stays if one.removed_revision is None), None)

    @property
    def visible(self) -> bool:
        """Whether clients of the suite are offered it at this moment."""
        revision = self.suite.published_revision
        return self.suite.generation_id is not None and any(
            one.added_revision <= revision and (one.removed_revision is None or one.removed_revision > revision)
            for one in self.stays
        )

    @property
    def decision(self) -> StoredDecision | None:
        """The one in force."""
        return next((one for one in self.decisions if one.ended_at is None), None)


def read(reading: Reading, wanted: Wanted, order: Callable[[PackageKey], PackageFormat], now: datetime) -> Case:
    """The package that is meant: one that is there before one that waits, and that before one that was refused.

    Raises:
        NotFound: it never came near that suite; the sentence says where it is.
        UnknownDistribution: there is no such suite.
    """
    conditions = PackageFilter(name=wanted.name, version=wanted.version, architecture=wanted.architecture or "")
    known = {one.id: one for one in reading.packages_keyed(conditions)}
    suites = {suite.id: suite for suite in reading.suites(removed=True)}
    stays, requests = reading.sojourns(known), reading.admissions_of(known)
    nearby = {suite.id for suite in _meant(reading, wanted.distribution)} or suites.keys()
    chosen = _chosen(reading, wanted, known, nearby, (stays, requests))
    if chosen is None:
        raise NotFound(_elsewhere(reading, wanted, known, suites, stays))
    package, suite = known[chosen[0]], suites[chosen[1]]
    own = [one for one in stays if one.package_id == package.id]
    there = [one for one in own if one.suite_id == suite.id]
    before = [one for one in requests if one.package_id == package.id]
    here = [one for one in before if one.suite_id == suite.id]
    asked = (here or before)[-1] if before else None
    return Case(
        package=package,
        suite=suite,
        now=now,
        stays=there,
        requests=here,
        asked=asked,
        asked_in=suites[asked.suite_id].codename if asked else "",
        waiting=reading.held(here[-1].id) if here else None,
        shown=_first_shown(reading, suite, there[-1]) if there else None,
        scan=reading.scan(suite.id, package.id),
        findings=reading.findings(suite.id, [package.id]).get(package.id, ()),
        decisions=_decisions(reading, package, suite),
        quarantine=reading.quarantined([package.id]).get(package.id),
        promotions=_asking(reading, suite.id, package),
        history=_history(reading, package, suite),
        newer=_newer(reading, package.key, suite, order(package.key)),
        phase=reading.phases(suite.id).get(package.id),
        others=[one for one in known.values() if one.key == package.key and one.id != package.id],
        suites=suites,
    )


def _meant(reading: Reading, distribution: str | None) -> list[Suite]:
    return [] if distribution is None else find_suites(reading, distribution) or [find_suite(reading, distribution)]


def _chosen(
    reading: Reading,
    wanted: Wanted,
    known: Mapping[PackageId, StoredPackage],
    nearby: Collection[SuiteId],
    written: tuple[Sequence[Sojourn], Sequence[Admission]],
) -> tuple[PackageId, SuiteId] | None:
    stays, requests = written
    ranks: dict[tuple[PackageId, SuiteId], int] = {}

    def note(package_id: PackageId, suite_id: SuiteId, rank: int) -> None:
        if suite_id in nearby and package_id in known:
            ranks[package_id, suite_id] = min(rank, ranks.get((package_id, suite_id), rank))

    for stay in stays:
        note(stay.package_id, stay.suite_id, 0 if stay.removed_revision is None else 3)
    for one in requests:
        note(one.package_id, one.suite_id, 1 if one.state in (AdmissionState.HELD, AdmissionState.RECEIVED) else 2)
    for suite_id in nearby:
        for promotion in reading.open_promotions(suite_id, wanted.name):
            for number in promotion.packages:
                note(number, suite_id, 1)
    return min(ranks, key=lambda each: (ranks[each], -each[0], each[1]), default=None)


def _elsewhere(
    reading: Reading,
    wanted: Wanted,
    known: Mapping[PackageId, StoredPackage],
    suites: Mapping[SuiteId, Suite],
    stays: Sequence[Sojourn],
) -> str:
    """Where it is, when it is not where somebody looked."""
    asked = f"{wanted} never came to {wanted.distribution[:80]}" if wanted.distribution else f"nobody sent {wanted}"
    places = sorted({suites[one.suite_id].codename for one in stays if one.removed_revision is None})
    if places:
        return f"{asked}; it is in {', '.join(places[:_MOST])}"
    waits = sorted({suites[one.suite_id].codename for one in reading.admissions_of(known)})
    if waits:
        return f"{asked}; it was sent to {', '.join(waits[:_MOST])}"
    same = reading.packages_keyed(PackageFilter(name=wanted.name))
    versions = sorted({f"{one.key.version} {one.key.architecture}" for one in same})
    return f"{asked}; known are {', '.join(versions[:_MOST])}" if versions else f"{asked}, nor another version of it"


def _first_shown(reading: Reading, suite: Suite, stay: Sojourn) -> Shown | None:
    if suite.published_revision < stay.added_revision:
        return None
    kept = [one for one in reading.generations(suite.id) if one.revision >= stay.added_revision]
    if kept and (kept[-1].number == 1 or len(kept) < len(reading.generations(suite.id))):
        return Shown(kept[-1].number, kept[-1].published_at)
    # Generations are forgotten in time; the log keeps when each was put in force.
    published = AuditFilter(action="PUBLISH", suite=suite.codename, start=stay.added_at)
    for one in reading.audit_page(published, 0, _PUBLICATIONS, reading.audit_head().number, ascending=True):
        detail = one.entry.detail
        revision, number = detail.get("revision"), detail.get("generation")
        known = isinstance(revision, int) and isinstance(number, int) and detail.get("suite_id") == suite.id
        if known and cast("int", revision) >= stay.added_revision:
            return Shown(cast("int", number), one.entry.at)
    return Shown(kept[-1].number, kept[-1].published_at) if kept else None


def _decisions(reading: Reading, package: StoredPackage, suite: Suite) -> list[StoredDecision]:
    key = package.key
    about = PackageFilter(name=key.name, version=key.version, architecture=key.architecture)
    found, _ = reading.decision_page(DecisionFilter(about), 0, _MOST * 5)
    return [one for one in found if one.package_id == package.id and one.suite_id == suite.id][::-1]


def _asking(reading: Reading, suite_id: SuiteId, package: StoredPackage) -> list[StoredPromotion]:
    return [one for one in reading.open_promotions(suite_id, package.key.name) if package.id in one.packages]


def _history(reading: Reading, package: StoredPackage, suite: Suite) -> list[AuditEntry]:
    found = reading.audit_entries(_HISTORY, package.key.name)
    return [one for one in reversed(found) if _about(one, package, suite)]


def _about(entry: AuditEntry, package: StoredPackage, suite: Suite) -> bool:
    detail = entry.detail
    named = detail.get("distributions")
    where = entry.suite in (suite.codename, None) if not isinstance(named, list) else suite.codename in named
    return (
        where
        and entry.version == package.key.version
        and detail.get("architecture") in (None, package.key.architecture)
        and detail.get("sha256") in (None, package.digest)
    )


def _newer(reading: Reading, key: PackageKey, suite: Suite, format_: PackageFormat) -> list[str]:
    live = reading.placements(PackageFilter(name=key.name, architecture=key.architecture, format=key.format))
    return [
        one.package.key.version
        for one in live
        if one.suite.id == suite.id and format_.compare(one.package.key.version, key.version) > 0
    ]
