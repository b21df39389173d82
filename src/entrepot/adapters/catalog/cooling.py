"""The part of the port about what waits for time to pass."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.promotions import StoredPromotion
from entrepot.adapters.catalog.records import Admission
from entrepot.domain.model.suite import SuiteId


class CoolingReading(Protocol):
    """Found by the codes of what held them."""

    def cooling_admissions(self, suite_id: SuiteId, received_until: datetime, limit: int) -> list[int]:
        """Held because of their age, of packages that came here until then; oldest first."""
        ...

    def held_admissions(self, suite_id: SuiteId, after: int, limit: int) -> list[Admission]:
        """Whatever waits for a person before a suite, behind an id."""
        ...

    def cooling_promotions(self, after: int, limit: int) -> list[StoredPromotion]:
        """Pending because of the age of a package, behind an id."""
        ...
