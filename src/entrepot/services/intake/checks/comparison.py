"""Packages against the advisories of their distribution: one by one as they come in, many at once when these change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from entrepot.adapters.catalog.advisories import FeedKind, FeedState, covering
from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.findings import ROUND_FACT, exploited
from entrepot.adapters.catalog.records import StoredPackage
from entrepot.domain.advisories.advisory import Advisory
from entrepot.domain.advisories.components import Name, findings_in, names_of_components, vulnerabilities_of
from entrepot.domain.advisories.contexts import LANGUAGES, context_of, contexts_of
from entrepot.domain.advisories.matching import ENGINE, Sought, findings_of, names_of
from entrepot.domain.advisories.sources import FRAGMENT, source_of
from entrepot.domain.model.component import Component
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.finding import SEVERITIES, Coverage, Finding
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.gate import CheckOutcome, CheckResult

NAME = "cve"
_STALE_DAYS = 7
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What can be asked about a suite now, and how far it reaches; ``gap`` says why nothing can be concluded.

    ``languages`` are the feeds that speak of what is bundled in packages, ``language_gaps`` the same as ``gap``.
    """

    context: str
    contexts: tuple[str, ...]
    states: tuple[FeedState, ...]
    imported: bool
    position: int
    round: int
    gap: str = ""
    languages: Mapping[str, tuple[FeedState, ...]] = field(default_factory=dict)
    language_gaps: Mapping[str, str] = field(default_factory=dict)

    @property
    def coverage(self) -> Coverage:
        """In the words of an outcome."""
        return self.covered(Bundled())

    def covered(self, bundled: Bundled) -> Coverage:
        """The same of a package that carries something; what nobody speaks of is named as left out."""
        components = bundled.distinct
        asked = {one.ecosystem for one in components if self.languages.get(one.ecosystem)}
        silent = Counter(one.ecosystem or "no known kind" for one in components if one.ecosystem not in asked)
        skipped = [
            f"{count} bundled components of {name}: there are no advisories about them"
            for name, count in sorted(silent.items())
        ]
        if not bundled.looked_into:
            skipped.append("nobody has looked for bundled components yet")
        states = {state.name: state for name in sorted(asked) for state in self.languages[name]}
        states = {state.name: state for state in self.states} | states
        dates = [state.newest_at for state in states.values() if state.newest_at is not None]
        return Coverage(
            members_scanned=1 + len(components) - silent.total(),
            members_total=1 + len(components),
            skipped=tuple(skipped),
            skipped_count=len(skipped),
            engine=ENGINE,
            database=", ".join(states)[:200],
            database_date=min(dates, default=None),
            context=self.context,
            position=self.position,
            round=self.round,
        )

    def gap_of(self, bundled: Bundled) -> str:
        """Why nothing can be concluded about a package that carries something."""
        names = sorted({one.ecosystem for one in bundled.components})
        return self.gap or next((gap for name in names if (gap := self.language_gaps.get(name))), "")


@dataclass(frozen=True, slots=True)
class Bundled:
    """What a package carries inside, if anybody looked."""

    components: Sequence[Component] = ()
    looked_into: bool = True

    @property
    def distinct(self) -> list[Component]:
        """Each once, wherever it lies."""
        return list({one.purl: one for one in self.components}.values())


_NOTHING = Bundled()


def oldest_of(configuration: Configuration, suite: Suite) -> timedelta:
    """How long ago the last whole import of a distribution's advisories may have been: a week, or what is set."""
    return timedelta(days=configuration.policy(suite).stale_days.get(NAME) or _STALE_DAYS)


def knowledge_of(reading: Reading, suite: Suite, now: datetime, oldest: timedelta) -> Knowledge:
    """What is there for the suite's distribution."""
    states = reading.feed_states()
    context = context_of(suite)
    contexts = contexts_of(context)
    fitting = tuple(covering(states, contexts))
    languages = {name: tuple(covering(states, (name,))) for name in sorted(LANGUAGES)}
    asked = reading.fact(ROUND_FACT)
    return Knowledge(
        context=context,
        contexts=contexts,
        states=fitting,
        imported=any(state.contexts for state in states if state.kind is FeedKind.OSV),
        position=reading.advisory_position(),
        round=asked if isinstance(asked, int) else 0,
        gap=_gap(suite, context, fitting, now - oldest),
        languages=languages,
        language_gaps={name: _gap_of(name, found, now - oldest) for name, found in languages.items()},
    )


def _gap(suite: Suite, context: str, states: tuple[FeedState, ...], oldest_at: datetime) -> str:
    if not context:
        return (
            f"it is not known which distribution {suite.codename} is; "
            "say so with the attribute ecosystem of the suite, for example Debian:12"
        )
    if not states:
        return f"there are no advisories for {context}; import them, see entrepot advisory import"
    return _gap_of(context, states, oldest_at)


