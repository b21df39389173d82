"""Pins: versions that retention never takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.records import AuditEntry, PackageFilter
from entrepot.adapters.catalog.retention import Pin
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import PackageKey
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import NotFound


@dataclass(frozen=True, slots=True)
class Chosen:
    """Files of one version; ``changed`` is false when they were as asked for already."""

    keys: Sequence[PackageKey]
    changed: bool


class Pins:
    """A pin is on the file: it holds in every suite, and until it is taken off."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    def pin(self, actor: Actor, name: str, version: str, architecture: str | None, reason: str) -> Chosen:
        """Every file of a version that is in a suite, or the one of an architecture.

        Raises:
            NotFound: none is in a suite.
        """
        demand(actor, Permission.PACKAGE_PIN)
        now = self._now()
        with self._catalog.write() as unit:
            found = {
                place.package.id: place.package for place in unit.placements(_exactly(name, version, architecture))
            }
            if not found:
                raise NotFound(f"there is no package {name[:200]} {version[:100]}")
            new = [number for number in found if unit.pin(Pin(number, reason, actor.name, now))]
            for number in new:
                self._note(unit, actor, "PIN", found[number].key, reason)
        return Chosen(sorted(package.key for package in found.values()), bool(new))

    def unpin(self, actor: Actor, name: str, version: str, architecture: str | None) -> Chosen:
        """Every pinned file of a version, or the one of an architecture.

        Raises:
            NotFound: there is no such version, in no suite and under no pin.
        """
        demand(actor, Permission.PACKAGE_PIN)
        wanted = _exactly(name, version, architecture)
        with self._catalog.write() as unit:
            pinned = [unit.package(number) for number in unit.pinned_packages(wanted)]
            known = pinned or [place.package for place in unit.placements(wanted)]
            if not known:
                raise NotFound(f"there is no package {name[:200]} {version[:100]}")
            for package in pinned:
                unit.unpin(package.id)
                self._note(unit, actor, "UNPIN", package.key, "")
        return Chosen(sorted({package.key for package in known}), bool(pinned))

    def _note(self, unit: Writing, actor: Actor, action: str, key: PackageKey, reason: str) -> None:
        detail = {"architecture": key.architecture, "reason": reason}
        unit.audit(AuditEntry(action, "SUCCESS", actor, self._now(), key.name, key.version, detail=detail))


def _exactly(name: str, version: str, architecture: str | None) -> PackageFilter:
    return PackageFilter(name=name, version=version, architecture=architecture or "")
