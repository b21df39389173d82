"""What another policy would do to what is published and to what waits; nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import cast

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.findings import Scan
from entrepot.adapters.catalog.records import Admission, JsonValue, StoredPackage
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.finding import Finding
from entrepot.domain.model.package import Concern, Format, PackageKey
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.cooldown import Age, CooldownRules
from entrepot.domain.policy.gate import CheckOutcome, CheckResult, Judgement, Verdict, judge
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.policy.security import GateRules
from entrepot.services.intake.receipts import outcome_of
from entrepot.services.intake.targets import find_suite

_BATCH = 200
_MOST = 50_000
_SECONDS = 20.0

RulesOf = Callable[[Suite], GateRules]
Foresee = Callable[[Mapping[str, JsonValue], Suite | None], RulesOf]


class Effect(StrEnum):
    """``WITHDRAW`` and ``HOLD`` speak of what is published, ``LET_IN`` and ``REFUSE`` of what waits."""

    WITHDRAW = "withdraw"
    HOLD = "hold"
    LET_IN = "let_in"
    REFUSE = "refuse"


_PUBLISHED = {Verdict.REFUSE: Effect.WITHDRAW, Verdict.HOLD: Effect.HOLD}
_WAITING = {Verdict.ACCEPT: Effect.LET_IN, Verdict.REFUSE: Effect.REFUSE}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One package that would fare otherwise, with why."""

    key: PackageKey
    suite: Suite
    effect: Effect
    before: Verdict
    judgement: Judgement


