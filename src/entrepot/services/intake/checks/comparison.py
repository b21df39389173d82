"""Packages against the advisories of their distribution: one by one as they come in, many at once when these change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.adapters.catalog.advisories import FeedKind, FeedState, covering
from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.findings import ROUND_FACT, exploited
from entrepot.adapters.catalog.records import StoredPackage
from entrepot.domain.advisories.advisory import Advisory
from entrepot.domain.advisories.contexts import context_of, contexts_of
from entrepot.domain.advisories.matching import ENGINE, Sought, findings_of, names_of
from entrepot.domain.advisories.sources import FRAGMENT, source_of
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.finding import SEVERITIES, Coverage, Finding
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.gate import CheckOutcome, CheckResult

NAME = "cve"
_STALE_DAYS = 7
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What can be asked about a suite now, and how far it reaches; ``gap`` says why nothing can be concluded."""

    context: str
    contexts: tuple[str, ...]
    states: tuple[FeedState, ...]
    imported: bool
    position: int
    round: int
    gap: str = ""

    @property
    def coverage(self) -> Coverage:
        """In the words of an outcome."""
        dates = [state.newest_at for state in self.states if state.newest_at is not None]
        return Coverage(
            engine=ENGINE,
            database=", ".join(state.name for state in self.states)[:200],
            database_date=min(dates, default=None),
            context=self.context,
            position=self.position,
            round=self.round,
        )


def oldest_of(configuration: Configuration, suite: Suite) -> timedelta:
    """How long ago the last whole import of a distribution's advisories may have been: a week, or what is set."""
    return timedelta(days=configuration.policy(suite).stale_days.get(NAME) or _STALE_DAYS)


def knowledge_of(reading: Reading, suite: Suite, now: datetime, oldest: timedelta) -> Knowledge:
    """What is there for the suite's distribution."""
    states = reading.feed_states()
    context = context_of(suite)
    contexts = contexts_of(context)
    fitting = tuple(covering(states, contexts))
    asked = reading.fact(ROUND_FACT)
    return Knowledge(
        context=context,
        contexts=contexts,
        states=fitting,
        imported=any(state.contexts for state in states if state.kind is FeedKind.OSV),
        position=reading.advisory_position(),
        round=asked if isinstance(asked, int) else 0,
        gap=_gap(suite, context, fitting, now - oldest),
    )


def _gap(suite: Suite, context: str, states: tuple[FeedState, ...], oldest_at: datetime) -> str:
    if not context:
        return (
            f"it is not known which distribution {suite.codename} is; "
            "say so with the attribute ecosystem of the suite, for example Debian:12"
        )
    if not states:
        return f"there are no advisories for {context}; import them, see entrepot advisory import"
    for state in states:
        if not state.complete:
            return f"the advisories of feed {state.name} for {context} are not complete; let the import end"
        if state.imported_at is None or state.imported_at < oldest_at:
            age = "of unknown age" if state.imported_at is None else f"of {state.imported_at:%Y-%m-%d}"
            return f"the advisories of feed {state.name} for {context} are {age}; import newer ones"
    return ""


def answer(knowledge: Knowledge, found: Sequence[Finding]) -> CheckOutcome:
    """Nothing found is clean only if nothing is missing; what was found is told in any case."""
    coverage, findings = knowledge.coverage, tuple(found)
    if not knowledge.imported:
        message = "no advisories were imported yet, so nothing could be compared; see entrepot advisory import"
        return CheckOutcome(NAME, CheckResult.SKIPPED, message, coverage=coverage)
    asked = f"against {coverage.database} for {coverage.context}"
    detail = ", ".join(finding.id for finding in found[:_NAMED])
    if len(found) > _NAMED:
        detail += f" and {len(found) - _NAMED} more"
    if knowledge.gap:
        message = f"{knowledge.gap}{f'; found so far: {counted(found)}' if found else ''}"
        return CheckOutcome(NAME, CheckResult.INCONCLUSIVE, message, detail, findings=findings, coverage=coverage)
    if not found:
        return CheckOutcome(NAME, CheckResult.CLEAN, f"nothing known; compared {asked}", coverage=coverage)
    message = f"{counted(found)}; compared {asked}"
    return CheckOutcome(NAME, CheckResult.FINDINGS, message, detail, findings=findings, coverage=coverage)


def counted(found: Sequence[Finding]) -> str:
    """``1 critical, 3 low``, and how many of them are exploited."""
    numbers = {severity: sum(finding.severity is severity for finding in found) for severity in SEVERITIES}
    words = ", ".join(f"{count} {severity.value}" for severity, count in numbers.items() if count)
    used = sum(finding.in_kev for finding in found)
    return f"{words} ({used} known to be exploited)" if used else words


def sought_packages(reading: Reading, context: str, packages: Sequence[StoredPackage]) -> dict[PackageId, Sought]:
    """Packages as advisories are asked for them; their sources are read from the stored index text."""
    if not packages:
        return {}
    texts = reading.index_texts([one.id for one in packages], FRAGMENT[packages[0].key.format])
    found = {}
    for one in packages:
        source, version = source_of(one.key, texts.get(one.id, b""))
        found[one.id] = Sought(one.key, source, version, context)
    return found


def compared(reading: Reading, knowledge: Knowledge, asked: Sequence[Sought]) -> list[list[Finding]]:
    """What is known of each, with what is known of its use now.  Binaries of one source are compared once."""
    if not knowledge.states:
        return [[] for _ in asked]
    names = {name for sought in asked for name in names_of(sought)}
    speaking: dict[str, list[Advisory]] = defaultdict(list)
    for advisory in reading.advisories(knowledge.contexts, names):
        for name in {entry.name for entry in advisory.affected}:
            speaking[name].append(advisory)
    known: dict[tuple[object, ...], list[Finding]] = {}
    for sought in asked:
        if sought.identity not in known:
            advisories = {one.id: one for name in names_of(sought) for one in speaking[name]}
            known[sought.identity] = findings_of(sought, list(advisories.values()))
    used = reading.exploitation({finding.id for found in known.values() for finding in found})
    told = {
        identity: [exploited(finding, used.get(finding.id)) for finding in found] for identity, found in known.items()
    }
    return [told[sought.identity] for sought in asked]


class Comparison:
    """For whoever compares many stored packages again."""

    def __init__(self, configuration: Callable[[], Configuration]) -> None:
        self._configuration = configuration

    def knowledge(self, reading: Reading, suite: Suite, now: datetime) -> Coverage:
        """How far the answers of now reach."""
        return self._knowledge(reading, suite, now).coverage

    def _knowledge(self, reading: Reading, suite: Suite, now: datetime) -> Knowledge:
        return knowledge_of(reading, suite, now, oldest_of(self._configuration(), suite))

    def names(
        self, reading: Reading, suite: Suite, packages: Sequence[StoredPackage]
    ) -> dict[PackageId, set[tuple[str, str]]]:
        """Under which (context, name) advisories may speak of them."""
        context = context_of(suite)
        contexts = contexts_of(context)
        return {
            number: {(each, name) for each in contexts for name in names_of(sought)}
            for number, sought in sought_packages(reading, context, packages).items()
        }

    def outcomes(
        self, reading: Reading, suite: Suite, packages: Sequence[StoredPackage], now: datetime
    ) -> dict[PackageId, CheckOutcome]:
        """What the check would say of each."""
        knowledge = self._knowledge(reading, suite, now)
        sought = sought_packages(reading, knowledge.context, packages)
        found = compared(reading, knowledge, list(sought.values()))
        return {number: answer(knowledge, findings) for number, findings in zip(sought, found, strict=True)}
