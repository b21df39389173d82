"""What is known of a package in the end: the check of advisories, and what a second engine adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from entrepot.domain.advisories.engines import GRYPE, engines_of, joined, naming
from entrepot.domain.advisories.matching import ENGINE
from entrepot.domain.model.finding import Coverage, Finding
from entrepot.domain.policy.gate import CVE, CheckOutcome, CheckResult

_CONCLUDED = (CheckResult.CLEAN, CheckResult.FINDINGS)
_ANSWERED = (*_CONCLUDED, CheckResult.INCONCLUSIVE)


def combined(outcomes: Sequence[CheckOutcome], engine: str = "", known: Sequence[Finding] = ()) -> CheckOutcome | None:
    """One answer of both, to be kept; none if nobody asked the advisories.

    ``engine`` and ``known`` are what is kept so far: where the second engine was not asked, or broke off, it stays.
    """
    named = {outcome.name: outcome for outcome in outcomes}
    ours, other = named.get(CVE), named.get(GRYPE)
    if ours is None:
        return None
    if other is None or other.result not in _ANSWERED:
        return carried(ours, engine, known)
    coverage = other.coverage or Coverage()
    return _together(ours, other.findings, coverage, concluded=other.result in _CONCLUDED)


def carried(ours: CheckOutcome, engine: str, known: Sequence[Finding]) -> CheckOutcome:
    """A newer answer of the advisories with what the second engine found when it was asked."""
    concluded = GRYPE in engines_of(engine)
    others = [replace(one, engine=GRYPE) for one in known if GRYPE in engines_of(one.engine)]
    if not concluded and not others:
        return ours
    return _together(ours, others, Coverage(), concluded=concluded)


def _together(ours: CheckOutcome, others: Sequence[Finding], theirs: Coverage, *, concluded: bool) -> CheckOutcome:
    found = joined(ours.findings, others)
    more = len(found) - len(ours.findings)
    result = ours.result
    if result is CheckResult.SKIPPED and concluded:
        result = CheckResult.CLEAN
    if result is CheckResult.CLEAN and found:
        result = CheckResult.FINDINGS
    coverage = ours.coverage or Coverage()
    asked = ENGINE if ours.result is not CheckResult.SKIPPED else ""
    coverage = replace(
        coverage,
        engine=naming(asked, GRYPE if concluded else "") or coverage.engine,
        database_date=coverage.database_date or theirs.database_date,
        context=coverage.context or theirs.context,
        database=coverage.database or theirs.database,
    )
    message = f"{ours.message}; {more} more found by {GRYPE}" if more else ours.message
    return replace(ours, result=result, message=message, findings=tuple(found), coverage=coverage)
