"""Content that is frozen, and the names that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from entrepot.adapters.catalog.base import Reading
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.model.finding import Finding
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.main.parts import FORMATS, Parts
from entrepot.services.intake.checks.comparison import compared, knowledge_of, oldest_of, sought_packages
from entrepot.services.snapshots import Environments, Snapshots
from entrepot.services.snapshots.comparison import Known


class Frozen(TypedDict):
    """By their names in the application."""

    snapshots: Snapshots
    environments: Environments


def _known(parts: Parts, configuration: Callable[[], Configuration]) -> Known:
    def ask(
        reading: Reading, suite: Suite, package_ids: Sequence[PackageId]
    ) -> Mapping[PackageId, Sequence[Finding]] | None:
        knowledge = knowledge_of(reading, suite, parts.now(), oldest_of(configuration(), suite))
        if not knowledge.context or not knowledge.states:
            return None
        sought = sought_packages(reading, knowledge.context, reading.packages(package_ids))
        return dict(zip(sought, compared(reading, knowledge, list(sought.values())), strict=True))

    return ask


def frozen(parts: Parts, configuration: Callable[[], Configuration]) -> Frozen:
    """Both only write rows; what machines see follows from these."""
    known = _known(parts, configuration)
    return Frozen(
        snapshots=Snapshots(parts.catalog, FORMATS, known, parts.now),
        environments=Environments(parts.catalog, FORMATS, known, parts.now),
    )
