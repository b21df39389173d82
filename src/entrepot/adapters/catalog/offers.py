"""The part of the port that solvers of dependencies ask."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from entrepot.adapters.catalog.records import StoredPackage
from entrepot.domain.dependencies.candidates import Candidate
from entrepot.domain.model.suite import SuiteId

_MULTI_ARCH = re.compile(rb"^multi-arch:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)


def candidate_of(package: StoredPackage, control: bytes, files: frozenset[str] = frozenset()) -> Candidate:
    """A package as a solver sees it."""
    facts = cast("Mapping[str, Any]", package.facts)
    match = _MULTI_ARCH.search(control)
    multi_arch = match[1].decode().lower() if match else ""
    return Candidate(package.id, package.key, facts.get("relations") or {}, multi_arch, files)


@dataclass(frozen=True, slots=True)
class Offer:
    """A live package that may offer a name: by being called so, or by what it provides; ``control`` is its stanza."""

    name: str
    package: StoredPackage
    control: bytes

    def candidate(self) -> Candidate:
        """As a solver sees it; a path that it was found by is among its files."""
        return candidate_of(self.package, self.control, frozenset({self.name} if self.name.startswith("/") else ()))


class OfferReading(Protocol):
    """Who offers what."""

    def offers(self, suite_id: SuiteId, names: Collection[str]) -> list[Offer]:
        """For package names, capabilities and paths."""
        ...

    def control_of(self, package: StoredPackage) -> bytes:
        """The stanza of a .deb; nothing for others."""
        ...
