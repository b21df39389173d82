"""What people decided, in the main API's words: the bodies of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from entrepot.adapters.catalog.decisions import Assignee, HeldPackage, StoredDecision
from entrepot.domain.model.finding import SEVERITIES
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.entrypoints.api.finding_words import cve_row
from entrepot.entrypoints.api.words import when
from entrepot.errors import InvalidRequest
from entrepot.services.intake.decisions.reports import Report
from entrepot.services.intake.decisions.waivers import Turn
from entrepot.services.intake.reviews import Waiting

Body = dict[str, Any]

_SOON_DAYS = 7
MOST_RESULTS = 100
"""Findings that a row of the queue lists; ``total_cve`` counts all, and the package's own address has them."""


def assignee_named(name: str | None, kind: str | None) -> Assignee | None:
    """Who is meant by ``assigned_to`` and ``assigned_to_type``; ``group:NAME`` says both at once.

    Raises:
        InvalidRequest: the kind is none.
    """
    if not name:
        return None
    word = (kind or "user").strip().lower()
    if word not in ("user", "group"):
        raise InvalidRequest(f"unknown assigned_to_type {word[:40]!r}; there are user and group")
    if name.startswith("group:"):
        return Assignee(name.removeprefix("group:"), is_group=True)
    return Assignee(name.removeprefix("user:"), is_group=word == "group")


def record(decision: StoredDecision, now: datetime) -> Body:
    """A decision (contract 4.6.1)."""
    ends = decision.expires_at
    return {
        "id": decision.id,
        "package": decision.key.name,
        "version": decision.key.version,
        "arch": decision.key.architecture,
        "format": decision.key.format.value,
        "distribution": decision.codename,
        "sha256": decision.digest,
        "decision": decision.action.word,
        "action": decision.action.value,
        "status": decision.ending.value if decision.ending else decision.action.status,
        "in_force": decision.ended_at is None,
        "justification": decision.justification,
        "decided_by": decision.decided_by,
        "decided_at": when(decision.decided_at),
        "expires_at": when(ends),
        "expires_in_days": None if ends is None else round((ends - decision.decided_at).total_seconds() / 86_400),
        "target_version": decision.target_version,
        "cve_ids": list(decision.cve_ids),
        "accepted_findings": list(decision.accepted),
        **assignment(decision.assignee, decision.assigned_at),
        "resolved_at": when(decision.resolved_at),
        "resolved_by": decision.resolved_by,
        "resolution_note": decision.resolution,
        "ended_at": when(decision.ended_at),
        "ended_by": decision.ended_by,
        "requested_by": decision.requested_by,
        "sla": sla(ends if decision.ended_at is None else None, now),
    }


def assignment(assignee: Assignee | None, at: datetime | None) -> Body:
    """Who looks after something, and since when."""
    if assignee is None:
        return {"assigned_to": None, "assigned_to_type": None, "assigned_at": None}
    kind = "group" if assignee.is_group else "user"
    return {"assigned_to": assignee.name, "assigned_to_type": kind, "assigned_at": when(at)}


def sla(due_at: datetime | None, now: datetime) -> Body:
    """How long there is until a time; ``warning`` within the last week."""
    if due_at is None:
        return {"has_sla": False, "expires_at": None, "remaining_days": None, "expired": False, "warning": False}
    left = (due_at - now).total_seconds() / 86_400
    return {
        "has_sla": True,
        "expires_at": when(due_at),
        "remaining_days": int(left) if left >= 0 else -int(-left),
        "expired": left <= 0,
        "warning": 0 < left <= _SOON_DAYS,
    }


def waiting_row(one: Waiting, now: datetime) -> Body:
    """A package of ``GET /security/review-queue``."""
    held = one.held
    return {
        **_held(held),
        "cve_results": [cve_row(found, held.package.key.format) for found in one.findings[:MOST_RESULTS]],
        "decision": None if one.last is None else record(one.last, now),
        **assignment(held.assignee, held.assigned_at),
        "sla": sla(one.due_at, now),
    }


def _held(held: HeldPackage) -> Body:
    key, rating = held.package.key, held.rating
    counts = {severity.value: int((rating.counts or {}).get(severity.value, 0)) for severity in SEVERITIES}
    return {
        "name": key.name,
        "version": key.version,
        "arch": key.architecture,
        "distribution": held.suite.codename,
        "pkg_format": key.format.value,
        "sha256": held.package.digest,
        "size_bytes": held.package.size_bytes,
        "imported_at": when(held.admission.requested_at),
        "imported_by": held.admission.requested_by,
        "held_at": when(held.held_at),
        "status": "blocked" if held.blocked else "pending_review",
        "reasons": list(held.admission.reasons),
        "worst_severity": rating.worst.value if rating.worst else None,
        "cve_counts": counts,
        "total_cve": sum(counts.values()),
        "kev_count": rating.kev_count,
        "high_epss_count": rating.high_epss_count,
    }


def assigned_body(held: Sequence[HeldPackage]) -> Body:
    """What waits, and who looks after it now."""
    rows = [{**_held(one), **assignment(one.assignee, one.assigned_at)} for one in held]
    return {"status": "ok", "packages": rows, "count": len(rows)}


def turn_body(turn: Turn, now: datetime) -> Body:
    """``POST /security/check-sla``."""
    return {
        "expired": len(turn.expired),
        "expiring_soon": len(turn.expiring),
        "overdue": len(turn.overdue),
        "resolved": len(turn.resolved),
        "notified": turn.told,
        "expired_list": [record(one, now) for one in turn.expired],
        "expiring_list": [record(one, now) for one in turn.expiring],
        "overdue_list": [_held(one) for one in turn.overdue],
    }


def report_body(report: Report) -> Body:
    """``GET /security/report``."""
    now = report.at
    return {
        "generated_at": when(now),
        "review_queue": {
            "review_count": report.waiting,
            "blocked_count": report.blocked,
            "unassigned": report.unassigned,
            "by_severity": {
                (severity.value if severity else "none"): count
                for severity, count in report.waiting_by_severity.items()
            },
            "first": [_held(one) for one in report.first_waiting],
        },
        "decisions": {
            action.value: {
                "in_force": report.decisions.get((action, True), 0),
                "ended": report.decisions.get((action, False), 0),
            }
            for action in DecisionAction
        },
        "exceptions": [record(one, now) for one in report.exceptions],
        "expiring_soon": [record(one, now) for one in report.expiring],
        "quarantined": [record(one, now) for one in report.quarantined],
        "latest": [record(one, now) for one in report.latest],
        "rules": report.rules.model_dump(mode="json"),
    }
