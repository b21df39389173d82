"""People decide about what waits, about what is published, and about what is in quarantine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.decisions import HeldFilter, HeldPackage, StoredDecision
from entrepot.adapters.catalog.records import AdmissionState, JsonValue, PackageFilter, StoredPackage
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.erratum import Erratum, Notice
from entrepot.domain.model.finding import Finding
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import PackageId, Suite, SuiteId
from entrepot.domain.policy.decisions import DecisionAction, review_days, review_due
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import (
    AlreadyDecided,
    AmbiguousDecision,
    InvalidRequest,
    NotFound,
    StoreUnavailable,
    UnknownDistribution,
)
from entrepot.services.intake.admit import Candidate, live_in, place, repeat_lost_races
from entrepot.services.intake.decisions import acts
from entrepot.services.intake.decisions.acts import Choice
from entrepot.services.intake.decisions.assignees import known_assignee

_MOST_CASES = 500
Issue = Callable[[Writing, Actor, Suite, Notice, datetime], Erratum]
"""Tells clients about an update, in the unit of whoever lets it in."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, with the decision that was made about the same bytes last, and by when another one is wanted."""

    held: HeldPackage
    last: StoredDecision | None
    due_at: datetime | None
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class Queued:
    """A page of the queue.  ``total`` counts what meets the conditions, the other two all there are."""

    page: Sequence[Waiting]
    total: int
    review_count: int
    blocked_count: int


@dataclass(frozen=True, slots=True)
class Case:
    """One package before one suite that can be decided about.  ``held`` waits; others are published, or set apart."""

    package: StoredPackage
    suite: Suite
    component: str
    requested_by: str
    brought_by: frozenset[str]
    held: HeldPackage | None = None
    apart: bool = False


@dataclass(slots=True)
class Decision:
    """What was decided, and the revisions that show it to clients."""

    action: DecisionAction
    records: list[StoredDecision] = field(default_factory=list)
    revisions: dict[SuiteId, int] = field(default_factory=dict)
    errata: dict[SuiteId, Erratum] = field(default_factory=dict)


