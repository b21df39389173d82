"""May this package be published?  Asked in one place for upload, promotion and approval; fails closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from entrepot.domain.advisories.engines import GRYPE, agreed, engines_of
from entrepot.domain.advisories.matching import ENGINE
from entrepot.domain.model.finding import Coverage, Finding, Severity
from entrepot.domain.model.package import Concern
from entrepot.domain.policy.action import Action, hardest, softest
from entrepot.domain.policy.cooldown import Age, cooling
from entrepot.domain.policy.licences import licence_action
from entrepot.domain.policy.security import GateRules


class Verdict(StrEnum):
    """What becomes of the package."""

    ACCEPT = "accept"
    HOLD = "hold"
    REFUSE = "refuse"


class CheckResult(StrEnum):
    """How a check ended.  Only ``CLEAN`` is clean; ``SKIPPED`` means that there was nobody to ask."""

    CLEAN = "clean"
    FINDINGS = "findings"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What one check says.  ``detail`` is for people, ``concerns`` are what it found.

    ``findings`` are known vulnerabilities, ``coverage`` says how much was looked at, where the check knows that.
    ``licence`` and ``age`` are what the checks of these names read; the rules say what follows.  ``counts`` are those
    of findings that are not kept with an outcome.

    ``waived`` says that an administrator wants packages to pass although this check did not finish; it does not make
    the result a better one.
    """

    name: str
    result: CheckResult
    message: str
    detail: str = ""
    concerns: tuple[Concern, ...] = ()
    waived: bool = False
    findings: tuple[Finding, ...] = ()
    coverage: Coverage | None = None
    licence: str | None = None
    age: Age | None = None
    counts: Mapping[Severity, int] = field(default_factory=dict)

    def counted(self) -> Mapping[Severity, int]:
        """Findings by severity, also where they themselves were not kept."""
        if not self.findings:
            return self.counts
        return {severity: sum(finding.severity is severity for finding in self.findings) for severity in Severity}


