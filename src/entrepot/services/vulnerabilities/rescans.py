"""Asking every check again about stored bytes, the slow scanners included: as a job that survives any crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.findings import Scan
from entrepot.adapters.catalog.records import Admission, AuditEntry, JsonValue, PackageFilter, StoredPackage
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.finding import Finding
from entrepot.domain.model.suite import PackageId, Suite, SuiteId
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.policy.scanned import combined
from entrepot.errors import AlreadyRunning, NotFound, ScannerUnavailable
from entrepot.services.vulnerabilities.base import Effect, Examining, News
from entrepot.services.vulnerabilities.findings import find_package

_log = structlog.get_logger(__name__)

_JOB = "rescan"
_PAUSE_SECONDS = 10.0
_BAD = (CheckResult.FINDINGS, CheckResult.ERROR, CheckResult.INCONCLUSIVE)

Steps = Callable[[Sequence[CheckOutcome]], list[Mapping[str, JsonValue]]]


@dataclass(frozen=True, slots=True)
class Rescanned:
    """What became of it; without outcomes a job does it.  ``status`` is where the package stands now."""

    package: StoredPackage
    suite: Suite
    outcomes: Sequence[CheckOutcome] | None = None
    scan: Scan | None = None
    status: str = ""
    job_id: str = ""


class Rescans:
    """One package at a time."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        queue: Queue,
        examining: Examining,
        effect: Effect,
        steps: Steps,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._queue = queue
        self._examining = examining
        self._effect = effect
        self._steps = steps
        self._now = now
        self._monotonic = monotonic
        self._not_before = 0.0

    def ask(
        self, actor: Actor, name: str, version: str, architecture: str | None, distribution: str | None
    ) -> Rescanned:
        """Ask at once, or, with a slow scanner, have a job do it; asking again while it runs gives the same job.

        Raises:
            NotFound: there is no such package in a distribution or before one, or its bytes are gone.
        """
        demand(actor, Permission.RESCAN)
        with self._catalog.read() as reading:
            found = find_package(reading, name, version, architecture, distribution)
            package, suite = found.package, found.suite
        if found.scan is None or found.refusal is not None:
            raise NotFound(f"{package.key} is in no distribution and waits for none; there is nothing to scan")
        if not self._blobs.has(package.digest):
            raise NotFound(f"the file of {package.key} is gone; upload it again")
        if self._examining.slow():
            return Rescanned(package, suite, job_id=self._begin(actor, package, suite))
        return self._carry_out(actor, package, suite)

    def _begin(self, actor: Actor, package: StoredPackage, suite: Suite) -> str:
        group = f"{_JOB}-{suite.id}-{package.id}"
        parameters: dict[str, JsonValue] = {"suite": suite.id, "package": package.id}
        key = package.key
        try:
            with self._catalog.write() as unit:
                number = unit.add_run(_JOB, group, parameters, actor.name, actor.address, self._now())
                detail: dict[str, JsonValue] = {"architecture": key.architecture, "job": number}
                entry = AuditEntry("RESCAN", "START", actor, self._now(), key.name, key.version, suite.codename, detail)
                unit.audit(entry)
        except AlreadyRunning:
            with self._catalog.read() as reading:
                number = next(iter(reading.open_runs(group)), 0)
        self._queue.submit(Goal(GoalKind.RESCAN, number))
        return f"{_JOB}-{number}"

    def unmet(self) -> list[Goal]:
        """Jobs that have not ended, found in the catalog; none while a scanner was away a moment ago."""
        if self._monotonic() < self._not_before:
            return []
        with self._catalog.read() as reading:
            return [Goal(GoalKind.RESCAN, number) for number in reading.open_rescans()]

    def pursue(self, run_id: int) -> None:
        """Go on with a job.  While a scanner is away nothing happens, and the keeper asks again."""
        with self._catalog.read() as reading:
            run = reading.job_run(run_id)
            if run.ended_at is not None:
                return
            suite_id, number = run.parameters["suite"], run.parameters["package"]
            suite = reading.suite(SuiteId(int(str(suite_id))))
            package = reading.package(PackageId(int(str(number))))
            here = reading.scan(suite.id, package.id) is not None and self._blobs.has(package.digest)
        actor, outcome = Actor(run.requested_by, frozenset(), run.address), "done"
        if here:
            try:
                self._carry_out(actor, package, suite)
            except ScannerUnavailable as error:
                self._not_before = self._monotonic() + _PAUSE_SECONDS
                _log.warning("rescan.postponed", run=run_id, package=str(package.key), reason=error.detail)
                return
        else:
            outcome = "gone"
        with self._catalog.write() as unit:
            unit.end_run(run_id, outcome, self._now())

    def _carry_out(self, actor: Actor, package: StoredPackage, suite: Suite) -> Rescanned:
        with self._catalog.read() as reading:
            request = _request(reading, package, suite)
        outcomes = self._examining.examine(package, suite, request.component if request else "")
        with self._catalog.write() as unit:
            new = self._keep(unit, actor, package, suite, request, outcomes)
        self._effect(News(package, suite, outcomes, new))
        with self._catalog.write() as unit:
            unit.settle_news(suite.id, package.id, [one.id for one in new])
        with self._catalog.read() as reading:
            scan = reading.scan(suite.id, package.id)
            return Rescanned(package, suite, outcomes, scan, _status(reading, package, suite))

    def _keep(
        self,
        unit: Writing,
        actor: Actor,
        package: StoredPackage,
        suite: Suite,
        request: Admission | None,
        outcomes: Sequence[CheckOutcome],
    ) -> list[Finding]:
        """What the checks say from now on; findings that were not there before, noted as news until they had effect."""
        now, key, new = self._now(), package.key, list[Finding]()
        kept = unit.findings(suite.id, [package.id]).get(package.id, [])
        before = {(one.id, one.component) for one in kept}
        scan = unit.scan(suite.id, package.id)
        live = package.id in unit.live_among(suite.id, [package.id])
        outcome = None if scan is None else combined(outcomes, scan.engine, kept)
        if outcome is not None and scan is not None:
            new = [one for one in outcome.findings if (one.id, one.component) not in before]
            found = Scan.of(suite.id, package.id, outcome, now)
            if (scan.round, scan.position) <= (found.round, found.position):
                news = (*scan.news, *(one.id for one in new)) if live else scan.news
                known = replace(found, rematched_at=now, news=tuple(dict.fromkeys(news)))
                unit.keep_scans([(known, outcome.findings)])
        if request is not None:
            unit.note_steps(request.id, self._steps(outcomes))
        bad = [outcome for outcome in outcomes if outcome.result in _BAD]
        detail: dict[str, JsonValue] = {
            "architecture": key.architecture,
            "sha256": package.digest,
            "checks": {one.name: f"{one.result.value}: {one.message}"[:500] for one in outcomes},
            "new_findings": [one.id for one in new][:100],
        }
        if new or bad:
            detail["reason"] = "; ".join(f"{one.name}: {one.message}" for one in bad)[:1000]
        result = "WARNING" if new or bad else "SUCCESS"
        unit.audit(AuditEntry("RESCAN", result, actor, now, key.name, key.version, suite.codename, detail))
        return new


def _request(reading: Reading, package: StoredPackage, suite: Suite) -> Admission | None:
    """The newest one before the suite."""
    key = package.key
    wanted = PackageFilter(name=key.name, version=key.version, architecture=key.architecture, suite=suite.codename)
    fitting = [one for one in reading.admissions(wanted) if one.suite_id == suite.id and one.package_id == package.id]
    return fitting[-1] if fitting else None


def _status(reading: Reading, package: StoredPackage, suite: Suite) -> str:
    here = [one for one in reading.postures_of([package.id]) if one.suite_id == suite.id]
    if not here:
        return "quarantined"
    return "pending_review" if here[0].waits else "validated"
