"""Every route of the API, one table for each theme."""

from tests.architecture.calls import (
    access,
    administration,
    antivirus,
    artifacts,
    audit,
    decisions,
    dialects,
    errata,
    federation,
    feeds,
    jobs,
    main,
    monitoring,
    notifications,
    overview,
    policy,
    provenance,
    retention,
    snapshots,
    software,
    sources,
    vulnerabilities,
)
from tests.architecture.calls.base import Call

CALLS: tuple[Call, ...] = (
    *access.CALLS,
    *administration.CALLS,
    *antivirus.CALLS,
    *artifacts.CALLS,
    *audit.CALLS,
    *decisions.CALLS,
    *dialects.CALLS,
    *errata.CALLS,
    *federation.CALLS,
    *feeds.CALLS,
    *jobs.CALLS,
    *main.CALLS,
    *monitoring.CALLS,
    *notifications.CALLS,
    *overview.CALLS,
    *policy.CALLS,
    *provenance.CALLS,
    *retention.CALLS,
    *vulnerabilities.CALLS,
    *snapshots.CALLS,
    *software.CALLS,
    *sources.CALLS,
)

__all__ = ["CALLS", "Call"]
