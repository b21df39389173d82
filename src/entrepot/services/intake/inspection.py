"""The slow checks of packages that were received: run by workers, repeatable, decided once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import Admission, AdmissionState, AuditEntry, JsonValue, StoredPackage
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.jobs.work import JobStatus, Work
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.gate import CheckOutcome, judge
from entrepot.domain.policy.security import GateRules
from entrepot.errors import SameKeyOtherBytes, ScannerUnavailable
from entrepot.services.intake.admit import Candidate, check_key, live_in, place, repeat_lost_races
from entrepot.services.intake.answers import ask_missing
from entrepot.services.intake.checks.base import Check, Surroundings
from entrepot.services.intake.decisions import acts
from entrepot.services.intake.findings import keep_scan
from entrepot.services.intake.patience import Patience
from entrepot.services.intake.receipts import RESULTS, STATES, cools, steps_of, stored_subject
from entrepot.services.intake.steps import UploadJobs, verdict_of

_log = structlog.get_logger(__name__)


class Inspector:
    """Brings the goal about that every admission has a verdict."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        checks: Sequence[Check],
        rules: Callable[[Suite], GateRules],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._around = Surroundings(catalog, blobs)
        self._queue = queue
        self._formats = formats
        self._checks = checks
        self._rules = rules
        self._now = now
        self._patience = Patience(now)
        self._jobs: UploadJobs | None = None

    def follow(self, jobs: UploadJobs) -> None:
        """Where inspections that somebody watches are told of."""
        self._jobs = jobs

    def inspect(self, admission_id: int) -> None:
        """Run the slow checks of a received package and act on the verdict; done already is fine.

        Called by a worker, as often as it takes: everything up to the last commit can be repeated.  While a scanner is
        away nothing happens here, and the keeper asks again.
        """
        if self._patience.pauses():
            return
        with self._catalog.read() as reading:
            admission = reading.admission(admission_id)
            if admission.state is not AdmissionState.RECEIVED:
                return
            package, suite = reading.package(admission.package_id), reading.suite(admission.suite_id)
        job = self._jobs.of(admission_id) if self._jobs is not None else None
        around = replace(self._around, report=self._jobs.report(job)) if self._jobs and job else self._around
        subject = stored_subject(package, suite, admission.component)
        slow = {check.name for check in self._checks if check.slow}
        steps = [step for step in admission.steps if step["name"] not in slow]
        try:
            outcomes = ask_missing(subject, steps, self._checks, around)
        except ScannerUnavailable as error:
            self._patience.failed()
            _log.warning("inspection.postponed", admission=admission_id, package=str(package.key), reason=error.detail)
            return
        self._patience.succeeded()
        repeat_lost_races(lambda: self._settle(admission, package, suite, outcomes))
        self._queue.submit(Goal(GoalKind.PUBLISH, suite.id))
        if self._jobs is not None and job is not None:
            self._jobs.finish(job, JobStatus.DONE, self._verdict(admission_id))

    def reconsider(self, admission_id: int) -> None:
        """Judge a package anew that was held for its age; the same answers where they last, new ones where not.

        Called by a worker, as often as it takes.  A person who decides at the same time is the first or the second.
        """
        with self._catalog.read() as reading:
            admission = reading.admission(admission_id)
            if admission.state is not AdmissionState.HELD or not cools(admission.steps):
                return
            package, suite = reading.package(admission.package_id), reading.suite(admission.suite_id)
        subject = stored_subject(package, suite, admission.component)
        try:
            outcomes = ask_missing(subject, admission.steps, self._checks, self._around)
        except ScannerUnavailable as error:
            _log.warning("inspection.postponed", admission=admission_id, package=str(package.key), reason=error.detail)
            return
        if cools(steps_of(outcomes, judge(outcomes, self._rules(suite)))):
            return
        repeat_lost_races(lambda: self._settle(admission, package, suite, outcomes))
        self._queue.submit(Goal(GoalKind.PUBLISH, suite.id))

    def watch(self, work: Work) -> Mapping[str, JsonValue] | None:
        """Whether the inspection that a job tells of has ended: a job outlives a worker that was killed."""
        return self._verdict(int(work.subject))

    def _verdict(self, admission_id: int) -> Mapping[str, JsonValue] | None:
        with self._catalog.read() as reading:
            return verdict_of(reading.admission(admission_id))

    def _settle(
        self, admission: Admission, package: StoredPackage, suite: Suite, outcomes: Sequence[CheckOutcome]
    ) -> None:
        rules, now = self._rules(suite), self._now()
        requester = Actor(admission.requested_by, SYSTEM.roles)
        with self._catalog.write() as unit:
            # The suite first: whoever decides about its content waits here for the others.
            unit.touch_suite(suite.id)
            if unit.admission(admission.id).state is not admission.state:
                return
            against = acts.kept_out(unit, suite, package.id)
            judgement = against or judge(outcomes, rules, unit.accepted_findings(package.id, suite.id, now))
            state, reasons, revision = STATES[judgement.verdict], judgement.reasons, None
            appeals = against is None
            if state is AdmissionState.ACCEPTED and not live_in(unit, suite, package.id, package.key):
                try:
                    check_key(unit, suite, package.key, package.digest)
                except SameKeyOtherBytes as error:  # a rival was faster; nothing that comes later can change that
                    state, reasons, appeals = AdmissionState.REFUSED, (error.detail,), False
                else:
                    format_ = self._formats[package.key.format]
                    revision = place(unit, suite, format_, Candidate.of(package), admission.component, requester, now)
            steps = steps_of(outcomes, judgement)
            unit.decide_admission(admission.id, state, steps, reasons, SYSTEM, now, "", revision)
            keep_scan(unit, suite, package.id, outcomes, now)
            if appeals:
                acts.note_wait(unit, admission.id, state, outcomes, now)
            key = package.key
            detail: dict[str, JsonValue] = {
                "architecture": key.architecture,
                "reasons": list(reasons),
                **({"warnings": list(judgement.warnings)} if judgement.warnings else {}),
                "checks": {one.name: f"{one.result.value}: {one.message}"[:500] for one in outcomes},
            }
            result = RESULTS[state]
            unit.audit(AuditEntry("VALIDATE", result, requester, now, key.name, key.version, suite.codename, detail))

    def unfinished(self) -> list[Goal]:
        """Inspections that somebody still has to do, found in the catalog; one, while a scanner was away last time."""
        if self._patience.pauses():
            return []
        with self._catalog.read() as reading:
            waiting = reading.undecided()
        return [Goal(GoalKind.INSPECT, number) for number in (waiting[:1] if self._patience.tries else waiting)]

    def paused(self) -> bool:
        """Whether inspections wait here for a scanner to come back."""
        return self._patience.tries
