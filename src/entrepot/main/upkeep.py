"""What goes on by itself: goals, schedules, health."""

from __future__ import annotations

from collections.abc import Callable

from entrepot.adapters.catalog.base import Writing
from entrepot.domain.jobs.goals import Goal
from entrepot.domain.model.configuration import Configuration
from entrepot.main.parts import FORMATS, Parts
from entrepot.services.audit import Auditing
from entrepot.services.upkeep.retention import Retention
from entrepot.services.upkeep.schedule import Job, Scheduler


def retention_of(
    parts: Parts,
    configuration: Callable[[], Configuration],
    audit: Auditing,
    rematch: Callable[[Writing], Goal],
    begin_sync: Callable[[Writing], Goal],
    begin_mirrors: Callable[[Writing], Goal],
) -> tuple[Retention, Scheduler]:
    """What ages out, and when that is looked at."""
    forget = audit.seals.forget_before
    retention = Retention(parts.catalog, parts.queue, FORMATS, configuration, parts.now, forget)
    jobs = {
        "retention": Job(lambda found: found.retention, retention.begin),
        "cve_rematch": Job(lambda found: found.cve_rematch, rematch),
        "sync": Job(lambda found: found.sync, begin_sync),
        "mirror": Job(lambda found: found.mirror, begin_mirrors),
    }
    return retention, Scheduler(parts.catalog, configuration, jobs, parts.now)
