"""Receive a package file, ask the gate, put it into its suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from entrepot.adapters.catalog.base import (
    Admission,
    AdmissionState,
    AuditEntry,
    Catalog,
    JsonValue,
    PackageFilter,
    StoredPackage,
    Writing,
)
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.storage.base import BlobStore, BlobWriter
from entrepot.domain.formats.base import Limits, PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import Concern, Format, PackageFacts, PackageKey
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.gate import CheckOutcome, CheckResult, Judgement, Verdict, judge
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import EntrepotError, InvalidRequest, PackageDigestMismatch, SameKeyOtherBytes
from entrepot.services.intake.admit import Candidate, check_key, live_in, place, repeat_lost_races
from entrepot.services.intake.checks.base import Check, Subject, Surroundings
from entrepot.services.intake.targets import Target, find_target

_STATES = {
    Verdict.ACCEPT: AdmissionState.ACCEPTED,
    Verdict.HOLD: AdmissionState.HELD,
    Verdict.REFUSE: AdmissionState.REFUSED,
}


_RESULTS = {
    AdmissionState.ACCEPTED: "SUCCESS",
    AdmissionState.HELD: "PENDING_REVIEW",
    AdmissionState.REFUSED: "BLOCKED",
}


class ReceiptStatus(StrEnum):
    """What became of an upload so far."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    HELD = "held"
    REFUSED = "refused"
    INSPECTING = "inspecting"


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What a client says about the file it sends; nothing of it is believed where the bytes can be asked."""

    filename: str
    distribution: str | None = None
    component: str | None = None
    declared_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the client is told.  ``revision`` is the suite's revision that contains the package, once it does."""

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


