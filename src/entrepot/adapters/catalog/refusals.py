"""What was found in a package that came to no shelf: it is kept with the steps of its request, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, cast

from entrepot.adapters.catalog.advisories import AdvisoryReading
from entrepot.adapters.catalog.findings import Scan, exploited
from entrepot.adapters.catalog.records import Admission, JsonValue
from entrepot.domain.model.finding import SEVERITIES, Coverage, Finding, FixState, Severity
from entrepot.domain.policy.gate import CheckOutcome, CheckResult

MOST_FINDINGS = 50
_CHECKS = ("cve", "grype")


def worst_to_json(findings: Sequence[Finding]) -> list[JsonValue]:
    """The worst, to be kept with a step."""
    ordered = sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), -(one.cvss or 0.0), one.id))
    return [_finding_row(one) for one in ordered[:MOST_FINDINGS]]


def _finding_row(finding: Finding) -> dict[str, JsonValue]:
    at = finding.published_at
    row = {**asdict(finding), "published_at": at.isoformat() if at else None, "summary": finding.summary[:500]}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()}


def _finding_of(row: Mapping[str, Any]) -> Finding:
    lists = {name: tuple(row[name]) for name in ("fix_versions", "aliases", "urls")}
    at = row["published_at"]
    known = {name: value for name, value in row.items() if name in Finding.__dataclass_fields__}
    return Finding(
        **{
            **known,
            **lists,
            "severity": Severity(row["severity"]),
            "fix_state": FixState(row["fix_state"]),
            "published_at": datetime.fromisoformat(at) if at else None,
        }
    )


def coverage_row(coverage: Coverage) -> dict[str, JsonValue]:
    """As it is kept with a step."""
    date = coverage.database_date
    return {**asdict(coverage), "skipped": list(coverage.skipped), "database_date": date.isoformat() if date else None}


def coverage_of(row: Mapping[str, JsonValue] | None) -> Coverage | None:
    """The reverse."""
    if row is None:
        return None
    known = {name: value for name, value in row.items() if name in Coverage.__dataclass_fields__}
    date = known.pop("database_date", None)
    skipped = tuple(str(one) for one in cast("list[str]", known.pop("skipped", None) or []))
    fields = cast("dict[str, Any]", known)
    return Coverage(skipped=skipped, database_date=datetime.fromisoformat(str(date)) if date else None, **fields)


def refused_findings(reading: AdvisoryReading, request: Admission) -> tuple[Scan | None, list[Finding]]:
    """What the checks of vulnerabilities said of it; no scan where they were not asked."""
    steps = [step for step in request.steps if step["name"] in _CHECKS]
    found = {one.id: one for step in reversed(steps) for one in _kept(step)}
    known = reading.exploitation(found.keys())
    findings = [exploited(one, known.get(one.id)) for one in found.values()]
    if not steps:
        return None, findings
    findings.sort(key=lambda one: (SEVERITIES.index(one.severity), -(one.cvss or 0.0), one.id))
    first = next((step for step in steps if step.get("counts")), steps[0])
    outcome = CheckOutcome(
        str(first["name"]),
        CheckResult(str(first["result"])),
        str(first["message"]),
        findings=tuple(findings),
        coverage=coverage_of(cast("Mapping[str, JsonValue] | None", first.get("coverage"))),
    )
    scan = Scan.of(request.suite_id, request.package_id, outcome, request.decided_at or request.requested_at)
    counts = cast("Mapping[str, int]", first.get("counts") or {})
    if sum(counts.values()) > scan.total:
        scan = replace(scan, counts={severity: counts.get(severity.value, 0) for severity in SEVERITIES})
    return scan, findings


def _kept(step: Mapping[str, JsonValue]) -> list[Finding]:
    """Those that were kept; of a request that an earlier version took, what the policy named."""
    rows = cast("Sequence[Mapping[str, Any]]", step.get("findings") or [])
    if rows:
        return [_finding_of(row) for row in rows]
    named = cast("Sequence[Mapping[str, str]]", step.get("policy") or [])
    return [
        Finding(one["finding"], Severity.UNKNOWN, "", "", summary=one["message"]) for one in named if one.get("finding")
    ]
