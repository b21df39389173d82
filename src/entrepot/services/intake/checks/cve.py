"""Is anything known to be wrong with the package?  The advisories of its suite's distribution are asked, here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from entrepot.adapters.catalog.base import Reading
from entrepot.domain.advisories.matching import Sought
from entrepot.domain.advisories.sources import FRAGMENT, source_of
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.gate import CheckOutcome, CheckResult
from entrepot.services.intake.checks.base import Subject, Surroundings
from entrepot.services.intake.checks.comparison import (
    NAME,
    Bundled,
    answer,
    bundled_in,
    compared,
    knowledge_of,
    oldest_of,
)

OFF = CheckOutcome(NAME, CheckResult.SKIPPED, "switched off by validation.grype_scan")

__all__ = ["NAME", "OFF", "VulnerabilityCheck"]


class VulnerabilityCheck:
    """Clean is said only when complete and recent advisories of the suite's distribution were asked.

    Without any import ever, nobody was there to ask: skipped.  With advisories for others only, or old ones, the
    answer is inconclusive; what was found nevertheless is told.
    """

    name = NAME
    slow = False
    anew = True

    def __init__(self, configuration: Callable[[], Configuration], now: Callable[[], datetime]) -> None:
        self._configuration = configuration
        self._now = now

    def inspect(self, subject: Subject, around: Surroundings) -> CheckOutcome:
        """In one reading unit, so that the position says what was read."""
        configuration = self._configuration()
        if not configuration.validation.grype_scan:
            return OFF
        oldest = oldest_of(configuration, subject.suite)
        with around.catalog.read() as reading:
            knowledge = knowledge_of(reading, subject.suite, self._now(), oldest)
            sought = Sought(subject.key, *sought_of(reading, subject), knowledge.context)
            bundled = _bundled(reading, subject, arrives=around.arriving is not None)
            return answer(knowledge, compared(reading, knowledge, [sought], [bundled])[0], bundled)


def _bundled(reading: Reading, subject: Subject, *, arrives: bool) -> Bundled:
    """While it comes in the file was just looked into; later the catalog tells."""
    if arrives or subject.components:
        return Bundled(subject.components)
    package = reading.package_with_digest(subject.digest)
    return Bundled(looked_into=False) if package is None else bundled_in(reading, [package.id])[0]


def sought_of(reading: Reading, subject: Subject) -> tuple[str, str]:
    """Name and version of its source package."""
    source, version = subject.source, subject.source_version
    if not version:
        package = reading.package_with_digest(subject.digest)
        texts = {} if package is None else reading.index_texts([package.id], FRAGMENT[subject.key.format])
        source, version = source_of(subject.key, next(iter(texts.values()), b""))
    return source, version
