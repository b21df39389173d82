"""The part of the client about downloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from entrepot.client.answers import shaped
from entrepot.client.people import JsonCall


class DownloadSummary(TypedDict):
    """All packages together."""

    total_downloads: int
    unique_packages: int
    unique_clients: int
    total_bytes: int
    per_format: Mapping[str, int]
    per_client_type: Mapping[str, int]


class DownloadedPackage(TypedDict):
    """All versions of one name."""

    name: str
    downloads: int
    bytes: int
    clients: int
    format: str


class DownloadStats(TypedDict):
    """``GET /downloads/stats``."""

    summary: DownloadSummary
    per_package: list[DownloadedPackage]
    per_day: list[Mapping[str, object]]


class Downloads:
    """``Client.downloads``; every call needs a maintainer."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def stats(self, days: int) -> DownloadStats:
        """``GET /downloads/stats``."""
        body = self._call("GET", "/downloads/stats", {"days": days})
        return shaped(body, DownloadStats, summary=dict, per_package=list, per_day=list)
