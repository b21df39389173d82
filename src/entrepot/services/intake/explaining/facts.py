"""What happened to a package before one suite, as facts in the order in which they came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from entrepot.adapters.catalog.decisions import StoredDecision
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.finding import Finding
from entrepot.services.intake.explaining.case import Case

MOST_FINDINGS = 50
_TEXT = 1000
_TOLD = {
    "UPLOAD": "sent",
    "INCLUDE": "sent as part of a set",
    "VALIDATE": "inspected",
    "PROMOTE": "promoted",
    "MIGRATE": "copied with others",
    "DELETE": "removed",
    "RETENTION": "removed because of its age",
    "VERSION_GC": "removed because there are enough newer versions",
    "QUARANTINE": "put into quarantine",
    "RESCAN": "checked again",
}
"""Actions of the log that are facts here; decisions are told from their own rows."""

REMOVALS = ("DELETE", "RETENTION", "VERSION_GC", "SECURITY_DECISION_DELETE", "SLA_EXPIRED", "DECISION_REOPENED")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was written down; ``data`` has the particulars."""

    kind: str
    at: datetime | None
    message: str
    by: str = ""
    result: str = ""
    data: Mapping[str, JsonValue] = field(default_factory=dict)


def facts_of(case: Case) -> list[Fact]:
    """In order of time; what was found about something at one moment stands in the order of its causes."""
    found = [*_logged(case), *_checks(case), *_rules(case), *_decisions(case), *_stays(case), *_findings(case)]
    first = min((fact.at for fact in found if fact.at is not None), default=case.now)
    return sorted(found, key=lambda fact: fact.at or first)


def _logged(case: Case) -> Iterator[Fact]:
    for entry in case.history:
        words = _TOLD.get(entry.action)
        if words is None:
            continue
        origin = entry.detail.get("from")
        more = f" from {origin}" if isinstance(origin, str) else ""
        yield Fact(
            "history",
            entry.at,
            f"{words}{more}{_because(entry)}",
            entry.actor.name,
            entry.result.lower(),
            {"action": entry.action, **{key: entry.detail[key] for key in _KEPT if key in entry.detail}},
        )


_KEPT = ("from", "sha256", "size_bytes", "reasons", "warnings", "reason", "forced", "justification", "promotion", "was")


def _because(entry: AuditEntry) -> str:
    reasons = entry.detail.get("reasons")
    if isinstance(reasons, list) and reasons:
        return f": {'; '.join(str(one) for one in reasons)}"[:_TEXT]
    reason = entry.detail.get("reason") or entry.detail.get("justification")
    return f": {reason}"[:_TEXT] if reason else ""


def _checks(case: Case) -> Iterator[Fact]:
    asked = case.asked
    if asked is None:
        return
    elsewhere = "" if asked.suite_id == case.suite.id else f", when {case.asked_in} asked"
    for step in asked.steps:
        coverage = cast("Mapping[str, JsonValue]", step.get("coverage") or {})
        date = coverage.get("database_date")
        known = f" (with what was known on {str(date)[:10]})" if date else ""
        yield Fact(
            "check",
            asked.decided_at or asked.requested_at,
            f"{step['name']}: {step['message']}{known}{elsewhere}"[:_TEXT],
            "",
            str(step["result"]),
            {
                "check": step["name"],
                "distribution": case.asked_in,
                "coverage": coverage or None,
                "concerns": step.get("concerns") or [],
                "counts": step.get("counts") or {},
                "waived": bool(step.get("waived")),
            },
        )


def _rules(case: Case) -> Iterator[Fact]:
    asked = case.asked
    for step in asked.steps if asked else ():
        for rule in cast("Sequence[Mapping[str, str]]", step.get("policy") or []):
            yield Fact(
                "policy",
                asked.decided_at or asked.requested_at if asked else None,
                f"the policy of {case.asked_in} says {rule['action']}: {rule['message']}"[:_TEXT],
                "",
                rule["action"],
                {"check": step["name"], "code": rule["code"], "finding": rule.get("finding") or None},
            )


def _decisions(case: Case) -> Iterator[Fact]:
    for one in case.decisions:
        yield Fact("decision", one.decided_at, decided(one), one.decided_by, one.action.value, _decision_data(one))
        if one.ended_at is not None and one.ending is not None:
            yield Fact(
                "decision",
                one.ended_at,
                f"the decision of {one.decided_by} ended: {one.ending.value}",
                one.ended_by or "",
                one.ending.value,
                {"id": one.id},
            )


def decided(one: StoredDecision) -> str:
    """A decision as a sentence without its maker."""
    until = f" until {stamp(one.expires_at)}" if one.expires_at else ""
    wanted = f", wanting version {one.target_version} or later" if one.target_version else ""
    named = f", knowing {', '.join(one.accepted[:10])}" if one.accepted else ""
    return f"decided {one.action.value}{until}{wanted}{named}: {one.justification}"[:_TEXT]


def _decision_data(one: StoredDecision) -> dict[str, JsonValue]:
    return {
        "id": one.id,
        "in_force": one.ended_at is None,
        "expires_at": one.expires_at.isoformat() if one.expires_at else None,
        "accepted": list(one.accepted),
        "justification": one.justification,
        "sha256": one.digest,
    }


def _stays(case: Case) -> Iterator[Fact]:
    codename = case.suite.codename
    for stay in case.stays:
        data: dict[str, JsonValue] = {"revision": stay.added_revision, "component": stay.component}
        yield Fact("placed", stay.added_at, f"put into {codename} ({stay.component})", stay.added_by, "success", data)
    if case.shown is not None:
        message = f"clients of {codename} could see it, from generation {case.shown.generation} on"
        yield Fact("published", case.shown.at, message, "", "success", {"generation": case.shown.generation})


def _findings(case: Case) -> Iterator[Fact]:
    scan = case.scan
    if scan is None:
        return
    decision = case.decision
    accepted = set(decision.accepted) if decision and decision.action.publishes else set[str]()
    until = decision.expires_at if decision and accepted else None
    rows = [_finding(one, accepted) for one in case.findings[:MOST_FINDINGS]]
    date = scan.database_date
    known = f" (with what was known on {date:%Y-%m-%d})" if date else ""
    yield Fact(
        "findings",
        scan.rematched_at or scan.scanned_at,
        f"compared with advisories: {scan.message}{known}"[:_TEXT],
        "",
        scan.result.value,
        {
            "counts": {severity.value: count for severity, count in scan.counts.items() if count},
            "context": scan.context,
            "database": scan.database,
            "database_date": date.isoformat() if date else None,
            "findings": rows,
            "accepted_by": decision.decided_by if decision and accepted else None,
            "accepted_until": until.isoformat() if until else None,
        },
    )


def _finding(one: Finding, accepted: set[str]) -> dict[str, JsonValue]:
    return {
        "id": one.id,
        "severity": one.severity.value,
        "package": one.package,
        "fix_state": one.fix_state.value,
        "fix_versions": list(one.fix_versions),
        "accepted": one.id in accepted or not accepted.isdisjoint(one.aliases),
    }


def stamp(moment: datetime) -> str:
    """To the minute."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
