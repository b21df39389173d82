"""A package and where it stands, as an item of a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.contents import Place
from entrepot.adapters.catalog.records import AdmissionState, PackageFilter, StoredPackage
from entrepot.domain.model.component import Composition
from entrepot.domain.model.suite import Suite
from entrepot.domain.sbom.items import Item, Ref
from entrepot.domain.sbom.purls import package_purl
from entrepot.errors import NotFound


@dataclass(frozen=True, slots=True)
class Asked:
    """Which package file; the first that fits where several do."""

    name: str
    version: str
    architecture: str | None = None
    distribution: str | None = None


@dataclass(frozen=True, slots=True)
class Stand:
    """A package in a suite, or before one; ``number`` is that of its stay, or of its request."""

    package: StoredPackage
    suite: Suite
    number: int
    at: datetime
    waits: bool = False


def find_stand(reading: Reading, asked: Asked) -> Stand:
    """Where a package is; one that waits for a suite counts only if it is in none that was asked for.

    Raises:
        NotFound: there is none.
    """
    wanted = PackageFilter(name=asked.name, version=asked.version, architecture=asked.architecture or "")
    placements = [one for one in reading.placements(wanted) if _fits(one.suite, asked.distribution)]
    if placements:
        first = placements[0]
        [place] = reading.shown_places(first.suite.id, first.suite.revision, [first.package.id])
        return Stand(first.package, first.suite, place.number, first.added_at)
    for state in (AdmissionState.HELD, AdmissionState.RECEIVED):
        for admission in reading.admissions(wanted, state):
            suite = reading.suite(admission.suite_id)
            if _fits(suite, asked.distribution):
                package = reading.package(admission.package_id)
                return Stand(package, suite, admission.id, admission.requested_at, waits=True)
    where = f" in {asked.distribution[:80]}" if asked.distribution else ""
    raise NotFound(f"there is no package {asked.name[:200]} {asked.version[:100]}{where}")


def _fits(suite: Suite, distribution: str | None) -> bool:
    return distribution in (None, "", "all", suite.codename, suite.full_name)


def ref_of(suite: Suite, place: Place) -> Ref:
    """What names it in documents."""
    return Ref(suite.full_name, place.key, place.number)


def item_of(stand: Stand, composition: Composition | None, needs: Sequence[Place] = ()) -> Item:
    """As documents take it; without an composition nobody has looked into it."""
    package = stand.package
    facts = cast("Mapping[str, Any]", package.facts)
    licence = str(facts.get("license") or "")
    return Item(
        ref=Ref(stand.suite.full_name, package.key, stand.number),
        purl=package_purl(package.key, stand.suite, package.source),
        source=package.source,
        filename=package.filename,
        size_bytes=package.size_bytes,
        sha256=package.digest,
        sha512=package.sha512,
        summary=package.summary,
        description=str(facts.get("description") or ""),
        supplier=str(facts.get("maintainer") or ""),
        licences=[licence] if licence else [],
        homepage=str(facts.get("homepage") or ""),
        received_at=package.received_at,
        components=composition.components if composition else (),
        looked_into=composition is not None,
        notes=composition.notes if composition else (),
        needs=[ref_of(stand.suite, place) for place in needs],
    )


def dependency_of(stand: Stand) -> Item:
    """As something that another package needs: what it carries itself is in its own document."""
    return replace(item_of(stand, None), role="dependency")