@dataclass(frozen=True, slots=True)
class Ground:
    """One thing that was seen and what it leads to; ``code`` is for programs, ``message`` a sentence.

    ``finding`` is the id of a vulnerability, where it is about one.
    """

    check: str
    code: str
    action: Action
    message: str
    finding: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and everything that leads to more than silence, in the order of the checks."""

    grounds: tuple[Ground, ...] = field(default=())

    @property
    def action(self) -> Action:
        """The hardest."""
        return hardest(ground.action for ground in self.grounds)

    @property
    def verdict(self) -> Verdict:
        """What follows from it."""
        return verdict_of(self.action)

    @property
    def stopping(self) -> tuple[Ground, ...]:
        """What holds or refuses it."""
        return tuple(ground for ground in self.grounds if ground.action in _STOPPING)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is held or refused, one sentence each."""
        return tuple(ground.message for ground in self.stopping)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should hear although it passes."""
        return tuple(ground.message for ground in self.grounds if ground.action is Action.WARN)


CVE = "cve"
"""The check of advisories, by its name."""

MALWARE = "antivirus.infected"
"""The code of a concern that no person is asked about."""

MOST_NAMED = 20
"""Findings of one check that have a sentence of their own; the hardest."""

_STOPPING = (Action.REVIEW, Action.BLOCK)
_VERDICTS = {
    Action.ALLOW: Verdict.ACCEPT,
    Action.WARN: Verdict.ACCEPT,
    Action.REVIEW: Verdict.HOLD,
    Action.BLOCK: Verdict.REFUSE,
}


def verdict_of(action: Action) -> Verdict:
    """What becomes of a package because of it."""
    return _VERDICTS[action]


def united(outcomes: Sequence[CheckOutcome]) -> list[CheckOutcome]:
    """The same outcomes, in which what both engines found is said in the same words, and by whom."""
    named = {outcome.name: outcome for outcome in outcomes}
    ours, other = named.get(CVE), named.get(GRYPE)
    if ours is None or other is None or not ours.findings or not other.findings:
        return list(outcomes)
    first, second = agreed(ours.findings, other.findings)
    said = {CVE: replace(ours, findings=tuple(first)), GRYPE: replace(other, findings=tuple(second))}
    return [said.get(outcome.name, outcome) for outcome in outcomes]


def judge(
    outcomes: Sequence[CheckOutcome],
    rules: GateRules,
    accepted: frozenset[str] = frozenset(),
    *,
    pending: frozenset[str] = frozenset(),
) -> Judgement:
    """What the rules make of what the checks say.

    ``accepted`` are the ids of findings that a person has accepted for this package and suite: they lead to nothing.
    ``pending`` are checks that will speak later: their silence is not held against the package.
    """
    grounds = [ground for outcome in united(outcomes) for ground in _grounds(outcome, rules, accepted)]
    known = {outcome.name for outcome in outcomes}
    silent = sorted(rules.expected() - known - pending)
    grounds += [Ground(name, f"{name}.skipped", rules.skipped.of(name), f"{name}: nobody was asked") for name in silent]
    grounds += _told(outcomes, rules)
    return Judgement(tuple(ground for ground in grounds if ground.action is not Action.ALLOW))


def _grounds(outcome: CheckOutcome, rules: GateRules, accepted: frozenset[str]) -> Iterator[Ground]:
    name = outcome.name
    for concern in outcome.concerns:
        action = Action.BLOCK if concern.code == MALWARE else rules.concerns.of(concern.code)
        yield Ground(name, concern.code, action, concern.detail)
    yield from _of_findings(outcome, rules, accepted)
    match outcome.result:
        case CheckResult.FINDINGS if not outcome.concerns and not outcome.findings:
            message = f"{name}: {outcome.message}; what it was is not known any more"
            yield Ground(name, f"{name}.findings", Action.REVIEW, message)
        case CheckResult.INCONCLUSIVE | CheckResult.ERROR:
            table = rules.inconclusive if outcome.result is CheckResult.INCONCLUSIVE else rules.error
            action = softest((table.of(name), Action.WARN)) if outcome.waived else table.of(name)
            yield Ground(name, f"{name}.{outcome.result.value}", action, f"{name}: {outcome.message}")
        case CheckResult.SKIPPED:
            yield Ground(name, f"{name}.skipped", rules.skipped.of(name), f"{name}: {outcome.message}")
        case CheckResult.CLEAN | CheckResult.FINDINGS if _stale(outcome, rules):
            message = f"{name}: what it knows is too old, or of an unknown date"
            yield Ground(name, f"{name}.stale", rules.inconclusive.of(name), message)
        case CheckResult.CLEAN | CheckResult.FINDINGS:
            pass


def _stale(outcome: CheckOutcome, rules: GateRules) -> bool:
    oldest = rules.stale_before.get(outcome.name)
    if oldest is None:
        return False
    date = outcome.coverage.database_date if outcome.coverage is not None else None
    return date is None or date < oldest


def _of_findings(outcome: CheckOutcome, rules: GateRules, accepted: frozenset[str]) -> list[Ground]:
    grounds = []
    for finding in outcome.findings:
        if outcome.name == GRYPE and ENGINE in engines_of(finding.engine):
            continue  # said already
        if finding.id in accepted or not accepted.isdisjoint(finding.aliases):
            continue
        action, code = rules.of_finding(finding)
        if action is not Action.ALLOW:
            because = {"cve.kev": ", known to be exploited", "cve.epss": ", likely to be exploited"}.get(code, "")
            message = f"{finding.id} ({finding.severity.value}{because}) in {finding.package} {finding.version}"
            grounds.append(Ground(outcome.name, code, action, message, finding.id))
    grounds.sort(key=lambda ground: -ground.action.hardness)
    named, rest = grounds[:MOST_NAMED], grounds[MOST_NAMED:]
    if rest:
        message = f"{len(rest)} more vulnerabilities are not listed"
        named.append(Ground(outcome.name, "cve.more", rest[0].action, message))
    return named


def _told(outcomes: Sequence[CheckOutcome], rules: GateRules) -> Iterator[Ground]:
    """What follows from licence and age; nobody having told them is an answer, too."""
    if rules.licences.asks:
        licence = next((one.licence for one in outcomes if one.licence is not None), "")
        action = licence_action(licence, rules.licences)
        message = f"its licence is {licence[:200]}" if licence.strip() else "it does not say which licence it has"
        yield Ground("licence", "licence.refused" if licence.strip() else "licence.unknown", action, message)
    if rules.cools:
        waits = cooling(next((one.age for one in outcomes if one.age is not None), None), rules.cooldown)
        if waits is not None:
            yield Ground("age", waits[0], Action.REVIEW, waits[1])
