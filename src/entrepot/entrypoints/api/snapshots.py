"""Snapshots: states of a distribution that are kept under a name, and what differs between any two states."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Page, Text
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.state_words import difference_words, snapshot_words, state_words

router = APIRouter(tags=["snapshots"])

MayRead = Annotated[Actor, Depends(requiring(Permission.SUITE_READ))]
_MayWrite = Depends(requiring(Permission.SNAPSHOT_WRITE))
_MOST = 500
Reference = Annotated[
    str,
    Query(max_length=400, description="DISTRIBUTION, or with @SNAPSHOT, @20261121T200000Z or @env:NAME"),
]


class SnapshotRequest(BaseModel):
    """What to keep, and under which name; without one it is named after the time."""

    model_config = ConfigDict(json_schema_extra={"example": {"distribution": "jammy", "name": "2026-11-21"}})

    distribution: str = Field(max_length=400, description="As published now, or any state: jammy@20261121T200000Z")
    name: str | None = Field(None, max_length=128)
    description: str = Field("", max_length=1000)


@router.get("/snapshots", summary="Snapshots")
def snapshots(app: App, who: MayRead, distribution: Text = None, page: Page = 1, per_page: Page = 50) -> dict[str, Any]:
    """Newest first, of all distributions or one."""
    limit = min(per_page, _MOST)
    found, total = app.snapshots.page(who, distribution, (page - 1) * limit, limit)
    return words.page([snapshot_words(one) for one in found], total, page, limit)


@router.post(
    "/snapshots",
    summary="Keep a state under a name",
    status_code=201,
    dependencies=[_MayWrite],
    openapi_extra=described(SnapshotRequest),
)
def freeze(
    app: App, who: Who, given: Annotated[SnapshotRequest, Depends(json_body(SnapshotRequest))]
) -> dict[str, Any]:
    """Nothing is copied: its packages and indexes are kept until the snapshot is removed."""
    return snapshot_words(app.snapshots.keep(who, given.distribution, given.name, given.description))


@router.get("/snapshots/diff", summary="What differs between two states")
def diff(
    app: App,
    who: MayRead,
    older: Annotated[Reference, Query(alias="from")],
    newer: Annotated[Reference, Query(alias="to")],
    limit: Annotated[int, Query(ge=1, le=100_000)] = 10_000,
) -> dict[str, Any]:
    """Packages that came, went or changed their version, by name."""
    return difference_words(app.snapshots.difference(who, older, newer), limit)


@router.get("/snapshots/contents", summary="Packages of a state")
def contents(app: App, who: MayRead, of: Reference, page: Page = 1, per_page: Page = 50) -> dict[str, Any]:
    """By component and name."""
    limit = min(per_page, _MOST)
    state, rows, total = app.snapshots.contents(who, of, (page - 1) * limit, limit)
    items = [
        {
            "name": one.name,
            "version": one.version,
            "arch": one.architecture,
            "component": one.component,
            "sha256": one.digest,
            "size": one.size_bytes,
        }
        for one in rows
    ]
    return {"state": state_words(state), **words.page(items, total, page, limit)}


@router.get("/snapshots/{codename}/{name}", summary="One snapshot")
def snapshot(codename: str, name: str, app: App, who: MayRead) -> dict[str, Any]:
    """With the environments that show it, which keep it from being removed."""
    return snapshot_words(app.snapshots.one(who, codename, name))


@router.delete("/snapshots/{codename}/{name}", summary="Let a snapshot go", dependencies=[_MayWrite])
def remove(codename: str, name: str, app: App, who: Who) -> dict[str, Any]:
    """Refused while an environment shows it.  Packages that nothing else names are collected later."""
    return {"status": "removed", "snapshot": snapshot_words(app.snapshots.remove(who, codename, name))}
