"""How a package stands before a suite, what keeps it out, and the few sentences that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from entrepot.adapters.catalog.records import Admission, AdmissionState, AuditEntry, JsonValue
from entrepot.domain.policy.action import Action
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.domain.policy.gate import CheckResult
from entrepot.services.intake.explaining.case import Case
from entrepot.services.intake.explaining.facts import REMOVALS, decided, stamp
from entrepot.services.intake.standings import REMOVED

_WAYS = {"UPLOAD": "sent it", "PROMOTE": "promoted it", "MIGRATE": "copied it with others"}
_STOPPING = (Action.REVIEW.value, Action.BLOCK.value)
_SENTENCES = 5


class Standing(StrEnum):
    """Where it is; ``ACCEPTED`` is in the suite, and clients will see it once the next generation is in force."""

    PUBLISHED = "published"
    ACCEPTED = "accepted"
    INSPECTING = "inspecting"
    HELD = "held"
    REFUSED = "refused"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    REMOVED = "removed"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that keeps it out now; ``until`` is when that ends by itself."""

    code: str
    message: str
    until: datetime | None = None


def standing_of(case: Case) -> Standing:
    """The first of these that is true."""
    decision, last = case.decision, case.requests[-1] if case.requests else None
    if case.quarantine is not None:
        return Standing.QUARANTINED
    if case.live is not None:
        return Standing.PUBLISHED if case.suite.published_revision >= case.live.added_revision else Standing.ACCEPTED
    if last is not None and last.state is AdmissionState.RECEIVED:
        return Standing.INSPECTING
    if decision is not None and not decision.action.publishes:
        return Standing.REJECTED
    if last is not None and last.state is AdmissionState.HELD:
        return Standing.HELD
    if case.promotions:
        return Standing.ASKED
    if case.stays or (last is not None and last.justification == REMOVED):
        return Standing.REMOVED
    return Standing.REFUSED


def obstacles_of(case: Case) -> list[Obstacle]:
    """Everything that stands between the package and the clients of the suite; nothing where it is published."""
    standing = standing_of(case)
    found = list(_word_of_people(case))
    match standing:
        case Standing.ACCEPTED:
            revision, shown = case.suite.revision, case.suite.published_revision
            message = f"{case.suite.codename} is published up to revision {shown}, and has {revision} by now"
            found.append(Obstacle("unpublished", message))
        case Standing.INSPECTING:
            found.append(Obstacle("inspecting", "its inspection has not ended; while a scanner is away it waits"))
        case Standing.HELD | Standing.REFUSED if case.requests:
            found += _reasons(case.requests[-1])
        case Standing.REMOVED:
            found.append(Obstacle("removed", _removed(case)))
        case _:
            pass
    for promotion in case.promotions:
        source = case.suites[promotion.source_id].codename
        message = f"promotion {promotion.id} from {source} waits for a decision: {_verdict(promotion.verdict)}"
        found.append(Obstacle("promotion.pending", message))
    return found


def notes_of(case: Case) -> list[str]:
    """What does not keep it out, and still matters to whoever wonders."""
    found = []
    if case.live is not None and case.newer:
        found.append(f"clients take {case.newer[-1]} instead, unless they ask for this version")
    if case.live is not None and case.phase is not None:
        found.append(f"a rollout offers it to {case.phase} % of the machines that upgrade")
    if case.visible and case.live is None:
        found.append("clients see it until the next generation is in force")
    if case.waiting is not None and case.waiting.blocked:
        found.append("the policy refused it; a person may still let it in")
    found += [f"a file of the same version, with other bytes, came in: {one.digest}" for one in case.others]
    return found


def told(case: Case) -> str:
    """One paragraph: where it is, how it came, what was seen, who decided, and what keeps it out."""
    sentences = [_where(case), _came(case), _seen(case), _decided(case)]
    obstacles = [] if standing_of(case) is Standing.REMOVED else obstacles_of(case)
    sentences += [f"{one.message[:1].upper()}{one.message[1:]}" for one in obstacles[:_SENTENCES]]
    sentences += [f"{one[:1].upper()}{one[1:]}" for one in notes_of(case)]
    return " ".join(f"{one.rstrip('.')}." for one in sentences if one)


