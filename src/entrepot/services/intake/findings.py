"""What the check of vulnerabilities said, kept with the package."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from entrepot.adapters.catalog.base import Writing
from entrepot.adapters.catalog.findings import Scan
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.gate import CheckOutcome
from entrepot.services.intake.checks.cve import NAME


def keep_scan(
    unit: Writing, suite: Suite, package_id: PackageId, outcomes: Sequence[CheckOutcome], now: datetime
) -> None:
    """In the unit that lets the package in or has it wait; what is on no shelf is not kept."""
    for outcome in outcomes:
        if outcome.name == NAME:
            unit.keep_scans([(Scan.of(suite.id, package_id, outcome, now), outcome.findings)])
