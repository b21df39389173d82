"""What maintainers are told about downloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.downloads import DayTotal, PackageTotal, Seen
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand

_TOP = 50
_RECENT = 50


@dataclass(frozen=True, slots=True)
class Statistics:
    """Some days, the last of which is today."""

    first: date
    last: date
    totals: Sequence[DayTotal]
    package_count: int
    client_count: int
    packages: Sequence[PackageTotal]
    recent: Sequence[Seen]
    log_lines: int
    log_skipped: int


class Downloads:
    """Sums over aggregates; nothing here grows with the number of requests."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime], source: str) -> None:
        self._catalog = catalog
        self._now = now
        self.source = source

    def statistics(self, actor: Actor, days: int) -> Statistics:
        """Of the last ``days`` days, today included (UTC)."""
        demand(actor, Permission.DOWNLOAD_READ)
        last = self._now().astimezone(UTC).date()
        first = last - timedelta(days=days - 1)
        with self._catalog.read() as reading:
            lines, skipped = reading.log_lines()
            packages, package_count = reading.most_downloaded(first, last, _TOP)
            return Statistics(
                first=first,
                last=last,
                totals=reading.downloads_by_day(first, last),
                package_count=package_count,
                client_count=reading.download_clients(first, last),
                packages=packages,
                recent=reading.recent_downloads(_RECENT),
                log_lines=lines,
                log_skipped=skipped,
            )