def _word_of_people(case: Case) -> Iterator[Obstacle]:
    if case.quarantine is not None:
        one = case.quarantine
        message = f"{one.quarantined_by} put these bytes into quarantine on {stamp(one.quarantined_at)}: {one.reason}"
        yield Obstacle("quarantined", message)
    decision = case.decision
    if decision is not None and not decision.action.publishes and decision.action is not DecisionAction.QUARANTINE:
        message = f"{decision.decided_by} {decided(decision)}"
        yield Obstacle(f"decision.{decision.action.value}", message, decision.expires_at)


def _reasons(request: Admission) -> list[Obstacle]:
    """Each reason under the code of the rule that gave it, where one did."""
    codes = {
        row["message"]: row["code"]
        for step in request.steps
        for row in cast("Sequence[Mapping[str, str]]", step.get("policy") or [])
        if row["action"] in _STOPPING
    }
    return [Obstacle(codes.get(reason, request.state.value), reason) for reason in request.reasons]


def _removed(case: Case) -> str:
    last = next((one for one in reversed(case.history) if one.action in REMOVALS), None)
    if last is None:
        return f"it left {case.suite.codename}"
    return f"it left {case.suite.codename} on {stamp(last.at)} ({last.action}, by {last.actor.name}){_why(last)}"


def _why(entry: AuditEntry) -> str:
    reason = entry.detail.get("reason") or entry.detail.get("justification")
    return f": {reason}" if reason else ""


def _verdict(verdict: Mapping[str, JsonValue]) -> str:
    reasons = verdict.get("reasons")
    return "; ".join(str(one) for one in reasons) if isinstance(reasons, list) and reasons else "nothing else"


def _where(case: Case) -> str:
    key, codename = case.package.key, case.suite.codename
    waits = case.requests[-1].requested_at if case.requests else case.package.received_at
    match standing_of(case):
        case Standing.PUBLISHED if case.shown is not None:
            number, since = case.shown.generation, stamp(case.shown.at)
            return f"{key} is in {codename}: clients can have it since {since}, from generation {number} on"
        case Standing.PUBLISHED:
            return f"{key} is in {codename}: clients can have it"
        case Standing.ACCEPTED:
            return f"{key} was let into {codename}, and clients do not see it yet"
        case Standing.INSPECTING:
            return f"{key} is not in {codename} yet: it is being inspected since {stamp(waits)}"
        case Standing.HELD:
            return f"{key} is not in {codename}: it waits for a person since {stamp(waits)}"
        case Standing.ASKED:
            return f"{key} is not in {codename}: a promotion waits for a decision"
        case Standing.REMOVED:
            return f"{key} is not in {codename} any more: {_removed(case)}"
        case Standing.QUARANTINED:
            return f"{key} is not in {codename}: nobody gets it anywhere"
        case Standing.REJECTED:
            return f"{key} is not in {codename}: a person keeps it out"
        case Standing.REFUSED:
            return f"{key} is not in {codename}: it was refused on {stamp(waits)}"


def _came(case: Case) -> str:
    entry = next((one for one in case.history if one.action in _WAYS and one.result != "FAILURE"), None)
    if entry is None:
        return f"{case.package.received_by} sent it on {stamp(case.package.received_at)}"
    source = entry.detail.get("from")
    origin = f" from {source}" if isinstance(source, str) else ""
    return f"{entry.actor.name} {_WAYS[entry.action]}{origin} on {stamp(entry.at)}"


def _seen(case: Case) -> str:
    """What the checks said, the clean ones counted, the others named."""
    if case.asked is None or not case.asked.steps:
        return "No check was asked about it"
    steps = case.asked.steps
    odd = [one for one in steps if one["result"] != CheckResult.CLEAN.value]
    where = "" if case.asked.suite_id == case.suite.id else f" before {case.asked_in}"
    clean = f"{len(steps) - len(odd)} of {len(steps)} checks found nothing{where}"
    named = "; ".join(f"{one['name']}: {one['message']} ({one['result']})" for one in odd)
    return f"{clean}; {named}"[:1000] if named else clean


def _decided(case: Case) -> str:
    decision = case.decision
    if decision is None or not decision.action.publishes:
        return ""
    return f"{decision.decided_by} {decided(decision)}"
