"""Snapshots: states of a distribution that are kept under a name, and what differs between any two states."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Page, Text
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.state_words import difference_words, merge_words, snapshot_words, state_words
from entrepot.services.snapshots.choosing import Rule
from entrepot.services.snapshots.merging import MergeRequest

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


class MergeBody(BaseModel):
    """States in the order in which they count; the snapshot of them belongs to ``into``."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"states": ["jammy@2026-11-21", "jammy-security"], "into": "jammy", "name": "2026-11-21-secure"}
        }
    )

    states: list[Annotated[str, Field(max_length=400)]] = Field(min_length=2, max_length=20)
    into: str = Field(max_length=260, description="The distribution that the snapshot belongs to")
    name: str | None = Field(None, max_length=128)
    rule: Rule = Field(Rule.LATEST, description="What to take of a name and architecture that several states have")
    description: str = Field("", max_length=1000)
    dry_run: bool = Field(default=False, description="Only say what it would consist of")

    def request(self) -> MergeRequest:
        """In the words of the service."""
        return MergeRequest(self.states, self.into, self.name, self.rule, self.description)


@router.post(
    "/snapshots/merge",
    summary="Make one snapshot of several states",
    status_code=201,
    dependencies=[_MayWrite],
    openapi_extra=described(MergeBody),
    responses={200: {"description": "What it would consist of; nothing was changed"}},
)
def merge(
    app: App,
    who: Who,
    response: Response,
    given: Annotated[MergeBody, Depends(json_body(MergeBody))],
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> dict[str, Any]:
    """``latest`` takes the newest version, ``first`` what the state has that was named first, ``all`` everything.

    No file is copied.  The same version with different bytes is refused, unless ``first`` decides it.
    """
    if given.dry_run:
        response.status_code = 200
        return merge_words(app.merging.plan(who, given.request()), None, limit)
    done = app.merging.merge(who, given.request())
    return merge_words(done.selection, done.frozen, limit)


@router.post(
    "/snapshots/merge/jobs",
    summary="Merge states by a job",
    status_code=202,
    dependencies=[_MayWrite],
    openapi_extra=described(MergeBody),
)
def begin_merge(app: App, who: Who, given: Annotated[MergeBody, Depends(json_body(MergeBody))]) -> dict[str, Any]:
    """For states of many thousands of packages.  The result of the job is what ``POST /snapshots/merge`` answers."""
    job = app.merge_jobs.begin(who, given.request(), dry_run=given.dry_run)
    return {"status": "running", "job_id": job}


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
