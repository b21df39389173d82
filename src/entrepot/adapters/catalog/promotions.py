"""The part of the port about packages that go from suite to suite."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from entrepot.adapters.catalog.records import Admission, JsonValue, Placement
from entrepot.domain.model.suite import PackageId, SuiteId


class PromotionState(StrEnum):
    """What became of a promotion that did not simply happen."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class StoredPromotion:
    """Packages that ask for another suite, bound to their bytes by ``packages``; ``verdict`` is the one at request."""

    id: int
    source_id: SuiteId
    target_id: SuiteId
    name: str
    version: str
    packages: Sequence[PackageId]
    state: PromotionState
    verdict: Mapping[str, JsonValue]
    justification: str
    requested_by: str
    requested_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision: str = ""


class PromotionReading(Protocol):
    """Promotions, and what they are made of."""

    def promotion_page(
        self, state: PromotionState | None, offset: int, limit: int
    ) -> tuple[list[StoredPromotion], int]:
        """Newest first, and the number of all."""
        ...

    def promotion(self, promotion_id: int) -> StoredPromotion:
        """Raises ``NotFound``."""
        ...

    def open_promotions(self, target_id: SuiteId, name: str) -> list[StoredPromotion]:
        """Undecided ones of a name."""
        ...

    def shelved_in(self, suite_id: SuiteId, names: Collection[str] | None = None) -> list[tuple[PackageId, str]]:
        """Live packages of a suite with their names, by name; narrow, so that all fit into memory."""
        ...

    def live_among(self, suite_id: SuiteId, package_ids: Collection[PackageId]) -> set[PackageId]:
        """Which of these a suite holds."""
        ...

    def placements_of(self, suite_id: SuiteId, package_ids: Collection[PackageId]) -> list[Placement]:
        """Live packages of a suite by id; in any order."""
        ...

    def admissions_of(self, package_ids: Collection[PackageId]) -> list[Admission]:
        """Every request that these packages ever made, oldest first."""
        ...


class PromotionWriting(PromotionReading, Protocol):
    """And their changes."""

    def add_promotion(self, promotion: StoredPromotion) -> int:
        """A new one; its ``id`` is ignored."""
        ...

    def restate_promotion(self, promotion_id: int, verdict: Mapping[str, JsonValue]) -> None:
        """Another verdict of a pending one."""
        ...

    def decide_promotion(
        self, promotion_id: int, state: PromotionState, decided_by: str, now: datetime, decision: str
    ) -> bool:
        """Move a pending one on; false when somebody else did first."""
        ...
