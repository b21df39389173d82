"""The part of the client about downloads."""

from __future__ import annotations

from entrepot.client.answers import DownloadStats, shaped
from entrepot.client.people import JsonCall


class Downloads:
    """``Client.downloads``; every call needs a maintainer."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def stats(self, days: int) -> DownloadStats:
        """``GET /downloads/stats``."""
        body = self._call("GET", "/downloads/stats", {"days": days})
        return shaped(body, DownloadStats, summary=dict, per_package=list, per_day=list)
