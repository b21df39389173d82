"""Looking again at packages that were let in, and what that leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.gate import MALWARE, CheckOutcome
from entrepot.main.parts import Parts
from entrepot.services.intake.checks.comparison import Comparison
from entrepot.services.intake.decisions import Quarantines
from entrepot.services.intake.decisions.reopening import Reopening
from entrepot.services.intake.examining import Examiner
from entrepot.services.intake.receipts import step_of
from entrepot.services.vulnerabilities.base import News
from entrepot.services.vulnerabilities.findings import Vulnerabilities
from entrepot.services.vulnerabilities.looking import Looking
from entrepot.services.vulnerabilities.rematch import Rematch
from entrepot.services.vulnerabilities.rescans import Rescans


def looking(
    parts: Parts,
    examiner: Examiner,
    quarantines: Quarantines,
    reopening: Reopening,
    configuration: Callable[[], Configuration],
) -> Looking:
    """What was found, the ways to look again, and what that leads to."""
    ways = (parts.now, parts.monotonic)

    def effect(news: News) -> None:
        key, malware = news.package.key, _malware(news.outcomes)
        if malware:
            quarantines.quarantine(SYSTEM, key.name, key.version, key.architecture, malware)
        else:
            reopening.act(news.package, news.suite, news.outcomes)

    return Looking(
        findings=Vulnerabilities(parts.catalog, parts.blobs),
        rematch=Rematch(parts.catalog, parts.queue, Comparison(configuration), effect, configuration, *ways),
        rescans=Rescans(parts.catalog, parts.blobs, parts.queue, examiner, effect, _steps, *ways),
    )


def _malware(outcomes: Sequence[CheckOutcome]) -> str:
    """What was found of it; nobody is asked about that, whatever the settings say."""
    found = [concern.detail for outcome in outcomes for concern in outcome.concerns if concern.code == MALWARE]
    return "; ".join(found)[:1000]


def _steps(outcomes: Sequence[CheckOutcome]) -> list[Mapping[str, JsonValue]]:
    return [step_of(outcome) for outcome in outcomes]
