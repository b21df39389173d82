"""Receive a package file, ask the gate, put it into its suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.records import (
    Admission,
    AdmissionState,
    AuditEntry,
    JsonValue,
    PackageFilter,
    StoredPackage,
)
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.storage.base import BlobStore, BlobWriter
from entrepot.adapters.storage.staged import Staged
from entrepot.domain.formats.base import Limits, PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import Format, PackageFacts
from entrepot.domain.model.suite import PackageId, Suite, SuiteId
from entrepot.domain.policy.gate import CheckOutcome, Judgement, judge
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.domain.policy.security import GateRules
from entrepot.errors import EntrepotError, InvalidRequest, PackageDigestMismatch, StoreUnavailable
from entrepot.services.intake.admit import Candidate, check_key, live_in, open_admission, place, repeat_lost_races
from entrepot.services.intake.arrivals import Arrivals
from entrepot.services.intake.checks.asking import ask
from entrepot.services.intake.checks.base import Check, Surroundings
from entrepot.services.intake.decisions import acts
from entrepot.services.intake.findings import keep_scan
from entrepot.services.intake.origins import check_identity, note_origin, origin_detail
from entrepot.services.intake.provenance.beside import Beside, brought, keep
from entrepot.services.intake.receipts import (
    RESULTS,
    STATES,
    STATUSES,
    Origin,
    Receipt,
    ReceiptStatus,
    UploadRequest,
    outcome_of,
    steps_of,
    subject_of,
    warnings_of,
)
from entrepot.services.intake.steps import STRUCTURE, Report, Step, StepStatus, UploadJobs, nothing
from entrepot.services.intake.targets import Target, find_target


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
        rules: Callable[[Suite], GateRules],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._queue = queue
        self._formats = formats
        self._checks = checks
        self._limits = limits
        self._rules = rules
        self._now = now
        self.arrivals = Arrivals()
        self._jobs: UploadJobs | None = None

    def follow(self, jobs: UploadJobs) -> None:
        """Where inspections that somebody watches are told of."""
        self._jobs = jobs

    def stage(self) -> BlobWriter:
        """Where a body goes while it arrives; nothing of it stays unless ``receive`` accepts it."""
        return self._blobs.writer()

    def foresee(self, actor: Actor, staged: Staged, request: UploadRequest) -> PackageFacts:
        """What ``receive`` would read, and every reason why it would refuse the request; changes nothing.

        Raises:
            Whatever ``receive`` raises of the request and the file.
        """
        demand(actor, Permission.PACKAGE_UPLOAD)
        format_ = self._format_named(request.filename)
        with self._catalog.read() as reading:
            target = find_target(reading, request.distribution, request.component, format_.format)
        demand_suite(actor, target.suite)
        with staged.reopen() as source:
            facts = format_.read(source, staged.size_bytes, self._limits)
        with self._catalog.read() as reading:
            check_key(reading, target.suite, facts.key, staged.digest())
        return facts

    def receive(self, actor: Actor, staged: Staged, request: UploadRequest, report: Report = nothing) -> Receipt:
        """Inspect a whole staged file and admit it.

        When this returns, the package is durable and its verdict recorded.  It is visible to clients once the suite
        is published up to ``revision``.  ``report`` is told of every step, in this thread.

        Raises:
            InvalidRequest, UnknownDistribution, WrongFormat: the request does not fit.
            MalformedPackage and its kin: the file does not.
            SameKeyOtherBytes: the version exists with other content.
        """
        demand(actor, Permission.PACKAGE_UPLOAD)
        format_ = self._format_named(request.filename)
        with self._catalog.read() as reading:
            target = find_target(reading, request.distribution, request.component, format_.format)
        demand_suite(actor, target.suite)
        self._compare_declared(staged, request)
        with self.arrivals.counted(target.suite.id):
            return self._receive(actor, staged, request, report, target)

    def _receive(self, actor: Actor, staged: Staged, request: UploadRequest, report: Report, target: Target) -> Receipt:
        format_ = self._formats[target.suite.format]
        report(Step(STRUCTURE, StepStatus.RUNNING))
        try:
            with staged.reopen() as source:
                facts = format_.read(source, staged.size_bytes, self._limits)
            beside = brought(staged.digest(), request.signature, request.attestations)
        except EntrepotError as error:
            self._record_refusal(actor, request, target, error)
            report(Step(STRUCTURE, StepStatus.ERROR, error.detail))
            raise
        if request.origin is not None:
            check_identity(request.origin, facts.key)
        with self._catalog.read() as reading:
            check_key(reading, target.suite, facts.key, staged.digest())
        outcomes = ask(
            subject_of(facts, staged.digest(), target),
            [check for check in self._checks if not check.slow],
            Surroundings(self._catalog, self._blobs, report, staged.reopen, beside),
        )
        waits = any(check.slow for check in self._checks)
        for one in beside:
            self._blobs.put(one.data)
        staged.commit()
        admit = partial(self._admit, actor, staged, facts, target, outcomes, beside, request)
        receipt = repeat_lost_races(partial(admit, waits=waits))
        self._wake(receipt)
        return receipt

    def _format_named(self, filename: str) -> PackageFormat:
        for format_ in self._formats.values():
            if filename.lower().endswith(format_.suffix):
                return format_
        known = ", ".join(format_.suffix for format_ in self._formats.values())
        raise InvalidRequest(f"the file name {filename[:120]!r} does not end in one of {known}")

    def _compare_declared(self, staged: Staged, request: UploadRequest) -> None:
        declared = request.declared_sha256
        if declared and declared.lower() != staged.digest():
            raise PackageDigestMismatch(
                "the bytes that arrived do not have the declared SHA-256; send the file again",
                declared_sha256=declared[:64],
                received_sha256=staged.digest(),
            )

    def _record_refusal(self, actor: Actor, request: UploadRequest, target: Target, error: EntrepotError) -> None:
        if request.origin is not None:  # whoever had it fetched tells that of all that can go wrong
            return
        detail: dict[str, JsonValue] = {
            "filename": request.filename[:200],
            "error": error.code,
            "message": error.detail[:500],
        }
        with self._catalog.write() as unit:
            unit.audit(AuditEntry("UPLOAD", "FAILURE", actor, self._now(), suite=target.suite.codename, detail=detail))

    def _admit(
        self,
        actor: Actor,
        staged: Staged,
        facts: PackageFacts,
        target: Target,
        outcomes: Sequence[CheckOutcome],
        beside: Sequence[Beside],
        request: UploadRequest,
        *,
        waits: bool,
    ) -> Receipt:
        watched, origin = request.watched, request.origin
        digest, now = staged.digest(), self._now()
        format_ = self._formats[facts.key.format]
        filename = format_.filename(facts.key)
        pending = frozenset(check.name for check in self._checks if check.slow) if waits else frozenset()
        rules = self._rules(target.suite)
        with self._catalog.write() as unit:
            known = _known(unit, digest, facts, now)
            against = acts.kept_out(unit, target.suite, known.id) if known else None
            accepted = unit.accepted_findings(known.id, target.suite.id, now) if known else frozenset[str]()
            judgement = against or judge(outcomes, rules, accepted, pending=pending)
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
                warnings=judgement.warnings,
                withheld=against is not None,
            )
            keep(unit, digest, [one.evidence(digest, actor.name, now) for one in beside])
            if known and live_in(unit, target.suite, known.id, facts.key):
                self._audit_upload(unit, actor, receipt, "DUPLICATE", now, origin)
                return replace(receipt, status=ReceiptStatus.DUPLICATE, revision=unit.suite(target.suite.id).revision)
            waiting = open_admission(unit, target.suite, known.id, facts.key) if known else None
            if waiting is not None:
                self._audit_upload(unit, actor, receipt, "DUPLICATE", now, origin)
                receipt = replace(receipt, status=STATUSES[waiting.state], admission_id=waiting.id)
                return self._watched(unit, actor, receipt) if watched else receipt
            candidate = Candidate(package_id, facts.key, facts.source, digest)
            waits = waits and against is None
            receipt = self._conclude(unit, actor, receipt, candidate, target.component, judgement, origin, waits=waits)
            if not self._blobs.has(digest):
                raise StoreUnavailable("the file was lost while it was being admitted; send it again")
            return self._watched(unit, actor, receipt) if watched else receipt

    def _watched(self, unit: Writing, actor: Actor, receipt: Receipt) -> Receipt:
        """With a job that tells of the inspection, if there will be one."""
        if self._jobs is None or receipt.status is not ReceiptStatus.INSPECTING or receipt.admission_id is None:
            return receipt
        label = f"{receipt.key} in {receipt.suite.codename}"
        return replace(receipt, job=self._jobs.open(unit, receipt.admission_id, label, actor))

    def _conclude(
        self,
        unit: Writing,
        actor: Actor,
        receipt: Receipt,
        candidate: Candidate,
        component: str,
        judgement: Judgement,
        origin: Origin | None,
        *,
        waits: bool,
    ) -> Receipt:
        """Write the admission and, when it may, place the package; all in the caller's unit."""
        now = self._now()
        state = AdmissionState.RECEIVED if waits else STATES[judgement.verdict]
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
            steps=steps_of(receipt.outcomes, judgement),
            reasons=judgement.reasons,
            requested_by=actor.name,
            requested_at=now,
            revision=revision,
        )
        number = unit.add_admission(admission)
        keep_scan(unit, receipt.suite, receipt.package_id, receipt.outcomes, now)
        if origin is not None:
            note_origin(unit, actor, receipt, origin, now)
        if not receipt.withheld:
            acts.note_wait(unit, number, state, receipt.outcomes, now)
        concluded = replace(receipt, status=STATUSES[state], revision=revision, admission_id=number)
        self._audit_upload(unit, actor, concluded, RESULTS[state], now, origin)
        return concluded

    def _audit_upload(
        self, unit: Writing, actor: Actor, receipt: Receipt, result: str, now: datetime, origin: Origin | None
    ) -> None:
        detail: dict[str, JsonValue] = {
            "architecture": receipt.key.architecture,
            "sha256": receipt.digest,
            "size_bytes": receipt.size_bytes,
            "reasons": list(receipt.reasons),
            **({"warnings": list(receipt.warnings)} if receipt.warnings else {}),
            **({} if origin is None else origin_detail(origin)),
        }
        key, action = receipt.key, "UPLOAD" if origin is None else "IMPORT"
        unit.audit(AuditEntry(action, result, actor, now, key.name, key.version, receipt.suite.codename, detail))

    def _wake(self, receipt: Receipt) -> None:
        if receipt.status is ReceiptStatus.ACCEPTED:
            self._queue.submit(Goal(GoalKind.PUBLISH, receipt.suite.id))
        elif receipt.status is ReceiptStatus.INSPECTING and receipt.admission_id is not None:
            self._queue.submit(Goal(GoalKind.INSPECT, receipt.admission_id))

    def receipt(self, admission_id: int) -> Receipt:
        """How an admission stands now, in the words of ``receive``."""
        with self._catalog.read() as reading:
            admission = reading.admission(admission_id)
            package, suite = reading.package(admission.package_id), reading.suite(admission.suite_id)
            withheld = bool(reading.quarantined([package.id]))
        return Receipt(
            status=STATUSES[admission.state],
            package_id=package.id,
            key=package.key,
            digest=package.digest,
            size_bytes=package.size_bytes,
            filename=package.filename,
            suite=suite,
            outcomes=[outcome_of(step) for step in admission.steps],
            reasons=admission.reasons,
            signed=bool(package.facts.get("signed")),
            revision=admission.revision,
            admission_id=admission.id,
            withheld=withheld,
            warnings=warnings_of(admission.steps),
        )

    def standing(self, package_id: PackageId, suite_id: SuiteId) -> Receipt:
        """Of a package that is in a suite already, in the words of ``receive`` for what comes again."""
        with self._catalog.read() as reading:
            package, suite = reading.package(package_id), reading.suite(suite_id)
        return Receipt(
            status=ReceiptStatus.DUPLICATE,
            package_id=package.id,
            key=package.key,
            digest=package.digest,
            size_bytes=package.size_bytes,
            filename=package.filename,
            suite=suite,
            outcomes=(),
            reasons=(),
            signed=bool(package.facts.get("signed")),
            revision=suite.revision,
        )

    def held(self, actor: Actor) -> list[Receipt]:
        """What waits for a person."""
        demand(actor, Permission.PACKAGE_READ)
        with self._catalog.read() as reading:
            numbers = [admission.id for admission in reading.admissions(PackageFilter(), AdmissionState.HELD)]
        return [self.receipt(number) for number in numbers]


def _known(unit: Writing, digest: Digest, facts: PackageFacts, now: datetime) -> StoredPackage | None:
    """The package that these bytes are already; one that nobody has looked into has its list now."""
    known = unit.package_with_digest(digest)
    if known:
        unit.seize(known.id)  # somebody may be deciding about these bytes: what they decide counts
        if facts.composition is not None and not unit.compositions([known.id]):
            unit.keep_composition(known.id, facts.composition, now)
    return known
