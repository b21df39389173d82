"""The dashboard (contract 4.10).

What nobody measures here is zero, and said to be absent: no scanner, no vulnerabilities, no deadlines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from entrepot.adapters.catalog.auditing import ChainedEntry
from entrepot.adapters.catalog.overview import Waiting
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.antivirus import clamav_block
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.words import when
from entrepot.services.dashboard.service import Day, Snapshot

router = APIRouter(tags=["dashboard"], dependencies=[Depends(requiring(Permission.DASHBOARD_READ))])

Body = dict[str, Any]
_SEVERITIES = ("critical", "high", "medium", "low", "negligible")


@router.get("/dashboard/summary", summary="Headline numbers")
def dashboard_summary(app: App, who: Who) -> Body:
    """From the same snapshot as ``/dashboard/stats``."""
    return _summary(app.watching.dashboard.snapshot(who))


@router.get("/dashboard/stats", summary="What is there, what happened, what waits")
def dashboard_stats(app: App, who: Who) -> Body:
    """The last seven days, oldest first, in UTC."""
    found = app.watching.dashboard.snapshot(who)
    return {
        "packages": {
            "total": found.stock.package_count,
            "total_size_bytes": found.stock.size_bytes,
            "deps_missing_count": 0,
            "imports_today": found.today.imports,
        },
        "activity": [
            {"date": day.day.isoformat(), "imports": day.imports, "failures": day.failures} for day in found.week
        ],
        "recent_imports": [entry(one) for one in found.recent_imports],
        "alerts": _alerts(found.waiting),
        "clamav": clamav_block(app.antivirus.state()),
        "security_posture": {"scanned": 0, "total": found.stock.package_count, **_no_findings()},
        "security_review": {
            "pending_review": found.decisions.held,
            "blocked": 0,
            "quarantined": found.decisions.refused,
            "accepted_risk": found.decisions.approved,
            "exception": 0,
            "upgrade_required": 0,
            "expiring_soon": [],
            "total_decisions": found.decisions.refused + found.decisions.approved,
        },
        "generated_at": when(found.at),
    }


@router.get("/dashboard/history", summary="What happened, by day")
def dashboard_history(app: App, who: Who, days: Annotated[int, Query(ge=1, le=365)] = 30) -> Body:
    """Oldest first, today last, in UTC; a day without anything is there as well."""
    return {"history": [_day(day) for day in app.watching.dashboard.history(who, days)], "days": days}


@router.get("/dashboard/stats/enriched", summary="Trends, and the packages that stand out")
def dashboard_enriched(
    app: App,
    who: Who,
    trend_windows: Annotated[str, Query(max_length=40, pattern=r"^\d{1,3}(,\d{1,3}){0,9}$")] = "30,60,90",
    top_limit: Annotated[int, Query(ge=1, le=100)] = 10,
    sla_max_age_days: Annotated[int, Query(ge=1, le=3650)] = 365,
) -> Body:
    """``trend_windows`` are numbers of days, with commas; nothing is scanned, so that their sums are zero."""
    found, ranking = app.watching.dashboard.snapshot(who), app.watching.dashboard.ranking(who, top_limit)
    windows = sorted({int(window) for window in trend_windows.split(",") if int(window)})
    return {
        "cve_trends": {str(window): {"scanned": 0, **_no_findings()} for window in windows},
        "top_packages": {
            "by_versions": [{"name": name, "versions": versions} for name, versions in ranking.names],
            "by_size": [
                {
                    "name": one.key.name,
                    "version": one.key.version,
                    "arch": one.key.architecture,
                    "format": one.key.format.value,
                    "size_bytes": one.size_bytes,
                }
                for one in ranking.heaviest
            ],
            "recently_added": [
                {
                    "name": key.name,
                    "version": key.version,
                    "arch": key.architecture,
                    "format": key.format.value,
                    "added_at": when(at),
                }
                for key, at in ranking.newest
            ],
        },
        "sla_overdue": [],
        "sla_max_age_days": sla_max_age_days,
        "distributions": _distributions(found),
        "summary": _summary(found),
        "generated_at": when(found.at),
    }


def entry(one: ChainedEntry) -> Body:
    """An audit entry, without what only auditors see: address and detail."""
    return {
        "timestamp": when(one.entry.at),
        "action": one.entry.action,
        "user": one.entry.actor.name,
        "package": one.entry.package,
        "version": one.entry.version,
        "distribution": one.entry.suite,
        "result": one.entry.result,
    }


def _summary(found: Snapshot) -> Body:
    return {
        "package_count": found.stock.name_count,
        "packages_total": found.stock.name_count,
        "versions_total": found.stock.package_count,
        "total_size_bytes": found.stock.size_bytes,
        "pending_reviews": found.decisions.held,
        "pending_review": found.decisions.held,
        "quarantined": found.decisions.refused,
        "cve_findings": {**_no_findings(), "total": 0},
        "imports_today": found.today.imports,
        "distributions": _distributions(found),
        "recent_activity": [entry(one) for one in found.recent],
        "alerts": _alerts(found.waiting),
        "generated_at": when(found.at),
    }


def _distributions(found: Snapshot) -> list[Body]:
    return [
        {"codename": suite.codename, "format": suite.archive.format.value, "package_count": count}
        for suite, count in found.suites
    ]


def _alerts(waiting: Sequence[Waiting]) -> list[Body]:
    return [
        {
            "type": "security",
            "package": one.key.name,
            "message": f"{one.key.name} {one.key.version} waits for a decision in {one.suite}: "
            + "; ".join(one.reasons)[:500],
            "timestamp": when(one.since),
            "action": "pending_review",
        }
        for one in waiting
    ]


def _day(day: Day) -> Body:
    return {
        "date": day.day.isoformat(),
        "imports": day.imports,
        "failures": day.failures,
        "decisions": day.decisions,
        "cve_scans": day.scans,
    }


def _no_findings() -> Body:
    return dict.fromkeys(_SEVERITIES, 0)
