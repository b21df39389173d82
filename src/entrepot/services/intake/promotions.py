"""Packages from suite to suite, past the policy: at once, after a person's decision, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cmp_to_key

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.promotions import PromotionState, StoredPromotion
from entrepot.adapters.catalog.records import AuditEntry, JsonValue, PackageFilter, Placement
from entrepot.adapters.queue.base import Queue
from entrepot.domain.formats.base import PackageFormat
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import DecisionRules
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import Suite, SuiteId
from entrepot.domain.policy.gate import MALWARE, Verdict
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.domain.policy.promotion import PromotionVerdict
from entrepot.errors import AlreadyDecided, InvalidRequest, NotFound
from entrepot.services.intake.admit import repeat_lost_races
from entrepot.services.intake.decisions import acts
from entrepot.services.intake.movements import Revisions
from entrepot.services.intake.pairs import Pair, copy, find_pair
from entrepot.services.intake.standings import Standings
from entrepot.services.intake.targets import find_suite, hint_of


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """What somebody asks for.  Without a version the newest; without an architecture every one."""

    name: str
    source: str
    target: str
    version: str | None = None
    architecture: str | None = None
    force: bool = False
    justification: str = ""


class PromotionStatus(StrEnum):
    """What became of a request."""

    DONE = "done"
    PRESENT = "present"
    PENDING = "pending"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Promotion:
    """The outcome.  ``present`` were in the target already; ``number`` is that of the pending or blocked promotion."""

    status: PromotionStatus
    pair: Pair
    promoted: Sequence[PackageKey]
    present: Sequence[PackageKey]
    verdict: PromotionVerdict
    revisions: Revisions
    forced: bool = False
    number: int | None = None


@dataclass(frozen=True, slots=True)
class PendingPromotion:
    """A stored promotion with its suites and packages."""

    stored: StoredPromotion
    pair: Pair
    keys: Sequence[PackageKey]


class Promotions:
    """Promote, and decide about promotions that were held.  Identity is exact: format, name, version, architecture."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        standings: Standings,
        rules: Callable[[], DecisionRules],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._formats = formats
        self._standings = standings
        self._rules = rules
        self._now = now

    def targets(self, actor: Actor, name: str, source: str | None) -> tuple[Suite, list[Suite], PromotionVerdict]:
        """Where a package may go from a suite, and what the policy says about its newest version there.

        Raises:
            NotFound: the suite, or any where none is named, has no such package.
        """
        demand(actor, Permission.PACKAGE_READ)
        with self._catalog.read() as reading:
            suite = None if source is None else find_suite(reading, source)
            found = [
                one for one in reading.placements(PackageFilter(name=name)) if suite is None or one.suite.id == suite.id
            ]
            if not found:
                where = suite.codename if suite else "any distribution"
                raise NotFound(f"{name[:200]} is not in {where}{hint_of(suite)}")
            home = suite or found[0].suite
            others = [one for one in reading.suites() if one.format is home.format and one.id != home.id]
        chosen = self._newest([one for one in found if one.suite.id == home.id])
        verdict = self._standings.verdict(chosen, others[0]) if others else PromotionVerdict(Verdict.ACCEPT)
        return home, others, verdict

    def promote(self, actor: Actor, request: PromotionRequest) -> Promotion:
        """Put one version of a package into another suite of the same format, if the policy lets it.

        Raises:
            UnknownDistribution, InvalidRequest: the suites do not fit, or force comes without a justification.
            PermissionDenied: force by somebody who may not.
            NotFound: the source has no such package.
            SameKeyOtherBytes: the target's archive knows the version with other content.
        """
        demand(actor, Permission.PACKAGE_PROMOTE)
        if request.force:
            demand(actor, Permission.PROMOTION_DECIDE)
            acts.justified(request.justification)
        with self._catalog.read() as reading:
            pair = find_pair(reading, request.source, request.target)
            demand_suite(actor, pair.target)
            chosen = self._chosen(reading.placements(_wanted(request, pair)), request, pair)
            there = reading.live_among(pair.target.id, [one.package.id for one in chosen])
        missing = [one for one in chosen if one.package.id not in there]
        present = [one.package.key for one in chosen if one.package.id in there]
        verdict = self._standings.verdict(missing, pair.target)
        forced = request.force and MALWARE not in verdict.codes  # about malware nobody is asked
        if missing and verdict.verdict is not Verdict.ACCEPT and not forced:
            return repeat_lost_races(lambda: self._hold(actor, request, pair, missing, verdict))
        done = repeat_lost_races(lambda: self._copy(actor, request, pair, missing, verdict))
        status = PromotionStatus.DONE if missing else PromotionStatus.PRESENT
        self._publish(done.revisions)
        return replace(done, status=status, present=present)

    def _chosen(self, found: Sequence[Placement], request: PromotionRequest, pair: Pair) -> list[Placement]:
        here = [one for one in found if one.suite.id == pair.source.id]
        if not here:
            spec = " ".join(part for part in (request.name, request.version, request.architecture) if part)
            raise NotFound(f"{spec[:200]} is not in {pair.source.codename}{hint_of(pair.source)}")
        return self._newest(here) if request.version is None else here

    def _newest(self, found: Sequence[Placement]) -> list[Placement]:
        compare = self._formats[found[0].package.key.format].compare
        newest = max((place.package.key.version for place in found), key=cmp_to_key(compare))
        return [place for place in found if place.package.key.version == newest]

    def _copy(
        self,
        actor: Actor,
        request: PromotionRequest,
        pair: Pair,
        chosen: Sequence[Placement],
        verdict: PromotionVerdict,
    ) -> Promotion:
        now = self._now()
        forced = request.force and verdict.verdict is not Verdict.ACCEPT
        with self._catalog.write() as unit:
            if forced:
                acts.demand_other_eyes(unit, self._rules(), pair.target, actor, {actor.name})
                acts.record_promotion(
                    unit, actor, chosen, pair.target, verdict, request.justification.strip(), actor.name, now
                )
            keys, revisions = self.place_all(unit, actor, pair, chosen, verdict, now)
            detail: dict[str, JsonValue] = {"from": pair.source.codename, "to": pair.target.codename}
            detail |= {"count": len(keys), "packages": [str(key) for key in keys]}
            if request.force:
                detail |= {"forced": forced, "justification": request.justification.strip()}
                detail |= {"reasons": [reason.message for reason in verdict.reasons]}
            version = keys[0].version if keys else request.version
            unit.audit(
                AuditEntry("PROMOTE", "SUCCESS", actor, now, request.name, version, pair.target.codename, detail)
            )
        return Promotion(PromotionStatus.DONE, pair, keys, [], verdict, revisions, forced=forced)

    def place_all(
        self,
        unit: Writing,
        actor: Actor,
        pair: Pair,
        chosen: Sequence[Placement],
        verdict: PromotionVerdict,
        now: datetime,
    ) -> tuple[list[PackageKey], Revisions]:
        """Copy what the source still has and the target has not; the keys, and the revision that shows them."""
        numbers = [one.package.id for one in chosen]
        here, there = unit.live_among(pair.source.id, numbers), unit.live_among(pair.target.id, numbers)
        said = {standing.key: standing.outcomes for standing in verdict.standings}
        keys: list[PackageKey] = []
        revisions: dict[SuiteId, int] = {}
        for one in chosen:
            if one.package.id not in here:
                raise NotFound(f"{one.package.key} is no longer in {pair.source.codename}")
            if one.package.id not in there:
                outcomes = said.get(one.package.key, ())
                revisions[pair.target.id] = copy(unit, self._formats, one, pair.target, actor, now, outcomes)
                keys.append(one.package.key)
        return keys, revisions

    def _hold(
        self,
        actor: Actor,
        request: PromotionRequest,
        pair: Pair,
        chosen: Sequence[Placement],
        verdict: PromotionVerdict,
    ) -> Promotion:
        blocked = verdict.verdict is Verdict.REFUSE
        with self._catalog.write() as unit:
            number = record(unit, actor, request, pair, chosen, verdict, self._now())
        status = PromotionStatus.BLOCKED if blocked else PromotionStatus.PENDING
        return Promotion(status, pair, [], [], verdict, {}, number=number)

    def pending(
        self, actor: Actor, state: PromotionState | None, offset: int, limit: int
    ) -> tuple[list[PendingPromotion], int]:
        """A page of promotions that were held or blocked, newest first, and the number of all."""
        demand(actor, Permission.PACKAGE_PROMOTE)
        with self._catalog.read() as reading:
            page, total = reading.promotion_page(state, offset, limit)
            suites = {suite.id: suite for suite in reading.suites(removed=True)}
            keys = {one.id: one.key for one in reading.packages({number for one in page for number in one.packages})}
        return [
            PendingPromotion(
                one,
                Pair(suites[one.source_id], suites[one.target_id]),
                sorted(keys[number] for number in one.packages if number in keys),
            )
            for one in page
        ], total

    def approve(self, actor: Actor, name: str, number: int, justification: str) -> Promotion:
        """Let a held promotion happen.  The policy is asked again: what a person has rejected since stays out.

        Raises:
            InvalidRequest: no justification, or the promotion is of another package.
            NotFound: there is no such promotion, or the source no longer has the package.
            AlreadyDecided: somebody has decided.
            FourEyes: the actor asked for it, or brought the packages.
        """
        demand(actor, Permission.PROMOTION_DECIDE)
        text = acts.justified(justification)
        with self._catalog.read() as reading:
            stored = _open(reading.promotion(number), name)
            pair = Pair(reading.suite(stored.source_id), reading.suite(stored.target_id))
            chosen = reading.placements_of(pair.source.id, stored.packages)
        if len(chosen) < len(stored.packages):
            raise NotFound(
                f"{name[:200]} {stored.version} is no longer in {pair.source.codename}; reject the promotion"
            )
        verdict = self._standings.verdict(chosen, pair.target)
        done = repeat_lost_races(lambda: self._approve(actor, stored, pair, chosen, verdict, text))
        self._publish(done.revisions)
        return done

    def _approve(
        self,
        actor: Actor,
        stored: StoredPromotion,
        pair: Pair,
        chosen: Sequence[Placement],
        verdict: PromotionVerdict,
        justification: str,
    ) -> Promotion:
        now, blocked = self._now(), verdict.verdict is Verdict.REFUSE
        state = PromotionState.BLOCKED if blocked else PromotionState.APPROVED
        keys: Sequence[PackageKey] = ()
        revisions: Revisions = {}
        with self._catalog.write() as unit:
            if not unit.decide_promotion(stored.id, state, actor.name, now, justification):
                raise AlreadyDecided(f"somebody has decided about promotion {stored.id} already")
            if not blocked:
                brought = {stored.requested_by, *(one.package.received_by for one in chosen)}
                acts.demand_other_eyes(unit, self._rules(), pair.target, actor, brought)
                by = stored.requested_by
                acts.record_promotion(unit, actor, chosen, pair.target, verdict, justification, by, now)
                keys, revisions = self.place_all(unit, actor, pair, chosen, verdict, now)
            result = "BLOCKED" if blocked else "SUCCESS"
            note(unit, actor, "PROMOTE_APPROVE", result, stored, pair, justification, now)
        status = PromotionStatus.BLOCKED if blocked else PromotionStatus.DONE
        return Promotion(status, pair, keys, [], verdict, revisions, number=stored.id)

    def reject(self, actor: Actor, name: str, number: int, reason: str) -> PendingPromotion:
        """End a held promotion.

        Raises:
            InvalidRequest: no reason, or the promotion is of another package.
            NotFound: there is no such promotion.
            AlreadyDecided: somebody has decided.
        """
        demand(actor, Permission.PROMOTION_DECIDE)
        text, now = acts.justified(reason), self._now()
        with self._catalog.write() as unit:
            stored = _open(unit.promotion(number), name)
            pair = Pair(unit.suite(stored.source_id), unit.suite(stored.target_id))
            if not unit.decide_promotion(number, PromotionState.REJECTED, actor.name, now, text):
                raise AlreadyDecided(f"somebody has decided about promotion {number} already")
            note(unit, actor, "PROMOTE_REJECT", "SUCCESS", stored, pair, text, now)
            keys = sorted(one.key for one in unit.packages(stored.packages))
            return PendingPromotion(unit.promotion(number), pair, keys)

    def _publish(self, revisions: Revisions) -> None:
        for suite_id in revisions:
            self._queue.submit(Goal(GoalKind.PUBLISH, suite_id))