class Intake:
    """The way in."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        checks: Sequence[Check],
        limits: Limits,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._queue = queue
        self._formats = formats
        self._checks = checks
        self._limits = limits
        self._now = now

    def stage(self) -> BlobWriter:
        """Where a body goes while it arrives; nothing of it stays unless ``receive`` accepts it."""
        return self._blobs.writer()

    def receive(self, actor: Actor, staged: BlobWriter, request: UploadRequest) -> Receipt:
        """Inspect a whole staged file and admit it.

        When this returns, the package is durable and its verdict recorded.  It is visible to clients once the suite
        is published up to ``revision``.

        Raises:
            InvalidRequest, UnknownDistribution, WrongFormat: the request does not fit.
            MalformedPackage and its kin: the file does not.
            SameKeyOtherBytes: the version exists with other content.
        """
        demand(actor, Permission.PACKAGE_UPLOAD)
        format_ = self._format_named(request.filename)
        with self._catalog.read() as reading:
            target = find_target(reading, request.distribution, request.component, format_.format)
        self._compare_declared(staged, request)
        try:
            with staged.reopen() as source:
                facts = format_.read(source, staged.size_bytes, self._limits)
        except EntrepotError as error:
            self._record_refusal(actor, request, target, error)
            raise
        with self._catalog.read() as reading:
            check_key(reading, target.suite, facts.key, staged.digest())
        outcomes = self._ask(
            _subject(facts, staged.digest(), target), [check for check in self._checks if not check.slow]
        )
        waits = any(check.slow for check in self._checks)
        staged.commit()
        return repeat_lost_races(lambda: self._admit(actor, staged, facts, target, outcomes, waits=waits))

    def _format_named(self, filename: str) -> PackageFormat:
        for format_ in self._formats.values():
            if filename.lower().endswith(format_.suffix):
                return format_
        known = ", ".join(format_.suffix for format_ in self._formats.values())
        raise InvalidRequest(f"the file name {filename[:120]!r} does not end in one of {known}")

    def _compare_declared(self, staged: BlobWriter, request: UploadRequest) -> None:
        declared = request.declared_sha256
        if declared and declared.lower() != staged.digest():
            raise PackageDigestMismatch(
                "the bytes that arrived do not have the declared SHA-256; send the file again",
                declared_sha256=declared[:64],
                received_sha256=staged.digest(),
            )

    def _record_refusal(self, actor: Actor, request: UploadRequest, target: Target, error: EntrepotError) -> None:
        detail: dict[str, JsonValue] = {
            "filename": request.filename[:200],
            "error": error.code,
            "message": error.detail[:500],
        }
        with self._catalog.write() as unit:
            unit.audit(AuditEntry("UPLOAD", "FAILURE", actor, self._now(), suite=target.suite.codename, detail=detail))

    def _ask(self, subject: Subject, checks: Sequence[Check]) -> list[CheckOutcome]:
        around = Surroundings(self._catalog, self._blobs)
        outcomes = []
        for check in checks:
            try:
                outcomes.append(check.inspect(subject, around))
            except EntrepotError as error:
                outcomes.append(CheckOutcome(check.name, CheckResult.ERROR, error.detail))
        return outcomes

    def _admit(
        self,
        actor: Actor,
        staged: BlobWriter,
        facts: PackageFacts,
        target: Target,
        outcomes: Sequence[CheckOutcome],
        *,
        waits: bool,
    ) -> Receipt:
        digest, now = staged.digest(), self._now()
        format_ = self._formats[facts.key.format]
        filename = format_.filename(facts.key)
        judgement = judge(outcomes)
        with self._catalog.write() as unit:
            known = unit.package_with_digest(digest)
            package_id = (
                known.id
                if known
                else unit.add_package(facts, digest, staged.sha512(), staged.size_bytes, filename, actor, now)
            )
            receipt = Receipt(
                status=ReceiptStatus.ACCEPTED,
                package_id=package_id,
                key=facts.key,
                digest=digest,
                size_bytes=staged.size_bytes,
                filename=filename,
                suite=target.suite,
                outcomes=outcomes,
                reasons=judgement.reasons,
                signed=facts.signed,
            )
            if known and live_in(unit, target.suite, known.id, facts.key):
                self._audit_upload(unit, actor, receipt, "DUPLICATE", now)
                return _with(receipt, ReceiptStatus.DUPLICATE, unit.suite(target.suite.id).revision)
            candidate = Candidate(package_id, facts.key, facts.source, digest)
            receipt = self._conclude(unit, actor, receipt, candidate, target.component, judgement, waits=waits)
        self._wake(receipt)
        return receipt

    def _conclude(
        self,
        unit: Writing,
        actor: Actor,
        receipt: Receipt,
        candidate: Candidate,
        component: str,
        judgement: Judgement,
        *,
        waits: bool,
    ) -> Receipt:
        """Write the admission and, when it may, place the package; all in the caller's unit."""
        now = self._now()
        state = AdmissionState.RECEIVED if waits else _STATES[judgement.verdict]
        revision = None
        if state is AdmissionState.ACCEPTED:
            format_ = self._formats[receipt.key.format]
            revision = place(unit, receipt.suite, format_, candidate, component, actor, now)
        else:
            check_key(unit, receipt.suite, candidate.key, candidate.digest)
        admission = Admission(
            id=0,
            suite_id=receipt.suite.id,
            package_id=receipt.package_id,
            component=component,
            state=state,
            steps=[_step(outcome) for outcome in receipt.outcomes],
            reasons=judgement.reasons,
            requested_by=actor.name,
            requested_at=now,
            revision=revision,
        )
        number = unit.add_admission(admission)
        status, result = {
            AdmissionState.ACCEPTED: (ReceiptStatus.ACCEPTED, "SUCCESS"),
            AdmissionState.HELD: (ReceiptStatus.HELD, "PENDING_REVIEW"),
            AdmissionState.REFUSED: (ReceiptStatus.REFUSED, "BLOCKED"),
            AdmissionState.RECEIVED: (ReceiptStatus.INSPECTING, "START"),
        }[state]
        concluded = _with(receipt, status, revision, number)
        self._audit_upload(unit, actor, concluded, result, now)
        return concluded

    def _audit_upload(self, unit: Writing, actor: Actor, receipt: Receipt, result: str, now: datetime) -> None:
        detail: dict[str, JsonValue] = {
            "architecture": receipt.key.architecture,
            "sha256": receipt.digest,
            "size_bytes": receipt.size_bytes,
            "reasons": list(receipt.reasons),
        }
        key = receipt.key
        unit.audit(AuditEntry("UPLOAD", result, actor, now, key.name, key.version, receipt.suite.codename, detail))

    def _wake(self, receipt: Receipt) -> None:
        if receipt.status is ReceiptStatus.ACCEPTED:
            self._queue.submit(Goal(GoalKind.PUBLISH, receipt.suite.id))
        elif receipt.status is ReceiptStatus.INSPECTING and receipt.admission_id is not None:
            self._queue.submit(Goal(GoalKind.INSPECT, receipt.admission_id))

    def inspect(self, admission_id: int) -> None:
        """Run the slow checks of a received package and act on the verdict; done already is fine.

        Called by a worker, as often as it takes: everything up to the last commit can be repeated.
        """
        with self._catalog.read() as reading:
            admission = reading.admission(admission_id)
            if admission.state is not AdmissionState.RECEIVED:
                return
            package, suite = reading.package(admission.package_id), reading.suite(admission.suite_id)
        subject = _stored_subject(package, suite, admission.component)
        outcomes = [_outcome(step) for step in admission.steps]
        outcomes += self._ask(subject, [check for check in self._checks if check.slow])
        repeat_lost_races(lambda: self._settle(admission, package, suite, outcomes))
        self._queue.submit(Goal(GoalKind.PUBLISH, suite.id))

    def _settle(
        self, admission: Admission, package: StoredPackage, suite: Suite, outcomes: Sequence[CheckOutcome]
    ) -> None:
        judgement, now = judge(outcomes), self._now()
        state, reasons, revision = _STATES[judgement.verdict], judgement.reasons, None
        requester = Actor(admission.requested_by, SYSTEM.roles)
        steps = [_step(outcome) for outcome in outcomes]
        with self._catalog.write() as unit:
            # The suite first: whoever decides about its content waits here for the others.
            unit.touch_suite(suite.id)
            if unit.admission(admission.id).state is not AdmissionState.RECEIVED:
                return
            if state is AdmissionState.ACCEPTED and not live_in(unit, suite, package.id, package.key):
                try:
                    check_key(unit, suite, package.key, package.digest)
                except SameKeyOtherBytes as error:  # a rival was faster; nothing that comes later can change that
                    state, reasons = AdmissionState.REFUSED, (error.detail,)
                else:
                    format_ = self._formats[package.key.format]
                    revision = place(unit, suite, format_, Candidate.of(package), admission.component, requester, now)
            unit.decide_admission(admission.id, state, steps, reasons, SYSTEM, now, "", revision)
            key = package.key
            detail: dict[str, JsonValue] = {"architecture": key.architecture, "reasons": list(reasons)}
            result = _RESULTS[state]
            unit.audit(AuditEntry("VALIDATE", result, requester, now, key.name, key.version, suite.codename, detail))

    def receipt(self, admission_id: int) -> Receipt:
        """How an admission stands now, in the words of ``receive``."""
        with self._catalog.read() as reading:
            admission = reading.admission(admission_id)
            package, suite = reading.package(admission.package_id), reading.suite(admission.suite_id)
        status = {
            AdmissionState.ACCEPTED: ReceiptStatus.ACCEPTED,
            AdmissionState.HELD: ReceiptStatus.HELD,
            AdmissionState.REFUSED: ReceiptStatus.REFUSED,
            AdmissionState.RECEIVED: ReceiptStatus.INSPECTING,
        }[admission.state]
        return Receipt(
            status=status,
            package_id=package.id,
            key=package.key,
            digest=package.digest,
            size_bytes=package.size_bytes,
            filename=package.filename,
            suite=suite,
            outcomes=[_outcome(step) for step in admission.steps],
            reasons=admission.reasons,
            signed=bool(package.facts.get("signed")),
            revision=admission.revision,
            admission_id=admission.id,
        )

    def unfinished(self) -> list[Goal]:
        """Inspections that somebody still has to do, found in the catalog."""
        with self._catalog.read() as reading:
            return [Goal(GoalKind.INSPECT, number) for number in reading.undecided()]

    def held(self, actor: Actor) -> list[Receipt]:
        """What waits for a person."""
        demand(actor, Permission.PACKAGE_READ)
        with self._catalog.read() as reading:
            numbers = [admission.id for admission in reading.admissions(PackageFilter(), AdmissionState.HELD)]
        return [self.receipt(number) for number in numbers]