class Reviews:
    """The queue.  A decision is bound to the bytes that it was made about, and is made once."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
        issue: Issue,
    ) -> None:
        self._issue = issue
        self._catalog = catalog
        self._blobs = blobs
        self._queue = queue
        self._formats = formats
        self._configuration = configuration
        self._now = now

    def queue(self, actor: Actor, conditions: HeldFilter, offset: int, limit: int) -> Queued:
        """A page of what waits: the worst first, then what has waited longest.

        Raises:
            UnknownDistribution: what is asked for waits for one that there is not.
        """
        demand(actor, Permission.REVIEW_READ)
        policy, codename = self._configuration().cve_policy, conditions.package.suite
        with self._catalog.read() as reading:
            if codename and all(suite.codename != codename for suite in reading.suites()):
                raise UnknownDistribution(f"there is no distribution {codename[:80]!r}", distribution=codename[:80])
            page, total = reading.held_page(conditions, offset, limit)
            last = reading.decisions_about({one.package.id for one in page})
            review_count, blocked_count = reading.held_counts()
            found = {
                (number, suite_id): findings
                for suite_id in {one.suite.id for one in page}
                for number, findings in reading.findings(
                    suite_id, [one.package.id for one in page if one.suite.id == suite_id]
                ).items()
            }
        rows = [
            Waiting(
                one,
                last.get((one.package.id, one.suite.id)),
                review_due(one.held_at, one.rating.worst, policy),
                found.get((one.package.id, one.suite.id), ()),
            )
            for one in page
        ]
        return Queued(rows, total, review_count, blocked_count)

    def decide(
        self,
        actor: Actor,
        name: str,
        version: str,
        choice: Choice,
        *,
        architecture: str | None = None,
        distribution: str | None = None,
        digest: str | None = None,
    ) -> Decision:
        """Decide about every file of a version that waits, or about one that is published or in quarantine.

        Raises:
            InvalidRequest: there is no justification, or the choice makes no sense.
            NotFound: no such version ever came in.
            AlreadyDecided: somebody has decided.
            AmbiguousDecision: different bytes wait under one version.
            FourEyes: the actor brought the package.
        """
        demand(actor, Permission.REVIEW_DECIDE)
        wanted = acts.keyed(name, version, architecture, distribution)
        checked = replace(choice, justification=acts.justified(choice.justification))
        if choice.erratum is not None and not choice.action.publishes:
            raise InvalidRequest("an erratum tells of an update; this decision lets nothing in")
        with self._catalog.read() as reading:
            if checked.assignee is not None:
                checked = replace(checked, assignee=known_assignee(reading, checked.assignee))
            digests = {case.package.digest for case in _cases(reading, wanted, digest)}
        if checked.action.publishes and not all(self._blobs.has(each) for each in digests):
            raise StoreUnavailable("the bytes of this package are no longer here; send it again")
        decision = repeat_lost_races(lambda: self._decide(actor, wanted, checked, digest))
        for suite_id in decision.revisions:
            self._queue.submit(Goal(GoalKind.PUBLISH, suite_id))
        return decision

    def _decide(self, actor: Actor, wanted: PackageFilter, choice: Choice, digest: str | None) -> Decision:
        now, rules = self._now(), self._configuration().decisions
        decision = Decision(choice.action)
        with self._catalog.write() as unit:
            cases = sorted(_cases(unit, wanted, digest), key=lambda case: (case.suite.id, case.package.id))
            if choice.action.publishes:
                _demand_one_content(cases)
                for case in cases:
                    acts.demand_other_eyes(unit, rules, case.suite, actor, case.brought_by)
            for case in cases:
                self._settle(unit, actor, case, choice, decision, now)
            if choice.erratum is not None:
                self._announce(unit, actor, cases, choice.erratum, decision, now)
        return decision

    def _announce(
        self,
        unit: Writing,
        actor: Actor,
        cases: Sequence[Case],
        notice: Notice,
        decision: Decision,
        now: datetime,
    ) -> None:
        """One in each suite; about what was let in, unless it names other packages."""
        decided = [(case.package.key.name, case.package.key.version) for case in cases]
        about = replace(notice, packages=notice.packages or list(dict.fromkeys(decided)))
        for suite in {case.suite.id: case.suite for case in cases}.values():
            decision.revisions[suite.id] = unit.touch_suite(suite.id)
            decision.errata[suite.id] = self._issue(unit, actor, suite, about, now)

    def _settle(
        self, unit: Writing, actor: Actor, case: Case, choice: Choice, decision: Decision, now: datetime
    ) -> None:
        package, suite = case.package, case.suite
        if case.apart and choice.action.publishes:
            unit.release(package.id)
        if case.held is not None:
            self._end_wait(unit, actor, case.held, choice, now)
        revision = None
        if choice.action.publishes:
            if not live_in(unit, suite, package.id, package.key):
                format_ = self._formats[package.key.format]
                revision = place(unit, suite, format_, Candidate.of(package), case.component, actor, now)
                if case.held is not None:
                    unit.note_revision(case.held.admission.id, revision)
        else:
            revision = acts.take_out(unit, suite, package)
        if revision is not None:
            decision.revisions[suite.id] = revision
        known = {one.id for one in unit.findings(suite.id, [package.id]).get(package.id, ())}
        record = self._record(case, choice, sorted(known), actor, now)
        record = acts.about(record, acts.supersede(unit, record, actor, now))
        reasons: dict[str, JsonValue] = {"reasons": list(case.held.admission.reasons) if case.held else []}
        unit.audit(acts.audit_of("SECURITY_DECISION", "SUCCESS", actor, record, now, reasons))
        decision.records.append(record)

    def _end_wait(self, unit: Writing, actor: Actor, held: HeldPackage, choice: Choice, now: datetime) -> None:
        """Of several people who decide at once, one gets past this."""
        admission = held.admission
        state = AdmissionState.ACCEPTED if choice.action.publishes else AdmissionState.REFUSED
        if held.blocked:
            done = unit.settle_blocked(admission.id, state, actor.name, now, choice.justification, None)
        else:
            done = unit.decide_admission(
                admission.id, state, admission.steps, admission.reasons, actor, now, choice.justification, None
            )
        if not done:
            raise AlreadyDecided(f"somebody has decided about {held.package.key} at this moment")

    def _record(self, case: Case, choice: Choice, shown: Sequence[str], actor: Actor, now: datetime) -> StoredDecision:
        """``shown`` are the findings that are kept with the package; those of when it was held count, too."""
        known = sorted({*shown, *(case.held.rating.findings if case.held else ())})
        days = self._days(case, choice)
        return StoredDecision(
            id=0,
            suite_id=case.suite.id,
            package_id=case.package.id,
            key=case.package.key,
            codename=case.suite.codename,
            digest=case.package.digest,
            component=case.component,
            action=choice.action,
            justification=choice.justification,
            decided_by=actor.name,
            decided_at=now,
            expires_at=None if days is None else now + timedelta(days=days),
            target_version=choice.target_version,
            cve_ids=tuple(choice.cve_ids),
            accepted=tuple(choice.cve_ids or known) if choice.action.publishes else (),
            assignee=choice.assignee or (case.held.assignee if case.held else None),
            assigned_at=now if choice.assignee else (case.held.assigned_at if case.held else None),
            requested_by=case.requested_by,
        )

    def _days(self, case: Case, choice: Choice) -> int | None:
        """An exception always has an end: the one that was given, that of the worst finding, or the usual one."""
        if choice.expires_in_days is not None or choice.action is not DecisionAction.EXCEPTION:
            return choice.expires_in_days
        configuration = self._configuration()
        worst = case.held.rating.worst if case.held else None
        return review_days(worst, configuration.cve_policy) or configuration.decisions.exception_days


def _cases(reading: Reading, wanted: PackageFilter, digest: str | None) -> list[Case]:
    """What can be decided about: what waits, else what is set apart, else what is published without a decision.

    Raises:
        NotFound, AlreadyDecided: there is nothing, and why.
    """
    held = reading.held_page(HeldFilter(wanted, digest=digest or ""), 0, _MOST_CASES)[0]
    if held:
        return [_held_case(one) for one in held]
    known = {one.id: one for one in reading.packages_keyed(wanted) if digest in (None, one.digest)}
    about = reading.decisions_about(known.keys())
    apart = reading.quarantined(known.keys())
    cases = [
        _kept_case(reading, known[one.package_id], one)
        for one in about.values()
        if one.package_id in apart and one.ended_at is None and wanted.suite in ("", one.codename)
    ]
    if cases:
        return cases
    live = [one for one in reading.placements(wanted) if one.package.id in known]
    for one in live:
        before = about.get((one.package.id, one.suite.id))
        if before is None or before.ended_at is not None:
            brought = frozenset({one.added_by, one.package.received_by})
            cases.append(Case(one.package, one.suite, one.component, one.added_by, brought))
    if cases:
        return cases
    spec = f"{wanted.name} {wanted.version}"[:200]
    if any(one.state is AdmissionState.RECEIVED for one in reading.admissions(wanted)):
        raise AlreadyDecided(f"{spec} is still being inspected; nobody can decide about it yet")
    if about or live:
        raise AlreadyDecided(f"somebody has decided about {spec} already; revoke that decision to make another one")
    raise NotFound(f"{spec} does not wait for a decision")


def _held_case(one: HeldPackage) -> Case:
    brought = frozenset({one.admission.requested_by, one.package.received_by})
    return Case(one.package, one.suite, one.admission.component, one.admission.requested_by, brought, held=one)


def _kept_case(reading: Reading, package: StoredPackage, before: StoredDecision) -> Case:
    requests = [one for one in reading.admissions_of([package.id]) if one.suite_id == before.suite_id]
    brought = frozenset({package.received_by, before.requested_by, *(one.requested_by for one in requests[-1:])})
    suite = reading.suite(before.suite_id)
    return Case(package, suite, before.component, before.requested_by, brought, apart=True)


def _demand_one_content(cases: Sequence[Case]) -> None:
    """One key, one content: who lets a version in has to say which one, where several wait."""
    seen: dict[object, PackageId] = {}
    for case in cases:
        if seen.setdefault((case.suite.archive.id, case.package.key), case.package.id) != case.package.id:
            raise AmbiguousDecision(
                f"several files wait as {case.package.key}, with different bytes; say which one by its sha256"
            )