def _gap_of(context: str, states: tuple[FeedState, ...], oldest_at: datetime) -> str:
    for state in states:
        if not state.complete:
            return f"the advisories of feed {state.name} for {context} are not complete; let the import end"
        if state.imported_at is None or state.imported_at < oldest_at:
            age = "of unknown age" if state.imported_at is None else f"of {state.imported_at:%Y-%m-%d}"
            return f"the advisories of feed {state.name} for {context} are {age}; import newer ones"
    return ""


def answer(knowledge: Knowledge, found: Sequence[Finding], bundled: Bundled = _NOTHING) -> CheckOutcome:
    """Nothing found is clean only if nothing is missing; what was found is told in any case."""
    coverage, findings, gap = knowledge.covered(bundled), tuple(found), knowledge.gap_of(bundled)
    if not knowledge.imported:
        message = "no advisories were imported yet, so nothing could be compared; see entrepot advisory import"
        return CheckOutcome(NAME, CheckResult.SKIPPED, message, coverage=coverage)
    asked = f"against {coverage.database} for {coverage.context}"
    detail = ", ".join(finding.id for finding in found[:_NAMED])
    if len(found) > _NAMED:
        detail += f" and {len(found) - _NAMED} more"
    if gap:
        message = f"{gap}{f'; found so far: {counted(found)}' if found else ''}"
        return CheckOutcome(NAME, CheckResult.INCONCLUSIVE, message, detail, findings=findings, coverage=coverage)
    if coverage.members_scanned < coverage.members_total:
        asked += f"; {coverage.members_total - coverage.members_scanned} bundled components were not compared"
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


def compared(
    reading: Reading, knowledge: Knowledge, asked: Sequence[Sought], bundled: Sequence[Bundled] = ()
) -> list[list[Finding]]:
    """What is known of each and of what it carries, with what is known of its use now.

    Binaries of one source are compared once.
    """
    names = {name for sought in asked for name in names_of(sought)}
    speaking: dict[str, list[Advisory]] = defaultdict(list)
    for advisory in reading.advisories(knowledge.contexts, names) if knowledge.states else ():
        for name in {entry.name for entry in advisory.affected}:
            speaking[name].append(advisory)
    libraries = _speaking_of(reading, [one for each in bundled for one in each.components])
    known: dict[tuple[object, ...], list[Finding]] = {}
    told: list[list[Finding]] = []
    for number, sought in enumerate(asked):
        advisories = {one.id: one for name in names_of(sought) for one in speaking[name]}
        if sought.identity not in known:
            known[sought.identity] = findings_of(sought, list(advisories.values()))
        own, carried = known[sought.identity], bundled[number].components if bundled else ()
        more = findings_in(carried, libraries, vulnerabilities_of(advisories.values())) if carried else []
        told.append([*own, *more])
    used = reading.exploitation({finding.id for found in told for finding in found})
    return [[exploited(finding, used.get(finding.id)) for finding in found] for found in told]


def _speaking_of(reading: Reading, components: Sequence[Component]) -> dict[Name, list[Advisory]]:
    wanted: dict[str, set[str]] = defaultdict(set)
    for ecosystem, name in names_of_components(components):
        wanted[ecosystem].add(name)
    found: dict[Name, list[Advisory]] = defaultdict(list)
    for ecosystem, names in wanted.items():
        for advisory in reading.advisories((ecosystem,), names):
            for name in {entry.name for entry in advisory.affected}:
                found[ecosystem, name].append(advisory)
    return found


def bundled_in(reading: Reading, numbers: Sequence[PackageId]) -> list[Bundled]:
    """What stored packages carry, in their order."""
    found = reading.compositions(numbers) if numbers else {}
    return [Bundled(found[one].components) if one in found else Bundled(looked_into=False) for one in numbers]


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
        found = sought_packages(reading, context, packages)
        carried = dict(zip(found, bundled_in(reading, list(found)), strict=True))
        return {
            number: {(each, name) for each in contexts for name in names_of(sought)}
            | names_of_components(carried[number].components)
            for number, sought in found.items()
        }

    def outcomes(
        self, reading: Reading, suite: Suite, packages: Sequence[StoredPackage], now: datetime
    ) -> dict[PackageId, CheckOutcome]:
        """What the check would say of each."""
        knowledge = self._knowledge(reading, suite, now)
        sought = sought_packages(reading, knowledge.context, packages)
        bundled = bundled_in(reading, list(sought))
        found = compared(reading, knowledge, list(sought.values()), bundled)
        return {
            number: answer(knowledge, findings, carried)
            for number, findings, carried in zip(sought, found, bundled, strict=True)
        }