def record(
    unit: Writing,
    actor: Actor,
    request: PromotionRequest,
    pair: Pair,
    chosen: Sequence[Placement],
    verdict: PromotionVerdict,
    now: datetime,
) -> int:
    """Write down a promotion that was held or blocked; the number of the one that is open already if it is the same."""
    blocked = verdict.verdict is Verdict.REFUSE
    numbers = sorted(one.package.id for one in chosen)
    name, version = chosen[0].package.key.name, chosen[0].package.key.version
    result = "BLOCKED" if blocked else "PENDING_REVIEW"
    detail: dict[str, JsonValue] = {"from": pair.source.codename, "to": pair.target.codename}
    detail |= {"packages": [str(one.package.key) for one in chosen]}
    detail |= {"reasons": [reason.message for reason in verdict.reasons]}
    unit.touch_suite(pair.target.id)  # whoever asks for the same at this moment waits here
    for known in unit.open_promotions(pair.target.id, name):
        if not blocked and sorted(known.packages) == numbers and known.source_id == pair.source.id:
            return known.id
    number = unit.add_promotion(
        StoredPromotion(
            id=0,
            source_id=pair.source.id,
            target_id=pair.target.id,
            name=name,
            version=version,
            packages=numbers,
            state=PromotionState.BLOCKED if blocked else PromotionState.PENDING,
            verdict=verdict.summary(),
            justification=request.justification.strip()[: acts.JUSTIFICATION_CHARACTERS],
            requested_by=actor.name,
            requested_at=now,
        )
    )
    detail["promotion"] = number
    unit.audit(AuditEntry("PROMOTE", result, actor, now, name, version, pair.target.codename, detail))
    return number


def _wanted(request: PromotionRequest, pair: Pair) -> PackageFilter:
    return PackageFilter(
        name=request.name,
        version=request.version or "",
        architecture=request.architecture or "",
        suite=pair.source.codename,
    )


def _open(stored: StoredPromotion, name: str) -> StoredPromotion:
    if stored.name != name:
        raise InvalidRequest(f"promotion {stored.id} is not one of {name[:200]}")
    if stored.state is not PromotionState.PENDING:
        raise AlreadyDecided(f"promotion {stored.id} is {stored.state.value} already")
    return stored


def note(
    unit: Writing,
    actor: Actor,
    action: str,
    result: str,
    stored: StoredPromotion,
    pair: Pair,
    justification: str,
    now: datetime,
) -> None:
    """Write down what became of a promotion that was held."""
    detail: dict[str, JsonValue] = {"promotion": stored.id, "from": pair.source.codename, "to": pair.target.codename}
    detail |= {"justification": justification, "requested_by": stored.requested_by}
    unit.audit(AuditEntry(action, result, actor, now, stored.name, stored.version, pair.target.codename, detail))
