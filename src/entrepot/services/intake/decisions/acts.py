"""The rows that change together when a decision is made or ends.  Everything here runs in the caller's unit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.catalog.base import Reading, Writing
from entrepot.adapters.catalog.decisions import Assignee, Rating, StoredDecision
from entrepot.adapters.catalog.records import (
    Admission,
    AdmissionState,
    AuditEntry,
    JsonValue,
    PackageFilter,
    Placement,
    StoredPackage,
)
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import DecisionRules
from entrepot.domain.model.erratum import Notice
from entrepot.domain.model.finding import SEVERITIES, Finding
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.action import Action
from entrepot.domain.policy.decisions import DecisionAction, Ending, wants_four_eyes
from entrepot.domain.policy.gate import MALWARE, CheckOutcome, Ground, Judgement
from entrepot.domain.policy.promotion import PromotionVerdict
from entrepot.errors import FourEyes, InvalidRequest
from entrepot.services.intake.admit import live_in, open_admission

JUSTIFICATION_CHARACTERS = 4000
_LIKELY = 0.5
_PROGRAM = "token:"


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody decides.  ``expires_in_days`` and ``target_version`` are optional; ``assignee`` follows it up.

    ``erratum`` is what clients are told about the update that is let in.
    """

    action: DecisionAction
    justification: str
    expires_in_days: int | None = None
    target_version: str | None = None
    cve_ids: Sequence[str] = ()
    assignee: Assignee | None = None
    erratum: Notice | None = None


def justified(text: str) -> str:
    """The reason for a decision, without blanks around.

    Raises:
        InvalidRequest: there is none, or it is too long.
    """
    found = text.strip()
    if not found or len(found) > JUSTIFICATION_CHARACTERS:
        raise InvalidRequest(f"a decision needs a justification of at most {JUSTIFICATION_CHARACTERS} characters")
    return found


def rating_of(outcomes: Sequence[CheckOutcome]) -> Rating:
    """What the checks found, by severity."""
    findings: dict[str, Finding] = {found.id: found for outcome in outcomes for found in outcome.findings}
    every = findings.values()
    counts = {severity.value: sum(one.severity is severity for one in every) for severity in SEVERITIES}
    return Rating(
        worst=min((one.severity for one in every), key=SEVERITIES.index, default=None),
        counts={name: count for name, count in counts.items() if count},
        kev_count=sum(one.in_kev for one in every),
        high_epss_count=sum((one.epss or 0) >= _LIKELY for one in every),
        findings=sorted(findings),
    )


def _appealable(outcomes: Sequence[CheckOutcome]) -> bool:
    """Whether a person may let in what the policy refused; nobody is asked about malware."""
    return not any(concern.code == MALWARE for outcome in outcomes for concern in outcome.concerns)


def note_wait(
    unit: Writing, admission_id: int, state: AdmissionState, outcomes: Sequence[CheckOutcome], now: datetime
) -> None:
    """Have a package that was held, or refused by policy, stand in the queue where it belongs."""
    if state is AdmissionState.HELD:
        unit.rate_held(admission_id, rating_of(outcomes))
    elif state is AdmissionState.REFUSED and _appealable(outcomes):
        unit.block(admission_id, rating_of(outcomes), now)


def kept_out(reading: Reading, suite: Suite, package_id: PackageId) -> Judgement | None:
    """What people say who keep these very bytes out of a suite; none where nobody does."""
    sentence = _kept_out_because(reading, suite, package_id)
    if not sentence:
        return None
    return Judgement((Ground("decision", "decision.kept_out", Action.BLOCK, sentence),))


def _kept_out_because(reading: Reading, suite: Suite, package_id: PackageId) -> str:
    if package_id in reading.quarantined([package_id]):
        return "these bytes are in quarantine; whoever decides about packages can release them"
    found = reading.decisions_about([package_id], suite.id).get((package_id, suite.id))
    if found is None or found.ended_at is not None or found.action.publishes:
        return ""
    if found.action is DecisionAction.UPGRADE_REQUIRED:
        wanted = f"version {found.target_version} or later" if found.target_version else "a later version"
        return f"{found.decided_by} wants {wanted} instead: {found.justification}"
    return f"{found.decided_by} has rejected these bytes: {found.justification}"


def demand_other_eyes(
    reading: Reading, rules: DecisionRules, suite: Suite, actor: Actor, brought_by: Collection[str]
) -> None:
    """Refuse somebody who would let in what they brought themselves, where that takes two.

    An API token brings what the account brings that made it.

    Raises:
        FourEyes: it does.
    """
    if not wants_four_eyes(rules, suite):
        return
    everybody = set(brought_by)
    if any(name.startswith(_PROGRAM) for name in everybody):
        everybody |= {one.created_by for one in reading.api_tokens() if f"{_PROGRAM}{one.name}" in everybody}
    if {actor.name, actor.owner} & everybody:
        raise FourEyes(
            f"in {suite.codename} somebody else than whoever brought a package lets it in", distribution=suite.codename
        )


