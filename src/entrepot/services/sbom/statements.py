"""Findings of a package in its suite, with the decision that covers each."""

from __future__ import annotations

from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.decisions import StoredDecision
from entrepot.domain.model.finding import Finding
from entrepot.domain.sbom.findings import Statement
from entrepot.services.sbom.standing import Stand


def statements_of(reading: Reading, stand: Stand) -> list[Statement]:
    """Worst first; nothing where nobody could compare the package with advisories."""
    package_id, suite_id = stand.package.id, stand.suite.id
    scan = reading.scan(suite_id, package_id)
    if scan is None:
        return []
    decision = reading.decisions_about([package_id], suite_id).get((package_id, suite_id))
    found = reading.findings(suite_id, [package_id]).get(package_id, [])
    return [_judged(Statement(finding, scan.scanned_at), decision) for finding in found]


def _judged(statement: Statement, decision: StoredDecision | None) -> Statement:
    if decision is None or decision.ended_at is not None or not _covers(decision, statement.finding):
        return statement
    return Statement(
        statement.finding,
        statement.found_at,
        decision.action,
        decision.justification,
        decision.decided_at,
        decision.expires_at,
        decision.target_version,
    )


def _covers(decision: StoredDecision, finding: Finding) -> bool:
    """Whoever keeps a package out speaks of all of it; whoever lets it in, of what was known then."""
    names = {finding.id, *finding.aliases}
    return not decision.action.publishes or bool(names & {*decision.accepted, *decision.cve_ids})
