"""Download statistics (contract 4.9)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from entrepot.adapters.catalog.downloads import PackageTotal, Seen
from entrepot.domain.model.download import ClientType
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.services.downloads.statistics import Statistics

router = APIRouter(tags=["downloads"], dependencies=[Depends(requiring(Permission.DOWNLOAD_READ))])

Body = dict[str, Any]


@router.get("/downloads/stats", summary="What was downloaded")
def download_stats(app: App, who: Who, days: Annotated[int, Query(ge=1, le=365)] = 30) -> Body:
    """The last days, today included (UTC).

    A download is an answer with the last byte of a package file; ranges count once, HEAD and 304 never.  Clients are
    counted once a day, and without ``ENTREPOT_KEEP_ADDRESSES`` their ``ip`` is a pseudonym of that day.
    """
    found = app.downloads.statistics(who, days)
    per_day = _per_day(found)
    peak = max(per_day, key=lambda row: (row["downloads"], row["bytes"]))
    total = sum(row["downloads"] for row in per_day)
    return {
        "summary": {
            "total_downloads": total,
            "unique_packages": found.package_count,
            "unique_clients": found.client_count,
            "total_bytes": sum(row["bytes"] for row in per_day),
            **_sums(found),
            "avg_per_day": round(total / days, 2),
            "peak_day": peak if peak["downloads"] else None,
            "log_available": app.downloads.source in ("requests", "both") or found.log_lines > 0,
            "source": app.downloads.source,
            "log_lines_read": found.log_lines,
            "log_lines_skipped": found.log_skipped,
        },
        "per_package": [_package(one) for one in found.packages],
        "per_day": per_day,
        "recent": [_recent(one) for one in found.recent],
        "days": days,
    }


def _per_day(found: Statistics) -> list[Body]:
    downloads: Counter[int] = Counter()
    sent: Counter[int] = Counter()
    for total in found.totals:
        number = (total.day - found.first).days
        downloads[number] += total.downloads
        sent[number] += total.sent_bytes
    return [
        {
            "date": (found.first + timedelta(days=number)).isoformat(),
            "downloads": downloads[number],
            "bytes": sent[number],
        }
        for number in range((found.last - found.first).days + 1)
    ]


def _sums(found: Statistics) -> Body:
    formats: Counter[str] = Counter({"deb": 0, "rpm": 0, "apk": 0})
    types: Counter[str] = Counter({kind.value: 0 for kind in ClientType})
    for total in found.totals:
        formats[total.format.value] += total.downloads
        types[total.client_type.value] += total.downloads
    return {"per_format": dict(formats), "per_client_type": dict(types)}


def _package(one: PackageTotal) -> Body:
    return {
        "name": one.name,
        "downloads": one.downloads,
        "bytes": one.sent_bytes,
        "versions": list(one.versions),
        "clients": one.clients,
        "format": one.format.value,
    }


def _recent(one: Seen) -> Body:
    at = one.at.astimezone(UTC)
    return {
        "ip": one.client,
        "date": at.date().isoformat(),
        "hour": at.hour,
        "timestamp": at.isoformat(),
        "filename": one.item.filename,
        "name": one.item.name,
        "version": one.item.version,
        "arch": one.item.architecture,
        "pkg_format": one.item.format.value,
        "client_type": one.client_type.value,
        "bytes": one.sent_bytes,
        "user_agent": one.user_agent,
        "status": one.status,
        "path": one.path,
    }
