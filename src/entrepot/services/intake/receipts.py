"""What is said about an upload: by the client that sends it, by the checks, and to the client in the end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from entrepot.adapters.catalog.records import AdmissionState, JsonValue, StoredPackage
from entrepot.adapters.catalog.refusals import coverage_of, coverage_row, worst_to_json
from entrepot.domain.advisories.sources import FRAGMENT, source_of
from entrepot.domain.jobs.work import JobId
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.finding import Severity
from entrepot.domain.model.package import Concern, PackageFacts, PackageKey
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.action import Action
from entrepot.domain.policy.cooldown import COOLDOWN
from entrepot.domain.policy.gate import CheckOutcome, CheckResult, Ground, Judgement, Verdict
from entrepot.services.intake.checks.base import Subject
from entrepot.services.intake.targets import Target

_PATH = re.compile(r"(?:^|(?<=[\s(]))/[^\s()]+")

STATES = {
    Verdict.ACCEPT: AdmissionState.ACCEPTED,
    Verdict.HOLD: AdmissionState.HELD,
    Verdict.REFUSE: AdmissionState.REFUSED,
}


RESULTS = {
    AdmissionState.ACCEPTED: "SUCCESS",
    AdmissionState.HELD: "PENDING_REVIEW",
    AdmissionState.REFUSED: "BLOCKED",
    AdmissionState.RECEIVED: "START",
}


class ReceiptStatus(StrEnum):
    """What became of an upload so far."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    HELD = "held"
    REFUSED = "refused"
    INSPECTING = "inspecting"


STATUSES = {
    AdmissionState.ACCEPTED: ReceiptStatus.ACCEPTED,
    AdmissionState.HELD: ReceiptStatus.HELD,
    AdmissionState.REFUSED: ReceiptStatus.REFUSED,
    AdmissionState.RECEIVED: ReceiptStatus.INSPECTING,
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file was fetched from: its place in the repository of a source, and what its index says that it is.

    ``told`` is what the server thinks of it that it comes from; nothing is decided by that.
    """

    source: str
    filename: str
    key: PackageKey
    group: str
    job: JobId
    told: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What a client says about the file it sends; nothing of it is believed where the bytes can be asked.

    ``origin`` is there when nobody sent it, but somebody had it fetched.  ``watched`` asks for a job that tells of an
    inspection by workers, if there has to be one.
    """

    filename: str
    distribution: str | None = None
    component: str | None = None
    declared_sha256: str | None = None
    watched: bool = False
    signature: bytes | None = None
    attestations: tuple[bytes, ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the client is told.  ``revision`` is the suite's revision that contains the package, once it does.

    ``withheld`` says that a person keeps these bytes out, whatever the checks say.
    """

    status: ReceiptStatus
    package_id: PackageId
    key: PackageKey
    digest: Digest
    size_bytes: int
    filename: str
    suite: Suite
    outcomes: Sequence[CheckOutcome]
    reasons: Sequence[str]
    signed: bool
    revision: int | None = None
    admission_id: int | None = None
    job: JobId | None = None
    warnings: Sequence[str] = ()
    withheld: bool = False


def _own_files(facts: PackageFacts) -> frozenset[str]:
    """Its paths that it requires itself; a path in a rich requirement, too."""
    wanted = {word for entry in facts.relations.get("requires", ()) for word in _PATH.findall(entry)}
    return frozenset(wanted & {"/" + path.decode("utf-8", "replace") for path in facts.paths} if wanted else ())


def subject_of(facts: PackageFacts, digest: Digest, target: Target) -> Subject:
    """What the checks see of a file that was just read."""
    source, source_version = source_of(facts.key, facts.fragments.get(FRAGMENT[facts.key.format], b""))
    return Subject(
        key=facts.key,
        digest=digest,
        suite=target.suite,
        component=target.component,
        relations=facts.relations,
        concerns=facts.concerns,
        signed=facts.signed,
        files=_own_files(facts),
        source=source,
        source_version=source_version,
        components=facts.composition.components if facts.composition else (),
        licence=facts.license,
    )


def stored_subject(package: StoredPackage, suite: Suite, component: str) -> Subject:
    """The same from the catalog."""
    facts = package.facts
    concerns = cast("list[Mapping[str, str]]", facts.get("concerns") or [])
    return Subject(
        key=package.key,
        digest=package.digest,
        suite=suite,
        component=component,
        relations=cast("Mapping[str, Sequence[str]]", facts.get("relations") or {}),
        concerns=tuple(Concern(concern["code"], concern["detail"]) for concern in concerns),
        signed=bool(facts.get("signed")),
        source=package.source,
        licence=str(facts.get("license") or ""),
    )


def steps_of(outcomes: Sequence[CheckOutcome], judgement: Judgement) -> list[dict[str, JsonValue]]:
    """Outcomes as they are kept with the admission, with what the policy made of each.

    Findings of what is refused are nowhere else, as it comes to no shelf: the worst are kept here.
    """
    refused = judgement.verdict is Verdict.REFUSE
    return [
        step_of(outcome, [one for one in judgement.grounds if one.check == outcome.name])
        | ({"findings": worst_to_json(outcome.findings)} if refused and outcome.findings else {})
        for outcome in outcomes
    ]


def cools(steps: Sequence[Mapping[str, JsonValue]]) -> bool:
    """Whether the age of the version was among what held it."""
    rows = [row for step in steps for row in cast("list[Mapping[str, str]]", step.get("policy") or [])]
    return any(row["code"].startswith(COOLDOWN) for row in rows)


def warnings_of(steps: Sequence[Mapping[str, JsonValue]]) -> tuple[str, ...]:
    """What a person should hear although the package was let in."""
    rows = [row for step in steps for row in cast("list[Mapping[str, str]]", step.get("policy") or [])]
    return tuple(row["message"] for row in rows if row["action"] == Action.WARN.value)


def step_of(outcome: CheckOutcome, grounds: Sequence[Ground] = ()) -> dict[str, JsonValue]:
    """An outcome as it is kept with the admission."""
    policy: list[JsonValue] = [
        {"code": one.code, "action": one.action.value, "message": one.message, "finding": one.finding}
        for one in grounds
    ]
    counted = outcome.counted()
    return {
        "name": outcome.name,
        "result": outcome.result.value,
        "message": outcome.message,
        "detail": outcome.detail,
        **({"waived": True} if outcome.waived else {}),
        **({"coverage": coverage_row(outcome.coverage)} if outcome.coverage else {}),
        **({"policy": policy} if policy else {}),
        **({"counts": {severity.value: n for severity, n in counted.items() if n}} if counted else {}),
        "concerns": [{"code": concern.code, "detail": concern.detail} for concern in outcome.concerns],
    }


def outcome_of(step: Mapping[str, JsonValue]) -> CheckOutcome:
    """The reverse."""
    concerns = cast("list[Mapping[str, str]]", step.get("concerns") or [])
    return CheckOutcome(
        name=str(step["name"]),
        result=CheckResult(str(step["result"])),
        message=str(step["message"]),
        detail=str(step.get("detail") or ""),
        concerns=tuple(Concern(concern["code"], concern["detail"]) for concern in concerns),
        waived=bool(step.get("waived")),
        coverage=coverage_of(cast("Mapping[str, JsonValue] | None", step.get("coverage"))),
        counts={Severity(name): n for name, n in cast("Mapping[str, int]", step.get("counts") or {}).items()},
    )