@dataclass(slots=True)
class Forecast:
    """``checked`` packages were looked at; without ``complete`` there are more, and time or number ran out."""

    checked: int = 0
    complete: bool = True
    counts: Counter[Effect] = field(default_factory=Counter)
    page: list[Foreseen] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All that would fare otherwise, as far as was looked."""
        return self.counts.total()


@dataclass(frozen=True, slots=True)
class _Case:
    package: StoredPackage
    outcomes: Sequence[CheckOutcome]
    accepted: frozenset[str] = frozenset()


class Forecasts:
    """Judges from what is stored: findings as they were last compared, other answers as they were last given.

    What is published is in already: its age does not count.  Of what waits for its age, repairs are not asked again.
    """

    def __init__(self, catalog: Catalog, rules: RulesOf, foresee: Foresee, monotonic: Callable[[], float]) -> None:
        self._catalog = catalog
        self._rules = rules
        self._foresee = foresee
        self._monotonic = monotonic

    def preview(
        self,
        actor: Actor,
        given: Mapping[str, JsonValue],
        distribution: str | None,
        format_: Format | None,
        offset: int,
        limit: int,
    ) -> Forecast:
        """A page of what would change, after a change of the common policy or of that of one distribution.

        Raises:
            UnknownDistribution, InvalidRequest: there is none, or the policy is not one.
        """
        demand(actor, Permission.SETTING_READ)
        with self._catalog.read() as reading:
            suite = None if distribution is None else find_suite(reading, distribution, format_)
            suites = reading.suites() if suite is None else [suite]
        then, found = self._foresee(given, suite), Forecast()
        until = self._monotonic() + _SECONDS
        for one in suites:
            for cases, effects, now_rules, then_rules in self._batches(one, then):
                if found.checked >= _MOST or self._monotonic() > until:
                    found.complete = False
                    return found
                for case in cases:
                    _look(found, one, case, effects, (now_rules, then_rules), range(offset, offset + limit))
        return found

    def _batches(
        self, suite: Suite, then: RulesOf
    ) -> Iterator[tuple[list[_Case], Mapping[Verdict, Effect], GateRules, GateRules]]:
        now_rules, then_rules = self._rules(suite), then(suite)
        with self._catalog.read() as reading:
            numbers = [number for number, _ in reading.shelved_in(suite.id)]
        for batch in _cut(numbers):
            with self._catalog.read() as reading:
                cases = _published(reading, suite, batch)
            yield cases, _PUBLISHED, _ageless(now_rules), _ageless(then_rules)
        after = 0
        while True:
            with self._catalog.read() as reading:
                page = reading.held_admissions(suite.id, after, _BATCH)
                cases = _waiting(reading, suite, page)
            yield cases, _WAITING, now_rules, then_rules
            if len(page) < _BATCH:
                return
            after = page[-1].id


def _look(
    found: Forecast,
    suite: Suite,
    case: _Case,
    effects: Mapping[Verdict, Effect],
    rules: tuple[GateRules, GateRules],
    wanted: range,
) -> None:
    found.checked += 1
    before, after = (judge(case.outcomes, one, case.accepted) for one in rules)
    effect = effects.get(after.verdict)
    if effect is None or after.verdict is before.verdict:
        return
    if found.total in wanted:
        found.page.append(Foreseen(case.package.key, suite, effect, before.verdict, after))
    found.counts[effect] += 1


def _cut(numbers: Sequence[PackageId]) -> Iterator[Sequence[PackageId]]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]


def _ageless(rules: GateRules) -> GateRules:
    return replace(rules, cooldown=CooldownRules(rules.cooldown.now))


def _published(reading: Reading, suite: Suite, numbers: Sequence[PackageId]) -> list[_Case]:
    requests: dict[PackageId, Admission] = {}
    for one in reading.admissions_of(numbers):  # oldest first; what was asked for this very suite wins
        if one.package_id not in requests or one.suite_id == suite.id or requests[one.package_id].suite_id != suite.id:
            requests[one.package_id] = one
    packages = [placement.package for placement in reading.placements_of(suite.id, numbers)]
    return _cases(reading, suite, packages, requests)


def _waiting(reading: Reading, suite: Suite, page: Sequence[Admission]) -> list[_Case]:
    requests = {one.package_id: one for one in page}
    return _cases(reading, suite, reading.packages(requests.keys()) if requests else [], requests)


def _cases(
    reading: Reading, suite: Suite, packages: Sequence[StoredPackage], requests: Mapping[PackageId, Admission]
) -> list[_Case]:
    numbers = [one.id for one in packages]
    found = reading.findings(suite.id, numbers)
    scans = {one.package_id: one for one in reading.scans(numbers) if one.suite_id == suite.id}
    decided = reading.decisions_about(numbers, suite.id)
    accepted = {
        package_id: frozenset(one.accepted)
        for (package_id, _), one in decided.items()
        if one.ended_at is None and one.action.publishes
    }
    return [
        _Case(
            one,
            _outcomes(one, requests.get(one.id), scans.get(one.id), found.get(one.id, [])),
            accepted.get(one.id, frozenset()),
        )
        for one in sorted(packages, key=lambda each: each.key)
    ]


def _outcomes(
    package: StoredPackage, request: Admission | None, scan: Scan | None, findings: Sequence[Finding]
) -> list[CheckOutcome]:
    """In place of asking every check again: what is stored says the same, and thousands can be looked at."""
    known = {str(step["name"]): outcome_of(step) for step in (request.steps if request else ())}
    rows = cast("list[Mapping[str, str]]", package.facts.get("concerns") or [])
    concerns = tuple(Concern(row["code"], row["detail"]) for row in rows)
    result = CheckResult.FINDINGS if concerns else CheckResult.CLEAN
    known["structure"] = CheckOutcome("structure", result, "", concerns=concerns)
    if scan is not None:
        known["cve"] = CheckOutcome("cve", scan.result, scan.message, findings=tuple(findings), coverage=scan.coverage)
    licence = str(package.facts.get("license") or "")
    known["licence"] = CheckOutcome("licence", CheckResult.CLEAN, licence, licence=licence)
    known["age"] = CheckOutcome("age", CheckResult.CLEAN, "", age=Age(package.received_at))
    return list(known.values())
