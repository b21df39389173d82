"""Does its suite have what the package depends on directly?  Informs, never holds: most comes from elsewhere."""

from __future__ import annotations

from entrepot.domain.dependencies.candidates import Candidate, Need
from entrepot.domain.dependencies.formula import can_hold
from entrepot.domain.dependencies.hosts import home_of, rules_of
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.services.intake.checks.base import Subject, Surroundings

_MOST_NEEDS = 500
_MOST_NAMES = 1000
_SEPARATOR = ", "


def missing_of(detail: str) -> list[str]:
    """What the detail of the outcome names."""
    return detail.split(_SEPARATOR) if detail else []


def missing_names(subject: Subject, around: Surroundings) -> list[str]:
    """Dependencies that no package of the suite satisfies, nor the package itself, by their first alternative.

    Needs beyond a bound are taken as satisfied.
    """
    rules = rules_of(subject.suite, home_of(subject.key, subject.suite))
    root = Candidate(0, subject.key, subject.relations, files=subject.files)
    needs = _bounded([need for need in rules.needs(root) if need.label])
    offered: dict[str, list[Candidate]] = {name: [root] for need in needs for name in need.names}
    if not offered:
        return []
    with around.catalog.read() as reading:
        offers = reading.offers(subject.suite.id, offered)
    for offer in offers:
        offered[offer.name].append(offer.candidate())
    missing = [need.label for need in needs if not can_hold(need.formula(lambda name: offered[name]))]
    return list(dict.fromkeys(missing))


def _bounded(needs: list[Need]) -> list[Need]:
    names, found = set[str](), list[Need]()
    for need in needs[:_MOST_NEEDS]:
        names.update(need.names)
        if len(names) > _MOST_NAMES:
            break
        found.append(need)
    return found


class DependencyCheck:
    """Lists dependencies that the suite itself does not satisfy."""

    name = "dependencies"
    slow = False
    anew = False

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """Always clean; the detail names what is missing."""
        missing = missing_names(subject, around)
        if not missing:
            return CheckOutcome(self.name, CheckResult.CLEAN, "satisfied")
        return CheckOutcome(self.name, CheckResult.CLEAN, "missing", detail=_SEPARATOR.join(missing))
