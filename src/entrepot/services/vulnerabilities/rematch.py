"""Comparing again: when advisories change, every night, and when somebody asks; package after package, until all are.

Each package's row says with which position of the advisories, and in which round, it was compared.  What is behind is
found by asking the catalog, so that there is nothing else to remember: cut off anywhere, the next turn goes on.  What
comes in while advisories change is behind as well, and is compared again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

import structlog

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase
from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.findings import ROUND_FACT, Scan, Stale
from entrepot.adapters.catalog.records import AuditEntry, JsonValue, StoredPackage
from entrepot.adapters.queue.base import Queue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.finding import SEVERITIES, Coverage, Finding
from entrepot.domain.model.suite import PackageId, Suite, SuiteId
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.policy.scanned import carried
from entrepot.errors import CatalogConflict, EntrepotError
from entrepot.services.vulnerabilities.base import Comparing, Effect, News

_log = structlog.get_logger(__name__)

_FEEDS_FACT = "vulnerabilities/feeds"
_PROGRESS_FACT = "vulnerabilities/rematch"
_LOOKED_AT, _COMPARED = 1000, 100
_MOST_CHANGED = 200_000
_MOST_ENTRIES, _MOST_NAMED = 20, 20
_PAUSE_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a look at the catalog found: packages to compare, those that are not concerned, and how many of both."""

    concerned: Mapping[SuiteId, Sequence[PackageId]]
    others: Mapping[SuiteId, tuple[Sequence[PackageId], Coverage]]
    count: int


