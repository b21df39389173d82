"""Every check of the gate about a stored package, for services that ask again later."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import StoredPackage
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.gate import CheckOutcome
from entrepot.services.intake.checks.asking import ask
from entrepot.services.intake.checks.base import Check, Surroundings
from entrepot.services.intake.receipts import stored_subject


class Examiner:
    """The same checks as for an upload."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, checks: Sequence[Check]) -> None:
        self._around = Surroundings(catalog, blobs)
        self._checks = checks

    def slow(self) -> bool:
        """Whether a scanner is among them that takes its time."""
        return any(check.slow for check in self._checks)

    def examine(self, package: StoredPackage, suite: Suite, component: str) -> list[CheckOutcome]:
        """What all of them say now.

        Raises:
            ScannerUnavailable: one of them has to be asked again later.
        """
        return ask(stored_subject(package, suite, component), self._checks, self._around)
