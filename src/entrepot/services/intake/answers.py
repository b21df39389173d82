"""What the checks say when somebody judges later: as it was kept, or asked anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.advisories.engines import GRYPE
from entrepot.domain.policy.gate import CheckOutcome
from entrepot.services.intake.checks.asking import ask
from entrepot.services.intake.checks.base import Check, Subject, Surroundings
from entrepot.services.intake.findings import recalled
from entrepot.services.intake.receipts import outcome_of


def ask_missing(
    subject: Subject,
    steps: Sequence[Mapping[str, JsonValue]],
    checks: Sequence[Check],
    around: Surroundings,
) -> list[CheckOutcome]:
    """What all checks say, in their order: as it was kept, unless it is missing or has to be asked anew.

    The one place where a later judgement gets its answers.  What is kept of checks that are not asked any more stays.

    Raises:
        ScannerUnavailable: one of them has to be asked again later.
    """
    kept = {str(step["name"]): step for step in steps}
    wanted = [check for check in checks if check.anew or check.name not in kept]
    answers = {outcome.name: outcome for outcome in ask(subject, wanted, around)}
    found = {name: outcome_of(step) for name, step in kept.items()} | answers
    if GRYPE in kept and GRYPE not in answers:
        found[GRYPE] = _with_findings(subject, found[GRYPE], around)
    return list(found.values())


def _with_findings(subject: Subject, outcome: CheckOutcome, around: Surroundings) -> CheckOutcome:
    with around.catalog.read() as reading:
        package = reading.package_with_digest(subject.digest)
        return outcome if package is None else recalled(reading, subject.suite.id, package.id, outcome)
