"""The part of the port that solvers of dependencies ask."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from entrepot.adapters.catalog.records import StoredPackage
from entrepot.domain.model.suite import SuiteId


@dataclass(frozen=True, slots=True)
class Offer:
    """A live package that may offer a name: by being called so, or by what it provides; ``control`` is its stanza."""

    name: str
    package: StoredPackage
    control: bytes


class OfferReading(Protocol):
    """Who offers what."""

    def offers(self, suite_id: SuiteId, names: Collection[str]) -> list[Offer]:
        """For package names, capabilities and paths."""
        ...

    def control_of(self, package: StoredPackage) -> bytes:
        """The stanza of a .deb; nothing for others."""
        ...
