"""From "may be published" to "is in the suite": the rows that change together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from entrepot.adapters.catalog.base import Reading, Writing
from entrepot.adapters.catalog.records import Admission, AdmissionState, PackageFilter, Placing, StoredPackage
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.permissions import demand_suite
from entrepot.errors import CatalogConflict, PackageQuarantined, SameKeyOtherBytes
from entrepot.services.intake.targets import refuse_verbatim

T = TypeVar("T")
_TRIES = 5


def repeat_lost_races(attempt: Callable[[], T]) -> T:
    """Run a unit again when another one changed the same rows first."""
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except CatalogConflict:
            continue
    return attempt()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored package about to be placed."""

    id: PackageId
    key: PackageKey
    source: str
    digest: Digest

    @staticmethod
    def of(package: StoredPackage) -> Candidate:
        """From the catalog."""
        return Candidate(package.id, package.key, package.source, package.digest)


def check_key(reading: Reading, suite: Suite, key: PackageKey, digest: Digest) -> bool:
    """Whether this archive knows the key already; other bytes under it are refused, even if it was deleted since.

    Raises:
        SameKeyOtherBytes: with both digests.
    """
    before = reading.claimed(suite.archive.id, key)
    if before is not None and before.digest != digest:
        raise SameKeyOtherBytes(
            f"{key} is known with other content; a version never changes once it came in: build a new version",
            incoming_sha256=digest,
            existing_sha256=before.digest,
        )
    return before is not None


def place(
    unit: Writing,
    suite: Suite,
    format_: PackageFormat,
    candidate: Candidate,
    component: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Put a stored package into a suite; the revision that contains it.  The caller asked the gate.

    Raises:
        SameKeyOtherBytes: the archive knows the version with other content.
        PermissionDenied: the suite is outside the scope of the actor's API token.
        PackageQuarantined: nobody gets these bytes.
        VerbatimSuite: the suite is signed by its upstream.
    """
    demand_suite(actor, suite)
    refuse_verbatim(suite)
    revision = unit.touch_suite(suite.id)
    if unit.quarantined([candidate.id]):
        raise PackageQuarantined(f"{candidate.key} is in quarantine; a decision can release it")
    if not check_key(unit, suite, candidate.key, candidate.digest):
        unit.claim(suite.archive.id, candidate.key, candidate.id)
    tree = format_.tree(candidate.key.architecture)
    if tree not in (*suite.options.architectures, format_.independent):
        current = unit.suite(suite.id).options
        if tree not in current.architectures:
            revision = unit.change_suite(suite.id, replace(current, architectures=(*current.architectures, tree)))
    path = _pool_path(unit, suite, format_, candidate, component)
    unit.place(suite.id, Placing(candidate.id, candidate.key, component, tree, path), revision, actor, now)
    if unit.quarantined([candidate.id]):  # whoever seized the package came first, and this unit waited for them
        raise CatalogConflict("the package was put into quarantine at this moment")
    return revision


def _pool_path(unit: Writing, suite: Suite, format_: PackageFormat, candidate: Candidate, component: str) -> str:
    for apart in ("", candidate.digest[:16]):
        path = format_.pool_path(candidate.key, candidate.source, component, apart=apart)
        owner = unit.pool_owner(suite.archive.id, path)
        if owner is None:
            unit.take_pool_path(suite.archive.id, path, candidate.id)
        if owner in (None, candidate.id):
            break
    return path


def open_admission(reading: Reading, suite: Suite, package_id: PackageId, key: PackageKey) -> Admission | None:
    """The package's request for the suite that nobody has decided yet."""
    wanted = PackageFilter(name=key.name, version=key.version, architecture=key.architecture, suite=suite.codename)
    for state in (AdmissionState.RECEIVED, AdmissionState.HELD):
        for admission in reading.admissions(wanted, state):
            if admission.package_id == package_id and admission.suite_id == suite.id:
                return admission
    return None


def live_in(unit: Writing, suite: Suite, package_id: PackageId, key: PackageKey) -> bool:
    """Whether the package is in the suite now."""
    wanted = PackageFilter(name=key.name, version=key.version, architecture=key.architecture, suite=suite.codename)
    return any(
        placement.package.id == package_id and placement.suite.id == suite.id for placement in unit.placements(wanted)
    )