def _with(receipt: Receipt, status: ReceiptStatus, revision: int | None, admission_id: int | None = None) -> Receipt:
    values = {name: getattr(receipt, name) for name in Receipt.__dataclass_fields__}
    return Receipt(**(values | {"status": status, "revision": revision, "admission_id": admission_id}))


def _depends(relations: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(entry for name in ("pre-depends", "depends", "requires") for entry in relations.get(name, ()))


def _subject(facts: PackageFacts, digest: Digest, target: Target) -> Subject:
    return Subject(
        key=facts.key,
        digest=digest,
        suite=target.suite,
        component=target.component,
        depends=_depends(facts.relations),
        concerns=facts.concerns,
        signed=facts.signed,
    )


def _stored_subject(package: StoredPackage, suite: Suite, component: str) -> Subject:
    facts = package.facts
    concerns = cast("list[Mapping[str, str]]", facts.get("concerns") or [])
    return Subject(
        key=package.key,
        digest=package.digest,
        suite=suite,
        component=component,
        depends=_depends(cast("Mapping[str, Sequence[str]]", facts.get("relations") or {})),
        concerns=tuple(Concern(concern["code"], concern["detail"]) for concern in concerns),
        signed=bool(facts.get("signed")),
    )


def _step(outcome: CheckOutcome) -> dict[str, JsonValue]:
    return {
        "name": outcome.name,
        "result": outcome.result.value,
        "message": outcome.message,
        "detail": outcome.detail,
        "concerns": [{"code": concern.code, "detail": concern.detail} for concern in outcome.concerns],
    }


def _outcome(step: Mapping[str, JsonValue]) -> CheckOutcome:
    concerns = cast("list[Mapping[str, str]]", step.get("concerns") or [])
    return CheckOutcome(
        name=str(step["name"]),
        result=CheckResult(str(step["result"])),
        message=str(step["message"]),
        detail=str(step.get("detail") or ""),
        concerns=tuple(Concern(concern["code"], concern["detail"]) for concern in concerns),
    )