class Rematch:
    """Brings the goal about that every package was compared with what is known now."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        comparing: Comparing,
        effect: Effect,
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._comparing = comparing
        self._effect = effect
        self._configuration = configuration
        self._now = now
        self._monotonic = monotonic
        self._changes: tuple[int, int, frozenset[tuple[str, str]] | None] = (0, -1, None)
        self._waits_since: float | None = None

    def ask(self, actor: Actor) -> int:
        """Have everything compared again soon; how many packages there are."""
        demand(actor, Permission.RESCAN)
        with self._catalog.write() as unit:
            self._next_round(unit, actor)
            count = unit.posture_counts(None).total
            unit.audit(AuditEntry("REENRICH_CVE", "START", actor, self._now(), detail={"packages": count}))
        self._queue.submit(Goal(GoalKind.REMATCH))
        return count

    def begin(self, unit: Writing) -> Goal:
        """By the plan, in a unit."""
        self._next_round(unit, SYSTEM)
        return Goal(GoalKind.REMATCH)

    def _next_round(self, unit: Writing, actor: Actor) -> None:
        found = _round(unit) + 1
        unit.set_fact(ROUND_FACT, found)
        unit.set_fact(_PROGRESS_FACT, {"round": found, "by": actor.name, "compared": 0, "changed": 0, "new": 0})

    def unmet(self) -> list[Goal]:
        """Whether any package is behind what is known, or any news wait; the keeper asks at each beat."""
        if not self._configuration().validation.grype_scan:
            return []
        with self._catalog.read() as reading:
            states = reading.feed_states()
            position, round_ = reading.advisory_position(), _round(reading)
            open_ = bool(reading.stale_scans(position, round_, 1)) or bool(reading.news(1)) or _is_open(reading)
            known = reading.fact(_FEEDS_FACT)
        if any(state.phase is FeedPhase.IMPORTING for state in states) and self._waits():
            return []
        marks: dict[str, JsonValue] = {
            state.name: str(state.imported_at) for state in states if state.complete and state.imported_at is not None
        }
        if marks != (known or {}):
            others = [state.name for state in states if state.kind is not FeedKind.OSV]
            self._take_note(marks, known if isinstance(known, Mapping) else {}, others)
            open_ = True
        return [Goal(GoalKind.REMATCH)] if open_ else []

    def _waits(self) -> bool:
        """For an import to end, but not for ever."""
        if self._waits_since is None:
            self._waits_since = self._monotonic()
        if self._monotonic() - self._waits_since < _PAUSE_SECONDS:
            return True
        self._waits_since = None
        return False

    def _take_note(
        self, marks: Mapping[str, JsonValue], known: Mapping[str, JsonValue], exploitation: Sequence[str]
    ) -> None:
        """A feed was imported.  Advisories say themselves what they change; what is exploited concerns everything."""
        self._waits_since = None
        with self._catalog.write() as unit:
            unit.set_fact(_FEEDS_FACT, dict(marks))
            if any(marks.get(name) != known.get(name) for name in exploitation):
                self._next_round(unit, SYSTEM)
            unit.recall_scans(CheckResult.INCONCLUSIVE)

    def pursue(self) -> None:
        """So many packages as the settings allow at a time; then the goal is set again, until none is behind.

        Raises:
            CatalogUnavailable: try again later.
        """
        settings = self._configuration()
        if not settings.validation.grype_scan:
            return
        ends = self._monotonic() + settings.cve_rematch.max_runtime_minutes * 60
        left = settings.cve_rematch.max_artifacts_per_run
        while left > 0 and self._monotonic() < ends:
            turn = self._look(min(left, _COMPARED))
            if turn.count == 0:
                break
            try:
                self._compare(turn)
            except CatalogConflict:
                continue  # somebody else wrote about the same packages: look again
            left -= sum(len(numbers) for numbers in turn.concerned.values())
            if not self._tell():
                return  # what could not be acted on now is found again
        else:
            self._queue.submit(Goal(GoalKind.REMATCH))
            return
        if self._tell():
            self._conclude()

    def _look(self, most: int) -> _Turn:
        with self._catalog.read() as reading:
            position, round_ = reading.advisory_position(), _round(reading)
            stale = reading.stale_scans(position, round_, _LOOKED_AT)
            suites = {suite.id: suite for suite in reading.suites(removed=True)}
            concerned: dict[SuiteId, list[PackageId]] = defaultdict(list)
            others: dict[SuiteId, list[PackageId]] = defaultdict(list)
            count = 0
            current = [one for one in stale if one.round >= round_]
            changed = self._changed(reading, min((one.position for one in current), default=position), position)
            names = self._names(reading, suites, current) if changed is not None else {}
            for one in stale:
                key = (one.suite_id, one.package_id)
                unconcerned = one.round >= round_ and changed is not None and names[key].isdisjoint(changed)
                if unconcerned:
                    others[one.suite_id].append(one.package_id)
                elif count < most:
                    concerned[one.suite_id].append(one.package_id)
                    count += 1
            covered = {
                suite_id: (numbers, self._comparing.knowledge(reading, suites[suite_id], self._now()))
                for suite_id, numbers in others.items()
            }
        return _Turn(concerned, covered, count + sum(map(len, others.values())))

    def _names(
        self, reading: Reading, suites: Mapping[SuiteId, Suite], stale: Sequence[Stale]
    ) -> dict[tuple[SuiteId, PackageId], set[tuple[str, str]]]:
        packages = {one.id: one for one in reading.packages({each.package_id for each in stale})}
        found: dict[tuple[SuiteId, PackageId], set[tuple[str, str]]] = {}
        for suite_id in {one.suite_id for one in stale}:
            numbers = [one.package_id for one in stale if one.suite_id == suite_id]
            asked = self._comparing.names(reading, suites[suite_id], [packages[number] for number in numbers])
            found |= {(suite_id, number): asked[number] for number in numbers}
        return found

    def _changed(self, reading: Reading, since: int, until: int) -> frozenset[tuple[str, str]] | None:
        """(context, name) of which something changed; none when it is about so many that all are compared."""
        first, last, known = self._changes
        if first <= since and last == until:
            return known
        found: set[tuple[str, str]] = set()
        at, more = since, since < until
        while more and len(found) <= _MOST_CHANGED:
            part = reading.advisories_changed_since(at)
            found.update(part.names)
            at, more = part.position, part.more
        known = None if more else frozenset(found)
        self._changes = (since, until, known)
        return known

    def _compare(self, turn: _Turn) -> None:
        """One unit for each suite, so that a unit stays short."""
        for suite_id, (numbers, coverage) in turn.others.items():
            with self._catalog.write() as unit:
                unit.confirm_scans(suite_id, numbers, coverage, self._now())
        for suite_id, numbers in turn.concerned.items():
            with self._catalog.read() as reading:
                suite, packages = reading.suite(suite_id), reading.packages(numbers)
                outcomes = self._comparing.outcomes(reading, suite, packages, self._now())
            with self._catalog.write() as unit:
                self._keep(unit, suite, packages, outcomes)

    def _keep(
        self,
        unit: Writing,
        suite: Suite,
        packages: Sequence[StoredPackage],
        outcomes: Mapping[PackageId, CheckOutcome],
    ) -> None:
        now, numbers = self._now(), [one.id for one in packages]
        before = {one.package_id: one for one in unit.scans(numbers) if one.suite_id == suite.id}
        known, live = unit.findings(suite.id, numbers), unit.live_among(suite.id, numbers)
        kept: list[tuple[Scan, Sequence[Finding]]] = []
        fresh: dict[PackageId, list[Finding]] = {}
        changed = 0
        for package in packages:
            scan = before.get(package.id)
            if scan is None:
                continue  # it left
            outcome = carried(outcomes[package.id], scan.engine, known.get(package.id, ()))
            found = Scan.of(suite.id, package.id, outcome, now)
            if (scan.round, scan.position) > (found.round, found.position):
                continue  # somebody else knows more
            old = {_mark(one) for one in known.get(package.id, ())}
            new = [one for one in outcome.findings if _mark(one) not in old]
            changed += old != {_mark(one) for one in outcome.findings}
            news = scan.news
            if new and package.id in live:
                fresh[package.id] = new
                news = tuple(dict.fromkeys((*scan.news, *(one.id for one in new))))
            kept.append((replace(found, rematched_at=now, scanned_at=scan.scanned_at, news=news), outcome.findings))
        unit.keep_scans(kept)
        for entry in _entries(suite, [one for one in packages if one.id in fresh], fresh, now):
            unit.audit(entry)
        _count(unit, compared=len(kept), changed=changed, new=sum(map(len, fresh.values())))

    def _tell(self) -> bool:
        """Have news acted on; false when that did not succeed for some."""
        while True:
            with self._catalog.read() as reading:
                waiting = reading.news(_COMPARED)
                told = [self._news(reading, scan) for scan in waiting]
            for scan, news in zip(waiting, told, strict=True):
                try:
                    self._effect(news)
                except EntrepotError as error:
                    _log.warning("rematch.not_acted_on", package=str(news.package.key), reason=error.detail)
                    return False
                with self._catalog.write() as unit:
                    unit.settle_news(scan.suite_id, scan.package_id, scan.news)
            if not waiting:
                return True

    def _news(self, reading: Reading, scan: Scan) -> News:
        found = reading.findings(scan.suite_id, [scan.package_id]).get(scan.package_id, [])
        package, suite = reading.package(scan.package_id), reading.suite(scan.suite_id)
        outcome = CheckOutcome("cve", scan.result, scan.message, findings=tuple(found), coverage=scan.coverage)
        return News(package, suite, [outcome], [one for one in found if one.id in scan.news])

    def _conclude(self) -> None:
        """Note the end of a comparison of everything, once."""
        with self._catalog.write() as unit:
            progress = unit.fact(_PROGRESS_FACT)
            if not isinstance(progress, Mapping) or not _is_open(unit):
                return
            if unit.stale_scans(unit.advisory_position(), _round(unit), 1):
                return
            unit.set_fact(_PROGRESS_FACT, {**progress, "ended": True})
            counts = {name: progress.get(name, 0) for name in ("round", "compared", "changed", "new")}
            unit.audit(AuditEntry("CVE_REMATCH", "SUCCESS", SYSTEM, self._now(), detail=counts))


def _round(reading: Reading) -> int:
    found = reading.fact(ROUND_FACT)
    return found if isinstance(found, int) else 0


def _is_open(reading: Reading) -> bool:
    progress = reading.fact(_PROGRESS_FACT)
    return isinstance(progress, Mapping) and not progress.get("ended")


def _count(unit: Writing, **counts: int) -> None:
    progress = unit.fact(_PROGRESS_FACT)
    if isinstance(progress, Mapping) and not progress.get("ended"):
        more = {name: cast("int", progress.get(name, 0)) + count for name, count in counts.items()}
        unit.set_fact(_PROGRESS_FACT, {**progress, **more})


def _mark(finding: Finding) -> tuple[str, str]:
    """What makes a finding the same one: decisions are about ids, and a component is another place for it."""
    return finding.id, finding.component


def _entries(
    suite: Suite, packages: Sequence[StoredPackage], fresh: Mapping[PackageId, Sequence[Finding]], now: datetime
) -> Iterable[AuditEntry]:
    """One for each package; of many, one for all of them."""
    action, result = "CVE_REMATCH", "WARNING"
    if len(packages) > _MOST_ENTRIES:
        names = ", ".join(sorted({one.key.name for one in packages})[:_MOST_NAMED])
        detail: dict[str, JsonValue] = {"count": len(packages), "reason": f"new findings in {names}, ..."}
        yield AuditEntry(action, result, SYSTEM, now, suite=suite.codename, detail=detail)
        return
    for one in packages:
        ids = [finding.id for finding in fresh[one.id]]
        more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
        worst = min(fresh[one.id], key=lambda finding: SEVERITIES.index(finding.severity))
        detail = {
            "architecture": one.key.architecture,
            "sha256": one.digest,
            "reason": f"{', '.join(ids[:_MOST_NAMED])}{more}; the worst is {worst.severity.value}",
            "findings": ids[:100],
        }
        yield AuditEntry(action, result, SYSTEM, now, one.key.name, one.key.version, suite.codename, detail)
