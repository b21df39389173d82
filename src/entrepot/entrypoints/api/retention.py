"""Retention: what goes by itself, what stays, and when (contract 4.3, 4.12)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import PackageKey
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.artifacts import Text
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.words import when
from entrepot.errors import JobFailed
from entrepot.services.upkeep.pins import Chosen
from entrepot.services.upkeep.retention import BY_NUMBER, EVERYTHING, Report
from entrepot.services.upkeep.tally import MOST_NAMED, Leaving

router = APIRouter(tags=["retention"])

_WAIT_SECONDS = 60
_LOOK_SECONDS = 0.05
_MayRun = Depends(requiring(Permission.RETENTION_RUN))
MaxVersions = Annotated[int | None, Query(ge=0, le=100_000, description="Instead of the setting; 0 keeps all")]
MinAgeDays = Annotated[int | None, Query(ge=0, le=36_500, description="Instead of the setting")]


class PinRequest(BaseModel):
    """Why a version has to stay."""

    reason: str = Field("", max_length=500, examples=["installed on the ships that come home in May"])


@router.post(
    "/artifacts/{name}/{version}/pin",
    summary="Keep a version from retention",
    dependencies=[Depends(requiring(Permission.PACKAGE_PIN))],
    openapi_extra=described(PinRequest),
)
def pin(
    name: str,
    version: str,
    app: App,
    who: Who,
    given: Annotated[PinRequest, Depends(json_body(PinRequest))],
    arch: Text = None,
) -> dict[str, Any]:
    """Every file of the version, or the one of an architecture, in every distribution; until the pin is taken off."""
    return _pinned("pinned", name, version, app.pins.pin(who, name, version, arch, given.reason))


@router.delete(
    "/artifacts/{name}/{version}/pin",
    summary="Let retention have a version",
    dependencies=[Depends(requiring(Permission.PACKAGE_PIN))],
)
def unpin(name: str, version: str, app: App, who: Who, arch: Text = None) -> dict[str, Any]:
    """Nothing is removed now; the next run looks at it like at any other."""
    return _pinned("unpinned", name, version, app.pins.unpin(who, name, version, arch))


def _pinned(status: str, name: str, version: str, chosen: Chosen) -> dict[str, Any]:
    keys: list[PackageKey] = list(chosen.keys)
    return {
        "status": status,
        "package": name,
        "version": version,
        "architectures": sorted({key.architecture for key in keys}),
        "changed": chosen.changed,
    }


@router.get("/artifacts/admin/gc-preview", summary="What version-gc would remove", dependencies=[_MayRun])
def gc_preview(app: App, who: Who, max_versions: MaxVersions = None, min_age_days: MinAgeDays = None) -> dict[str, Any]:
    """Versions beyond the newest so many of each name, architecture and distribution; nothing is changed."""
    return _gc_words(app.retention.preview(who, BY_NUMBER, max_versions, min_age_days), dry_run=True)


@router.post("/artifacts/admin/version-gc", summary="Remove superfluous versions", dependencies=[_MayRun])
async def version_gc(
    app: App, who: Who, answer: Response, max_versions: MaxVersions = None, min_age_days: MinAgeDays = None
) -> dict[str, Any]:
    """Answers when it is done, or 202 when that takes longer than a minute; the bytes are collected later."""
    report = await _run(app, who, BY_NUMBER, max_versions, min_age_days)
    answer.status_code = 200 if report.outcome else 202
    return {"status": _status(report), **_gc_words(report, dry_run=False)}


@router.get("/settings/retention", summary="What retention would remove, and what it removed last")
def overview(app: App, who: Annotated[Actor, _MayRun]) -> dict[str, Any]:
    """By the settings of now.  Nothing is changed."""
    last, planned = app.retention.last(who), app.scheduler.next("retention")
    return {
        "preview": _words(app.retention.preview(who, EVERYTHING, None, None), dry_run=True),
        "running": app.retention.running(who),
        "last": None if last is None else {"status": _status(last), **_words(last, dry_run=False)},
        "next_run": when(planned.at),
        "schedule": planned.status,
    }


@router.post("/settings/run-retention", summary="Run retention now", dependencies=[_MayRun])
async def run_retention(app: App, who: Who, answer: Response) -> dict[str, Any]:
    """By number and by age, as the settings say.  Answers when it is done, or 202 after a minute."""
    report = await _run(app, who, EVERYTHING, None, None)
    answer.status_code = 200 if report.outcome else 202
    return {"status": _status(report), "result": _words(report, dry_run=False)}


@router.get(
    "/settings/next-sync",
    summary="When sources are synchronised next",
    dependencies=[Depends(requiring(Permission.SETTING_READ))],
)
def next_sync(app: App) -> dict[str, Any]:
    """``job_not_found`` where nothing can be synchronised."""
    found = app.scheduler.next("sync")
    return {"next_run": when(found.at), "status": found.status}


async def _run(app: Application, who: Actor, job: str, max_versions: int | None, min_age_days: int | None) -> Report:
    number = await run_in_threadpool(app.retention.ask, who, job, max_versions, min_age_days)
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        report = await run_in_threadpool(app.retention.report, who, number)
        if report.outcome == "failed":
            raise JobFailed(f"run {number} of retention failed; the log says why", run=number)
        if report.outcome or time.monotonic() > deadline:
            return report
        await asyncio.sleep(_LOOK_SECONDS)


def _status(report: Report) -> str:
    return {"done": "ok", "failed": "failed"}.get(report.outcome, "running")


def _gc_words(report: Report, *, dry_run: bool) -> dict[str, Any]:
    tally, limits = report.tally, report.limits
    rows = [_row(one) for one in tally.named if one.reason == "number"]
    return {
        "ran_at": when(report.at),
        "max_versions": limits.max_versions,
        "min_age_days": limits.min_age_days,
        "dry_run": dry_run,
        "packages_checked": tally.checked,
        "versions_deleted": tally.by_number,
        "versions_skipped": tally.spared,
        "freed_bytes": tally.bytes_by_number,
        "details": rows,
        "details_complete": tally.by_number + tally.by_age <= MOST_NAMED,
    }


def _words(report: Report, *, dry_run: bool) -> Mapping[str, Any]:
    tally = report.tally
    return {
        "ran_at": when(report.at),
        "dry_run": dry_run,
        "audit_logs": {"deleted": tally.audit_deleted, "kept": tally.audit_kept, "freed_bytes": 0},
        "packages": {
            "deleted": tally.by_age,
            "freed_bytes": tally.bytes_by_age,
            "packages": [_row(one) for one in tally.named if one.reason == "age"],
        },
        "version_gc": _gc_words(report, dry_run=dry_run),
        "revoked_tokens_purged": tally.sessions_forgotten,
        "total_freed_bytes": tally.bytes_by_number + tally.bytes_by_age,
        "pending_promotions_gc": 0,
    }


def _row(one: Leaving) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "arch": one.architecture,
        "distribution": one.distribution,
        "size_bytes": one.size_bytes,
        "added_at": one.added_at,
    }
