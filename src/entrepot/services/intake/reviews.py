"""People decide about what the gate held."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

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
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyDecided, InvalidRequest, NotFound
from entrepot.services.intake.admit import Candidate, live_in, place, repeat_lost_races
from entrepot.services.intake.movements import Revisions

_JUSTIFICATION_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Held:
    """A package that waits for a person, before one suite."""

    package: StoredPackage
    suite: Suite
    admission: Admission


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and the revisions that show it to clients."""

    held: Sequence[Held]
    approved: bool
    decided_at: datetime
    justification: str
    revisions: Revisions


class Reviews:
    """The queue of held packages.  A decision is bound to the bytes that were held, and is made once."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._formats = formats
        self._now = now

    def queue(self, actor: Actor, offset: int, limit: int) -> tuple[list[Held], int]:
        """A page of what waits, oldest first, and the number of all."""
        demand(actor, Permission.REVIEW_READ)
        with self._catalog.read() as reading:
            waiting = reading.admissions(PackageFilter(), AdmissionState.HELD)
            page = [
                Held(reading.package(one.package_id), reading.suite(one.suite_id), one)
                for one in waiting[offset : offset + limit]
            ]
        return page, len(waiting)

    def decide(
        self, actor: Actor, name: str, version: str, architecture: str | None, *, approve: bool, justification: str
    ) -> Decision:
        """Approve or reject every held file of one version, or of one architecture of it.

        Raises:
            InvalidRequest: there is no justification.
            NotFound: no such version was ever held.
            AlreadyDecided: it was, and somebody has decided.
        """
        demand(actor, Permission.REVIEW_DECIDE)
        text = justification.strip()
        if not text or len(text) > _JUSTIFICATION_CHARACTERS:
            raise InvalidRequest(f"a decision needs a justification of at most {_JUSTIFICATION_CHARACTERS} characters")
        wanted = PackageFilter(name=name, version=version, architecture=architecture or "")
        decision = repeat_lost_races(lambda: self._decide(actor, wanted, approve=approve, justification=text))
        for suite_id in decision.revisions:
            self._queue.submit(Goal(GoalKind.PUBLISH, suite_id))
        return decision

    def _decide(self, actor: Actor, wanted: PackageFilter, *, approve: bool, justification: str) -> Decision:
        now = self._now()
        revisions: dict[SuiteId, int] = {}
        held: list[Held] = []
        with self._catalog.write() as unit:
            for admission in self._waiting(unit, wanted):
                one = Held(unit.package(admission.package_id), unit.suite(admission.suite_id), admission)
                revision = self._settle(unit, actor, one, approve=approve, justification=justification, now=now)
                if revision is not None:
                    revisions[one.suite.id] = revision
                held.append(one)
        return Decision(held, approve, now, justification, revisions)

    def _waiting(self, unit: Writing, wanted: PackageFilter) -> list[Admission]:
        waiting = unit.admissions(wanted, AdmissionState.HELD)
        if waiting:
            return waiting
        spec = f"{wanted.name} {wanted.version}"[:200]
        if any(one.decided_at is not None for one in unit.admissions(wanted)):
            raise AlreadyDecided(f"somebody has decided about {spec} already")
        raise NotFound(f"{spec} does not wait for a decision")

    def _settle(
        self, unit: Writing, actor: Actor, one: Held, *, approve: bool, justification: str, now: datetime
    ) -> int | None:
        package, suite, admission = one.package, one.suite, one.admission
        state, revision = (AdmissionState.ACCEPTED if approve else AdmissionState.REFUSED), None
        if approve and not live_in(unit, suite, package.id, package.key):
            format_ = self._formats[package.key.format]
            revision = place(unit, suite, format_, Candidate.of(package), admission.component, actor, now)
        reasons = admission.reasons
        unit.decide_admission(admission.id, state, admission.steps, reasons, actor, now, justification, revision)
        key = package.key
        detail: dict[str, JsonValue] = {
            "architecture": key.architecture,
            "decision": "approve" if approve else "reject",
            "justification": justification,
            "sha256": package.digest,
            "reasons": list(reasons),
        }
        entry = AuditEntry("SECURITY_DECISION", "SUCCESS", actor, now, key.name, key.version, suite.codename, detail)
        unit.audit(entry)
        return revision
