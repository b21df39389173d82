"""What is known to be wrong with packages, in the main API's words (contract 4.2, 4.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from entrepot.adapters.catalog.decisions import StoredDecision
from entrepot.adapters.catalog.findings import Affected, Posture, Scan, Vulnerability
from entrepot.adapters.catalog.records import Admission
from entrepot.domain.model.finding import SEVERITIES, Coverage, Finding, FixState, Severity
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.domain.policy.priority import epss_label, priority_label, priority_of
from entrepot.services.vulnerabilities.findings import PackageFindings, PostureReport, VulnerabilityReport

Body = dict[str, Any]

_LISTED = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.NEGLIGIBLE)
_SCANNED = (CheckResult.CLEAN, CheckResult.FINDINGS)
_ACTIONS = {
    "validated": ["view_cve", "quarantine"],
    "pending_review": ["view_cve", "accept", "quarantine"],
    "quarantined": ["view_cve", "accept"],
}


def counts_row(counts: Mapping[Severity, int]) -> Body:
    """Every severity by name."""
    return {severity.value: counts.get(severity, 0) for severity in SEVERITIES}


def cve_row(finding: Finding, format_: Format) -> Body:
    """The CVE object of contract 4.2; ``null`` where nobody has told."""
    priority = priority_of(finding)
    return {
        "id": finding.id,
        "severity": finding.severity.value.capitalize(),
        "cvss": finding.cvss,
        "cvss_vector": finding.cvss_vector or None,
        "description": finding.summary,
        "package_name": finding.package,
        "package_version": finding.version,
        "package_type": finding.component.partition("/")[0].removeprefix("pkg:") or format_.value,
        "component": finding.component or None,
        "scan_source": finding.engine or None,
        "fix_state": finding.fix_state.value,
        "fix_versions": list(finding.fix_versions),
        "urls": list(finding.urls),
        "aliases": list(finding.aliases),
        "published_at": None if finding.published_at is None else finding.published_at.isoformat(),
        **_likelihood(finding),
        "trurisk": priority,
        "trurisk_label": priority_label(priority),
    }


def _likelihood(finding: Finding) -> Body:
    return {
        "in_kev": finding.in_kev,
        "epss": finding.epss,
        "epss_percent": None if finding.epss is None else round(finding.epss * 100, 2),
        "epss_percentile": finding.epss_percentile,
        "epss_label": epss_label(finding.epss),
    }


def cve_summary(scan: Scan | None) -> Body:
    """``cve_summary`` of a stored package; passed is what was scanned to the end without a finding."""
    if scan is None:
        return summary_of(CheckResult.SKIPPED, {})
    return summary_of(scan.result, scan.counts)


def summary_of(result: CheckResult, counts: Mapping[Severity, int]) -> Body:
    """``cve_summary`` of an answer.  ``result`` tells apart what ``passed`` cannot: nothing found, and not asked."""
    return {
        "scanned": result in _SCANNED,
        "passed": result in (CheckResult.CLEAN, CheckResult.SKIPPED),
        "result": result.value,
        **{severity.value: counts.get(severity, 0) for severity in _LISTED},
        "unknown": counts.get(Severity.UNKNOWN, 0),
    }


def scan_word(outcome: CheckOutcome | None, *, refused: bool) -> str:
    """``pipeline.cve_scan`` of an upload."""
    if outcome is None:
        return "skipped"
    match outcome.result:
        case CheckResult.CLEAN:
            return "no_findings"
        case CheckResult.FINDINGS:
            return "blocked" if refused else "findings"
        case CheckResult.SKIPPED:
            return "skipped"
        case _:
            return "error"


def vulnerability_body(report: VulnerabilityReport, page: int, per_page: int) -> Body:
    """``GET /security/vulnerabilities``."""
    return {
        "summary": counts_row(report.counts),
        "packages_scanned": report.postures.scanned,
        "vulnerabilities": _page(
            [_vulnerability(one, report.suites) for one in report.page], report.total, page, per_page
        ),
        "packages": [
            {
                "name": one.package.key.name,
                "version": one.package.key.version,
                "arch": one.package.key.architecture,
                "distribution": report.suites[one.suite_id].codename,
                **counts_row({} if one.scan is None else one.scan.counts),
            }
            for one in report.packages
        ],
    }


def _vulnerability(one: Vulnerability, suites: Mapping[SuiteId, Suite]) -> Body:
    finding = one.finding
    priority = priority_of(finding)
    return {
        "id": finding.id,
        "severity": finding.severity.value.capitalize(),
        "cvss": finding.cvss,
        "description": finding.summary,
        "fix_state": finding.fix_state.value,
        "fix_versions": list(finding.fix_versions),
        "urls": list(finding.urls),
        "aliases": list(finding.aliases),
        **_likelihood(finding),
        "trurisk": priority,
        "trurisk_label": priority_label(priority),
        "affected_count": one.affected_count,
        "affected_packages": [_affected(each, suites) for each in one.affected],
    }


def _affected(one: Affected, suites: Mapping[SuiteId, Suite]) -> Body:
    return {
        "name": one.name,
        "version": one.package_version,
        "arch": one.architecture,
        "distribution": suites[one.suite_id].codename,
        "package_name": one.finding.package,
        "package_version": one.finding.version,
        "severity": one.finding.severity.value.capitalize(),
        "fix_state": one.finding.fix_state.value,
        "fix_versions": list(one.finding.fix_versions),
    }


def posture_body(report: PostureReport, page: int, per_page: int) -> Body:
    """``GET /security/packages-posture``."""
    rows, sums = posture_rows(report), report.sums
    return {
        "summary": counts_row(sums.counts),
        "total_packages": sums.total,
        "scanned_packages": sums.scanned,
        "unscanned_packages": sums.total - sums.scanned,
        "packages": rows,
        "total": report.total,
        "page": page,
        "per_page": per_page,
        "pages": -(-report.total // per_page),
    }


def packages_body(report: PostureReport, page: int, per_page: int) -> Body:
    """``GET /security/packages``."""
    rows = posture_rows(report)
    return {**_page(rows, report.total, page, per_page), "packages": rows}


def posture_rows(report: PostureReport) -> list[Body]:
    """Posture items."""
    return [
        _posture(
            one,
            report.suites[one.suite_id],
            report.decisions.get((one.package.id, one.suite_id)),
            present=one.package.id in report.present,
        )
        for one in report.page
    ]


def _posture(one: Posture, suite: Suite, decision: StoredDecision | None, *, present: bool) -> Body:
    key, scan = one.package.key, one.scan
    status = "quarantined" if one.apart else "pending_review" if one.waits else "validated"
    counts = {} if scan is None else scan.counts
    return {
        "name": key.name,
        "version": key.version,
        "arch": key.architecture,
        "distribution": suite.codename,
        "format": key.format.value,
        "imported_at": one.package.received_at.isoformat(),
        "imported_by": one.package.received_by,
        "scanned": scan is not None and scan.scanned,
        "scan_source": scan.engine or None if scan is not None and scan.scanned else None,
        "scan_result": None if scan is None else scan.result.value,
        "scan_message": None if scan is None else scan.message,
        "scanned_at": None if scan is None else scan.scanned_at.isoformat(),
        "cve_counts": counts_row(counts),
        "worst_severity": None if scan is None or scan.worst is None else scan.worst.value,
        "total_cve": sum(counts.values()),
        "kev_count": 0 if scan is None else scan.kev_count,
        "high_epss_count": 0 if scan is None else scan.high_epss_count,
        "hash_verified": present,
        "status": status,
        "actions": _ACTIONS[status],
        **_decided(decision),
    }


def _decided(decision: StoredDecision | None) -> Body:
    ends = None if decision is None else decision.expires_at
    days = None if decision is None or ends is None else round((ends - decision.decided_at).total_seconds() / 86_400)
    return {
        "decision_action": None if decision is None else decision.action.value,
        "decision_expires": None if ends is None else ends.isoformat(),
        "sla_days": days,
        "sla_status": None if ends is None else "in_force",
    }


def package_body(found: PackageFindings) -> Body:
    """``GET /security/packages/{name}/{version}/cve``."""
    key, scan = found.package.key, found.scan
    counts = {} if scan is None else scan.counts
    return {
        "package": key.name,
        "version": key.version,
        "arch": key.architecture,
        "distribution": found.suite.codename,
        "cve_counts": counts_row(counts),
        "total": sum(counts.values()),
        "cve_results": [cve_row(finding, key.format) for finding in found.findings],
        "has_structured_data": scan is not None and scan.scanned,
        "last_rematch_at": None if scan is None or scan.rematched_at is None else scan.rematched_at.isoformat(),
        "scanned_at": None if scan is None else scan.scanned_at.isoformat(),
        "result": "skipped" if scan is None else scan.result.value,
        "message": _message(found),
        "refused_at": None if found.refusal is None else _refused_at(found.refusal).isoformat(),
        "coverage": None if scan is None else coverage_row(scan.coverage),
    }


def _message(found: PackageFindings) -> str:
    request = found.refusal
    if request is None:
        return "it is in no distribution any more" if found.scan is None else found.scan.message
    why = "; ".join(request.reasons)
    if request.justification:
        why = f"{request.justification} ({request.decided_by})" if request.decided_by else request.justification
    return f"refused on {_refused_at(request):%Y-%m-%d}: {why}"[:2000]


def _refused_at(request: Admission) -> datetime:
    return request.decided_at or request.requested_at


def coverage_row(coverage: Coverage) -> Body:
    """How far the answer reaches."""
    row = asdict(coverage)
    date = coverage.database_date
    return {**row, "skipped": list(coverage.skipped), "database_date": None if date is None else date.isoformat()}


def fix_states() -> Sequence[str]:
    """What can be asked for."""
    return [state.value for state in FixState]


def _page(items: Sequence[Body], total: int, number: int, per_page: int) -> Body:
    return {"items": items, "total": total, "page": number, "per_page": per_page, "pages": -(-total // per_page)}