def take_out(unit: Writing, suite: Suite, package: StoredPackage) -> int | None:
    """Out of the suite's next generation; the revision without it, none where it was not in it."""
    if not live_in(unit, suite, package.id, package.key):
        return None
    revision = unit.touch_suite(suite.id)
    return revision if unit.withdraw(suite.id, package.id, revision) else None


def back_to_queue(
    unit: Writing, decision: StoredDecision, suite: Suite, package: StoredPackage, reason: str, now: datetime
) -> int | None:
    """Have a package wait for a person again; none where it does already."""
    if open_admission(unit, suite, package.id, package.key) is not None:
        return None
    before = [one for one in unit.admissions_of([package.id]) if one.suite_id == suite.id]
    last = before[-1] if before else None
    number = unit.add_admission(
        Admission(
            id=0,
            suite_id=suite.id,
            package_id=package.id,
            component=decision.component,
            state=AdmissionState.HELD,
            steps=last.steps if last else [],
            reasons=[reason],
            requested_by=decision.requested_by,
            requested_at=now,
        )
    )
    if decision.accepted:
        unit.rate_held(number, Rating(findings=decision.accepted))
    if decision.assignee is not None:
        unit.assign_held(number, decision.assignee, now)
    return number


def supersede(unit: Writing, decision: StoredDecision, actor: Actor, now: datetime) -> int:
    """A new decision in the place of the one that is in force."""
    known = unit.decisions_about([decision.package_id], decision.suite_id)
    before = known.get((decision.package_id, decision.suite_id))
    if before is not None and before.ended_at is None:
        unit.end_decision(before.id, Ending.SUPERSEDED, actor.name, now)
    return unit.add_decision(decision)


def end(
    unit: Writing, decision: StoredDecision, ending: Ending, actor: Actor, reason: str, now: datetime, *, kept: bool
) -> tuple[bool, int | None]:
    """End a decision, and what it allowed or forbade; whether this caller did, and the revision that shows it.

    What it let in leaves the suite; whatever it was about waits for a person again, as long as its bytes are ``kept``.
    """
    if not unit.end_decision(decision.id, ending, actor.name, now):
        return False, None
    suite, package = unit.suite(decision.suite_id), unit.package(decision.package_id)
    if decision.action.publishes:
        revision = take_out(unit, suite, package)
        if revision is not None:
            back_to_queue(unit, decision, suite, package, reason, now)
        return True, revision
    unit.release(package.id)
    if kept and not live_in(unit, suite, package.id, package.key):
        back_to_queue(unit, decision, suite, package, reason, now)
    return True, None


def record_promotion(
    unit: Writing,
    actor: Actor,
    moved: Sequence[Placement],
    target: Suite,
    verdict: PromotionVerdict,
    justification: str,
    requested_by: str,
    now: datetime,
) -> None:
    """What a person's word lets into a suite is decided about there, with the findings that were known then."""
    known = {one.key: rating_of(one.outcomes).findings for one in verdict.standings}
    for placement in moved:
        package = placement.package
        decision = StoredDecision(
            id=0,
            suite_id=target.id,
            package_id=package.id,
            key=package.key,
            codename=target.codename,
            digest=package.digest,
            component=placement.component,
            action=DecisionAction.ACCEPT_RISK,
            justification=justification,
            decided_by=actor.name,
            decided_at=now,
            accepted=tuple(known.get(package.key, ())),
            requested_by=requested_by,
        )
        supersede(unit, decision, actor, now)


def audit_of(
    action: str,
    result: str,
    actor: Actor,
    decision: StoredDecision,
    now: datetime,
    more: Mapping[str, JsonValue] | None = None,
) -> AuditEntry:
    """An entry about a decision."""
    key = decision.key
    detail: dict[str, JsonValue] = {
        "architecture": key.architecture,
        "decision": decision.action.word,
        "justification": decision.justification,
        "sha256": decision.digest,
        **({"id": decision.id} if decision.id else {}),
        **({"expires_at": decision.expires_at.isoformat()} if decision.expires_at else {}),
        **({"target_version": decision.target_version} if decision.target_version else {}),
        **(more or {}),
    }
    return AuditEntry(action, result, actor, now, key.name, key.version, decision.codename, detail)


def keyed(name: str, version: str, architecture: str | None, distribution: str | None = None) -> PackageFilter:
    """Every file of one version, or that of one architecture, or before one distribution."""
    return PackageFilter(name=name, version=version, architecture=architecture or "", suite=distribution or "")


def about(decision: StoredDecision, number: int) -> StoredDecision:
    """With its number."""
    return replace(decision, id=number)
