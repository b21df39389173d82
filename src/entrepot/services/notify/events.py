"""The audit log read as events: each entry is one, or none; a publication is one for each package that came."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from entrepot.adapters.catalog.messages import Arrival
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.event import Event

MOST_ARRIVALS = 20
"""A generation that brings more is one event with a number, not a flood."""
_REASON_CHARACTERS = 500
_INTAKE = frozenset(
    {"DECISION_REOPENED", "UPLOAD", "VALIDATE", "IMPORT", "MIRROR", "PROMOTE", "PROMOTE_APPROVE", "RESCAN"}
)
_BY_RESULT = {"PENDING_REVIEW": "held", "BLOCKED": "rejected"}
_ALWAYS = {
    "SLA_EXPIRED": "expired",
    "SLA_EXPIRING": "expiring",
    "SLA_OVERDUE": "overdue",
    "SECURITY_ASSIGN": "assigned",
    "KEY_EXPIRY": "key_expiry",
    "UPSTREAM_EXPIRY": "upstream_expiring",
}
_BY_SUCCESS = {
    "PROMOTE": "promoted",
    "PROMOTE_APPROVE": "promoted",
    "PROMOTE_REJECT": "rejected",
    "DELETE": "deleted",
    "QUARANTINE": "quarantined",
}
# Runs over many packages: the entry of the whole run is an event with a number; those of single packages are none.
_RUNS = {
    "RETENTION": ("retention", "deleted"),
    "VERSION_GC": ("retention", "deleted"),
    "MIGRATE": ("promoted", "moved"),
}
_STATES = {
    "MIRROR_RUN": "mirror",
    "SYNC": "source",
    "SECURITY_SYNC": "source",
}
"""Told when they begin to fail or fail otherwise, and when that ends; not each time."""
_BUNDLES = {"SUCCESS": "bundle_received", "PARTIAL": "bundle_received", "FAILURE": "bundle_refused"}
_FINDING = frozenset({"CVE_REMATCH", "RESCAN"})
_DECISIONS = {
    **dict.fromkeys(("approve", "approved", "accept", "accepted_risk", "exception"), "approved"),
    **dict.fromkeys(("reject", "rejected", "block", "blocked", "upgrade_required"), "rejected"),
    **dict.fromkeys(("quarantine", "quarantined"), "quarantined"),
}
_MORE = (
    "assigned_to",
    "from",
    "archive",
    "key",
    "fingerprint",
    "days_left",
    "expires_at",
    "deleted",
    "freed_bytes",
    "job",
    "mirror",
    "source",
    "bundle",
    "code",
    "failures",
    "valid_until",
)
_SUBJECTS = ("mirror", "source", "bundle", "key")


def kind_of(entry: AuditEntry) -> str | None:
    """Which of ``EVENTS`` an entry is, if any; publications are not among them."""
    action, result = entry.action, entry.result
    if action in _ALWAYS:
        return _ALWAYS[action]
    if action in _INTAKE and result in _BY_RESULT:
        return _BY_RESULT[result]
    if action in _RUNS:
        return _RUNS[action][0] if entry.package is None and _count_of(entry) > 0 else None
    if action in _STATES:
        return _change_of(entry)
    if action == "BUNDLE_IMPORT":
        return _BUNDLES.get(result)
    if action in _FINDING:
        return "findings" if result in {"WARNING", "BLOCKED", "FAILURE"} else None
    if result != "SUCCESS":
        return None
    if action == "SECURITY_DECISION":
        return _DECISIONS.get(str(entry.detail.get("decision", "")))
    return _BY_SUCCESS.get(action) if _count_of(entry) > 0 else None


def _change_of(entry: AuditEntry) -> str | None:
    """Of what goes on well or badly for a while, when that changes."""
    subject = _STATES[entry.action]
    if entry.result == "FAILURE":
        return f"{subject}_failed" if entry.detail.get("is_news") else None
    return f"{subject}_recovered" if entry.result == "SUCCESS" and entry.detail.get("failures") else None


def event_of(entry: AuditEntry) -> Event | None:
    """One entry as an event."""
    kind = kind_of(entry)
    if kind is None:
        return None
    detail = entry.detail
    return Event(
        kind=kind,
        at=entry.at,
        package=entry.package or "",
        version=entry.version or "",
        arch=_text(detail.get("architecture")),
        distribution=entry.suite or "",
        user=entry.actor.name,
        reason=_reason(detail),
        sha256=_text(detail.get("sha256")),
        count=_count_of(entry),
        more={name: value for name in _MORE if isinstance(value := detail.get(name), str | int)},
    )


def publication(entry: AuditEntry) -> tuple[int, int, int] | None:
    """Suite, revision before and revision now of an entry that a switch wrote."""
    found = [entry.detail.get(name) for name in ("suite_id", "since", "revision")]
    numbers = [each for each in found if isinstance(each, int)]
    if entry.action != "PUBLISH" or entry.result != "SUCCESS" or len(numbers) != 3 or numbers[1] >= numbers[2]:
        return None
    return numbers[0], numbers[1], numbers[2]


def published(entry: AuditEntry, arrivals: Sequence[Arrival], total: int) -> list[Event]:
    """What a new generation brought."""
    suite = entry.suite or ""
    if total > MOST_ARRIVALS:
        names = sorted({each.name for each in arrivals})
        return [Event("published", entry.at, distribution=suite, count=total, reason=", ".join(names) + ", ...")]
    return [
        Event(
            "published",
            entry.at,
            package=each.name,
            version=each.version,
            arch=each.architecture,
            distribution=suite,
            user=each.added_by,
            sha256=each.sha256,
        )
        for each in arrivals
    ]


def webhook_body(event: Event) -> str:
    """What is sent, and signed, and sent the same at each attempt."""
    data: dict[str, JsonValue] = {
        "package": event.package or None,
        "version": event.version or None,
        "arch": event.arch or None,
        "distribution": event.distribution or None,
        "user": event.user or None,
        "reason": event.reason or None,
        "sha256": event.sha256 or None,
        "count": event.count,
        **event.more,
    }
    return json.dumps({"type": event.kind, "timestamp": stamp(event.at), "data": data}, separators=(",", ":"))


def stamp(at: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def title(event: Event) -> str:
    """A line for the delivery log."""
    what = " ".join(part for part in (event.package, event.version, event.arch) if part)
    what = what or subject_of(event)
    where = f" in {event.distribution}" if event.distribution else ""
    return f"{event.kind}: {what or f'{event.count} packages'}{where}" if what or where else event.kind


def subject_of(event: Event) -> str:
    """What an event is about that is about no package: ``mirror debian``."""
    return next((f"{name} {event.more[name]}" for name in _SUBJECTS if name in event.more), "")


def _reason(detail: Mapping[str, JsonValue]) -> str:
    for name in ("justification", "reasons", "reason", "message"):
        value = detail.get(name)
        if isinstance(value, str) and value:
            return value[:_REASON_CHARACTERS]
        if isinstance(value, list) and value:
            return "; ".join(str(each) for each in value)[:_REASON_CHARACTERS]
    return ""


def _count_of(entry: AuditEntry) -> int:
    """How many packages it is about; nearly always one."""
    name = _RUNS[entry.action][1] if entry.action in _RUNS else "count"
    found = entry.detail.get(name, 0 if entry.action in _RUNS else 1)
    return found if isinstance(found, int) else 1


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
