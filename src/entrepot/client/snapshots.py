"""The part of the client about snapshots and environments.

A state is named ``jammy``, ``jammy@NAME``, ``jammy@20261121T200000Z`` or ``jammy@env:NAME``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from typing_extensions import TypedDict

from entrepot.client.answers import shaped
from entrepot.client.answers_snapshots import (
    BegunMerge,
    ContentPage,
    EnvironmentAnswer,
    EnvironmentList,
    MergeAnswer,
    MoveBack,
    MoveDone,
    MovePage,
    MovePlan,
    RemovedEnvironment,
    RemovedSnapshot,
    SnapshotAnswer,
    SnapshotPage,
    StateDifference,
)
from entrepot.client.segments import segment
from entrepot.client.wire import JsonCall, given


class SnapshotsTheme:
    """``Client.snapshots``."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def all(self, distribution: str | None = None, page: int = 1, per_page: int = 50) -> SnapshotPage:
        """``GET /snapshots``."""
        body = self._call("GET", "/snapshots", given(distribution=distribution, page=page, per_page=per_page))
        return shaped(body, SnapshotPage, items=list, total=int)

    def freeze(self, distribution: str, name: str | None = None, description: str = "") -> SnapshotAnswer:
        """``POST /snapshots``."""
        payload = {"distribution": distribution, "description": description, **given(name=name)}
        return shaped(self._call("POST", "/snapshots", None, payload), SnapshotAnswer, name=str, content_id=str)

    def merge(
        self,
        states: Sequence[str],
        into: str,
        name: str | None = None,
        *,
        rule: str = "latest",
        description: str = "",
        dry_run: bool = False,
        limit: int = 1000,
    ) -> MergeAnswer:
        """``POST /snapshots/merge``."""
        payload = {"states": list(states), "into": into, "rule": rule, "description": description, "dry_run": dry_run}
        body = self._call("POST", "/snapshots/merge", {"limit": limit}, payload | given(name=name))
        return shaped(body, MergeAnswer, status=str, counts=dict, conflicts=list)

    def begin_merge(
        self,
        states: Sequence[str],
        into: str,
        name: str | None = None,
        *,
        rule: str = "latest",
        description: str = "",
        dry_run: bool = False,
    ) -> BegunMerge:
        """``POST /snapshots/merge/jobs``: begin, without waiting; ``Client.jobs`` follows it."""
        payload = {"states": list(states), "into": into, "rule": rule, "description": description, "dry_run": dry_run}
        body = self._call("POST", "/snapshots/merge/jobs", None, payload | given(name=name))
        return shaped(body, BegunMerge, job_id=str)

    def one(self, distribution: str, name: str) -> SnapshotAnswer:
        """``GET /snapshots/{codename}/{name}``."""
        return shaped(self._call("GET", _path(distribution, name)), SnapshotAnswer, name=str, content_id=str)

    def remove(self, distribution: str, name: str) -> RemovedSnapshot:
        """``DELETE /snapshots/{codename}/{name}``."""
        return shaped(self._call("DELETE", _path(distribution, name)), RemovedSnapshot, status=str, snapshot=dict)

    def diff(self, older: str, newer: str, limit: int = 10_000) -> StateDifference:
        """``GET /snapshots/diff``."""
        body = self._call("GET", "/snapshots/diff", {"from": older, "to": newer, "limit": limit})
        return shaped(body, StateDifference, changes=list, counts=dict)

    def contents(self, state: str, page: int = 1, per_page: int = 50) -> ContentPage:
        """``GET /snapshots/contents``."""
        body = self._call("GET", "/snapshots/contents", {"of": state, "page": page, "per_page": per_page})
        return shaped(body, ContentPage, state=dict, items=list)


class Aim(TypedDict, total=False):
    """Where to point, with a word on why; ``distributions`` are of interest beside ``source`` only."""

    source: str
    distributions: Sequence[str]
    reason: str
    override: bool


class EnvironmentsTheme:
    """``Client.environments``.  Snapshots are given as ``DISTRIBUTION@NAME``, or as what another environment shows."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def all(self) -> EnvironmentList:
        """``GET /environments``."""
        return shaped(self._call("GET", "/environments"), EnvironmentList, environments=list)

    def one(self, name: str) -> EnvironmentAnswer:
        """``GET /environments/{name}``."""
        return _environment(self._call("GET", _environment_path(name)))

    def create(self, name: str, description: str = "", *, protected: bool = False) -> EnvironmentAnswer:
        """``POST /environments``."""
        payload = {"name": name, "description": description, "protected": protected}
        return _environment(self._call("POST", "/environments", None, payload))

    def change(self, name: str, *, description: str | None = None, protected: bool | None = None) -> EnvironmentAnswer:
        """``PATCH /environments/{name}``."""
        payload = {
            key: value for key, value in (("description", description), ("protected", protected)) if value is not None
        }
        return _environment(self._call("PATCH", _environment_path(name), None, payload))

    def remove(self, name: str) -> RemovedEnvironment:
        """``DELETE /environments/{name}``."""
        return shaped(self._call("DELETE", _environment_path(name)), RemovedEnvironment, status=str)

    def history(self, name: str, distribution: str | None = None, page: int = 1, per_page: int = 50) -> MovePage:
        """``GET /environments/{name}/history``."""
        params = given(distribution=distribution, page=page, per_page=per_page)
        return shaped(self._call("GET", f"{_environment_path(name)}/history", params), MovePage, items=list)

    def plan(self, name: str, snapshots: Sequence[str] = (), *, limit: int = 1000, **aim: Unpack[Aim]) -> MovePlan:
        """``POST /environments/{name}/plan``."""
        body = self._call("POST", f"{_environment_path(name)}/plan", {"limit": limit}, _aimed(snapshots, aim))
        return shaped(body, MovePlan, changes=list, harmless=bool)

    def point(self, name: str, snapshots: Sequence[str] = (), **aim: Unpack[Aim]) -> MoveDone:
        """``POST /environments/{name}/point``."""
        body = self._call("POST", f"{_environment_path(name)}/point", None, _aimed(snapshots, aim))
        return shaped(body, MoveDone, status=str, changes=list)

    def roll_back(self, name: str, distribution: str | None = None, reason: str = "") -> MoveBack:
        """``POST /environments/{name}/rollback``."""
        payload = {**given(distribution=distribution), "reason": reason}
        body = self._call("POST", f"{_environment_path(name)}/rollback", None, payload)
        return shaped(body, MoveBack, status=str, distributions=list)

    def take_out(self, name: str, distribution: str, reason: str = "") -> EnvironmentAnswer:
        """``DELETE /environments/{name}/distributions/{codename}``."""
        path = f"{_environment_path(name)}/distributions/{segment(distribution)}"
        return _environment(self._call("DELETE", path, given(reason=reason or None)))


def _path(distribution: str, name: str) -> str:
    return f"/snapshots/{segment(distribution)}/{segment(name)}"


def _environment_path(name: str) -> str:
    return f"/environments/{segment(name)}"


def _environment(body: dict[str, object]) -> EnvironmentAnswer:
    return shaped(body, EnvironmentAnswer, name=str, distributions=list)


def _aimed(snapshots: Sequence[str], aim: Aim) -> dict[str, object]:
    targets = [dict(zip(("distribution", "snapshot"), one.partition("@")[::2], strict=True)) for one in snapshots]
    payload: dict[str, object] = {**aim}
    if "source" in payload:
        payload["from"] = payload.pop("source")
    return {**payload, **({"targets": targets} if targets else {})}
