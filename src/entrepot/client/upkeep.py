"""The part of the client about what stays and what goes."""

from __future__ import annotations

from collections.abc import Mapping

from entrepot.client.answers import shaped
from entrepot.client.people import JsonCall
from entrepot.client.segments import segment
from entrepot.client.upkeep_answers import Collection, KeysChanged, Pinned, RetentionOverview, RetentionRun, SigningKeys


class Upkeep:
    """``Client.upkeep``."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def pin(self, name: str, version: str, *, architecture: str | None = None, reason: str = "") -> Pinned:
        """``POST /artifacts/{name}/{version}/pin``."""
        params = {"arch": architecture} if architecture else None
        body = self._call("POST", _pin_path(name, version), params, {"reason": reason})
        return shaped(body, Pinned, status=str)

    def unpin(self, name: str, version: str, *, architecture: str | None = None) -> Pinned:
        """``DELETE /artifacts/{name}/{version}/pin``."""
        params = {"arch": architecture} if architecture else None
        return shaped(self._call("DELETE", _pin_path(name, version), params), Pinned, status=str)

    def collection_preview(self, max_versions: int | None = None, min_age_days: int | None = None) -> Collection:
        """``GET /artifacts/admin/gc-preview``."""
        body = self._call("GET", "/artifacts/admin/gc-preview", _numbers(max_versions, min_age_days))
        return shaped(body, Collection, versions_deleted=int, details=list)

    def collect_versions(self, max_versions: int | None = None, min_age_days: int | None = None) -> Collection:
        """``POST /artifacts/admin/version-gc``."""
        body = self._call("POST", "/artifacts/admin/version-gc", _numbers(max_versions, min_age_days))
        return shaped(body, Collection, versions_deleted=int, details=list)

    def retention(self) -> RetentionOverview:
        """``GET /settings/retention``."""
        return shaped(self._call("GET", "/settings/retention"), RetentionOverview, preview=dict, running=bool)

    def run_retention(self) -> RetentionRun:
        """``POST /settings/run-retention``."""
        return shaped(self._call("POST", "/settings/run-retention"), RetentionRun, status=str, result=dict)

    def keys(self) -> SigningKeys:
        """``GET /settings/gpg``."""
        return shaped(self._call("GET", "/settings/gpg"), SigningKeys, keys=list)

    def rotate_keys(self, **wanted: str) -> KeysChanged:
        """``POST /settings/gpg/generate``."""
        return self._keys("generate", wanted)

    def retire_keys(self, archive: str, *, force: bool) -> KeysChanged:
        """``POST /settings/gpg/retire``."""
        return self._keys("retire", {"archive": archive, "force": force})

    def extend_keys(self, archive: str, expire: str) -> KeysChanged:
        """``POST /settings/gpg/extend``."""
        return self._keys("extend", {"archive": archive, "expire": expire})

    def _keys(self, verb: str, payload: Mapping[str, object]) -> KeysChanged:
        body = self._call("POST", f"/settings/gpg/{verb}", payload=payload)
        return shaped(body, KeysChanged, status=str, message=str)


def _pin_path(name: str, version: str) -> str:
    return f"/artifacts/{segment(name)}/{segment(version)}/pin"


def _numbers(max_versions: int | None, min_age_days: int | None) -> dict[str, str | int]:
    given = {"max_versions": max_versions, "min_age_days": min_age_days}
    return {name: value for name, value in given.items() if value is not None}
