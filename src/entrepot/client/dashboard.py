"""The part of the client about what happens: headline numbers, downloads, events, log records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from entrepot.client.answers import shaped
from entrepot.client.answers_overview import (
    DownloadStats,
    History,
    LogRecords,
    LogServices,
    Stats,
    Subscribers,
    Summary,
    Trends,
)
from entrepot.client.wire import ServerEvent, Wire, given


class Dashboard:
    """``Client.dashboard``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def summary(self) -> Summary:
        """``GET /dashboard/summary``: headline numbers, what happened last, what waits."""
        body = self._wire("GET", "/dashboard/summary")
        return shaped(body, Summary, distributions=list, recent_activity=list, alerts=list)

    def stats(self) -> Stats:
        """``GET /dashboard/stats``: the last seven days."""
        return shaped(self._wire("GET", "/dashboard/stats"), Stats, packages=dict, activity=list)

    def history(self, days: int | None = None) -> History:
        """``GET /dashboard/history``: by day, oldest first."""
        return shaped(self._wire("GET", "/dashboard/history", given(days=days)), History, history=list)

    def trends(
        self,
        trend_windows: Sequence[int] | None = None,
        *,
        top_limit: int | None = None,
        sla_max_age_days: int | None = None,
    ) -> Trends:
        """``GET /dashboard/stats/enriched``; ``trend_windows`` are numbers of days."""
        windows = ",".join(str(days) for days in trend_windows) if trend_windows else None
        params = given(trend_windows=windows, top_limit=top_limit, sla_max_age_days=sla_max_age_days)
        return shaped(self._wire("GET", "/dashboard/stats/enriched", params), Trends, top_packages=dict)

    def events(self, after: int | None = None, *, follow: bool = True) -> Iterator[ServerEvent]:
        """``GET /dashboard/events``: what happens, as it happens.

        Begins now, or after the event of that number.  The iterator ends when the server ends the stream (after its
        restart, or when the session is over): call again with the last number.  Without ``follow`` it ends when
        everything was told.
        """
        return self._wire.events("/dashboard/events", after=after, follow=follow)

    def subscribers(self) -> Subscribers:
        """``GET /dashboard/events/subscribers``: open streams of the process that answers."""
        return shaped(self._wire("GET", "/dashboard/events/subscribers"), Subscribers, items=list)


class Downloads:
    """``Client.downloads``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def stats(self, days: int | None = None) -> DownloadStats:
        """``GET /downloads/stats``: of the last days, today included."""
        body = self._wire("GET", "/downloads/stats", given(days=days))
        return shaped(body, DownloadStats, summary=dict, per_package=list)


class Logs:
    """``Client.logs``: the last log records of the process that answers; needs an administrator."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def find(
        self, text: str | None = None, *, level: str | None = None, service: str | None = None, limit: int | None = None
    ) -> LogRecords:
        """``GET /logs``: newest first; ``level`` is the least one."""
        body = self._wire("GET", "/logs", given(q=text, level=level, service=service, limit=limit))
        return shaped(body, LogRecords, items=list, total=int)

    def services(self) -> LogServices:
        """``GET /logs/services``: parts of the program that logged something."""
        return shaped(self._wire("GET", "/logs/services"), LogServices, services=list)

    def stream(self, after: int | None = None, *, follow: bool = True) -> Iterator[ServerEvent]:
        """``GET /logs/stream``: records as they are written; as ``Dashboard.events``."""
        return self._wire.events("/logs/stream", after=after, follow=follow)
