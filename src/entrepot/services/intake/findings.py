"""What the checks of vulnerabilities said, kept with the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from entrepot.adapters.catalog.base import Reading, Writing
from entrepot.adapters.catalog.findings import Scan
from entrepot.domain.advisories.engines import GRYPE, engines_of
from entrepot.domain.model.suite import PackageId, Suite, SuiteId
from entrepot.domain.policy.gate import CheckOutcome
from entrepot.domain.policy.scanned import combined


def keep_scan(
    unit: Writing, suite: Suite, package_id: PackageId, outcomes: Sequence[CheckOutcome], now: datetime
) -> None:
    """In the unit that lets the package in or has it wait; what is on no shelf is not kept."""
    outcome = combined(outcomes)
    if outcome is not None:
        unit.keep_scans([(Scan.of(suite.id, package_id, outcome, now), outcome.findings)])


def recalled(reading: Reading, suite_id: SuiteId, package_id: PackageId, outcome: CheckOutcome) -> CheckOutcome:
    """An answer of the second engine that was kept, with what it had found: that lies with the package."""
    if outcome.name != GRYPE or outcome.findings or not any(outcome.counted().values()):
        return outcome
    kept = reading.findings(suite_id, [package_id]).get(package_id, [])
    found = tuple(replace(one, engine=GRYPE) for one in kept if GRYPE in engines_of(one.engine))
    return replace(outcome, findings=found)
