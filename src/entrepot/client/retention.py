"""The part of the client about what stays and what goes."""

from __future__ import annotations

from entrepot.client.answers import shaped
from entrepot.client.answers_promotions import NextRun
from entrepot.client.answers_upkeep import Collection, Pinned, RetentionOverview, RetentionRun
from entrepot.client.segments import segment
from entrepot.client.wire import JsonCall, given


class Retention:
    """``Client.retention``."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def pin(self, name: str, version: str, *, architecture: str | None = None, reason: str = "") -> Pinned:
        """``POST /artifacts/{name}/{version}/pin``."""
        body = self._call("POST", _pin_path(name, version), given(arch=architecture), {"reason": reason})
        return shaped(body, Pinned, status=str)

    def unpin(self, name: str, version: str, *, architecture: str | None = None) -> Pinned:
        """``DELETE /artifacts/{name}/{version}/pin``."""
        return shaped(self._call("DELETE", _pin_path(name, version), given(arch=architecture)), Pinned, status=str)

    def collection_preview(self, max_versions: int | None = None, min_age_days: int | None = None) -> Collection:
        """``GET /artifacts/admin/gc-preview``."""
        body = self._call(
            "GET", "/artifacts/admin/gc-preview", given(max_versions=max_versions, min_age_days=min_age_days)
        )
        return shaped(body, Collection, versions_deleted=int, details=list)

    def collect_versions(self, max_versions: int | None = None, min_age_days: int | None = None) -> Collection:
        """``POST /artifacts/admin/version-gc``."""
        body = self._call(
            "POST", "/artifacts/admin/version-gc", given(max_versions=max_versions, min_age_days=min_age_days)
        )
        return shaped(body, Collection, versions_deleted=int, details=list)

    def overview(self) -> RetentionOverview:
        """``GET /settings/retention``."""
        return shaped(self._call("GET", "/settings/retention"), RetentionOverview, preview=dict, running=bool)

    def run(self) -> RetentionRun:
        """``POST /settings/run-retention``."""
        return shaped(self._call("POST", "/settings/run-retention"), RetentionRun, status=str, result=dict)

    def next_sync(self) -> NextRun:
        """``GET /settings/next-sync``: when sources are synchronised next."""
        return shaped(self._call("GET", "/settings/next-sync"), NextRun, status=str)

    # As they were called before the client had parts.
    retention = overview
    run_retention = run


def _pin_path(name: str, version: str) -> str:
    return f"/artifacts/{segment(name)}/{segment(version)}/pin"
