"""Sources to import from, and their synchronisation (contract 4.5)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StrictInt, StrictStr
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.jobs import Job
from entrepot.application import Application
from entrepot.domain.jobs.work import JobId, JobStatus
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.job_events import EVENTS, told
from entrepot.entrypoints.api.limits import Limited
from entrepot.entrypoints.api.source_words import (
    SourceChange,
    SourceRequest,
    source_words,
    state_words,
    sync_job_words,
)
from entrepot.entrypoints.api.words import when
from entrepot.errors import NotFound
from entrepot.services.upstream.syncs import SYNC_JOB, Begun

router = APIRouter(tags=["import"], prefix="/import")

_MOST_BODY_BYTES = 8 << 20
_READ = [Depends(requiring(Permission.SOURCE_READ))]
_WRITE = [Depends(requiring(Permission.SOURCE_WRITE)), Depends(Limited("import"))]
_SYNC = [Depends(requiring(Permission.SOURCE_SYNC))]
_SEE = [Depends(requiring(Permission.UPSTREAM_READ))]
_WATCH = [Depends(requiring(Permission.JOB_READ))]
_CANCEL = [Depends(requiring(Permission.JOB_CANCEL)), Depends(Limited("import"))]
_ONE, _MANY = [*_SYNC, Depends(Limited("import"))], [*_SYNC, Depends(Limited("import", "import_sync"))]
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: EVENTS,
    202: {"description": "Begun, or attached to"},
}
_FAMILIES = {"apt": Format.DEB, "rpm": Format.RPM}
AcceptLoss = Annotated[bool, Query(description="Also when most packages are gone")]


class SyncRequest(BaseModel):
    """Which ones; none given are all that are switched on."""

    sources: list[StrictStr | StrictInt] | None = Field(None, max_length=500, examples=[["debian-bookworm"]])


@router.get("/sources", summary="List sources", dependencies=_READ)
def sources(app: App, who: Who) -> dict[str, Any]:
    """Those that come with the program and those of administrators, and how each stands."""
    rows = [source_words(one.source, running=one.running) for one in app.sources.all(who)]
    return {"sources": rows, "total": len(rows)}


@router.post(
    "/sources",
    summary="Add a source",
    status_code=201,
    dependencies=_WRITE,
    openapi_extra=described(SourceRequest),
)
def add_source(
    app: App, who: Who, given: Annotated[SourceRequest, Depends(json_body(SourceRequest, _MOST_BODY_BYTES))]
) -> dict[str, Any]:
    """An apt or rpm repository.  Nothing is fetched now."""
    return source_words(app.sources.create(who, given.draft(), given.secrets()))


@router.get("/sources/{source}", summary="Show a source", dependencies=_READ)
def one_source(source: str, app: App, who: Who) -> dict[str, Any]:
    """By number or name."""
    found = app.sources.one(who, source)
    return source_words(found.source, running=found.running)


@router.patch(
    "/sources/{source}", summary="Change a source", dependencies=_WRITE, openapi_extra=described(SourceChange)
)
def change_source(
    source: str,
    app: App,
    who: Who,
    given: Annotated[SourceChange, Depends(json_body(SourceChange, _MOST_BODY_BYTES))],
) -> dict[str, Any]:
    """What is given.  Of those that come with the program: the key, the switch, and how they are reached."""
    return source_words(app.sources.change(who, source, given.draft(), given.secrets()))


@router.delete("/sources/{source}", summary="Remove a source", dependencies=_WRITE)
def remove_source(source: str, app: App, who: Who) -> dict[str, Any]:
    """With all that was listed from it; packages that were imported stay."""
    found = app.sources.remove(who, source)
    return {"status": "deleted", "id": found.id, "source_id": found.name}


@router.post(
    "/sources/{source}/sync",
    summary="Synchronise a source, and watch",
    dependencies=_ONE,
    response_class=Response,
    responses={200: _EVENTS[200]},
)
async def sync_source_stream(
    source: str,
    app: App,
    who: Who,
    accept_loss: AcceptLoss = False,  # noqa: FBT002
) -> Response:
    """Events while the index is fetched, verified and read; joins the synchronisation that runs already."""
    begun = await run_in_threadpool(app.syncs.one, who, source, accept_loss=accept_loss)
    return told(app, who, begun.job, begun.sources[0].name)


@router.get("/sync-status", summary="How the sources stand", dependencies=_SEE)
def sync_status(app: App, who: Who) -> dict[str, Any]:
    """When each was last known to be up to date, and what went wrong since."""
    return {"sources": [state_words(one.source, running=one.running) for one in app.sources.states(who)]}


@router.get("/sync-schedule", summary="When sources are synchronised", dependencies=_SEE)
def sync_schedule(app: App, who: Who) -> dict[str, Any]:
    """Every day at the time of the settings, all that are switched on."""
    plan, planned = app.configurations.current().sync, app.scheduler.next("sync")
    text = f"every day at {plan.hour:02}:{plan.minute:02} {plan.timezone}" if plan.enabled else "off"
    found = [one.source for one in app.sources.states(who)]
    secure = [source for source in found if source.security and source.enabled]
    return {
        "schedule": text,
        "cron": f"{plan.minute} {plan.hour} * * *",
        "enabled": plan.enabled,
        "timezone": plan.timezone,
        "next_run": when(planned.at),
        "security_sources": [{"id": source.name, "label": source.label} for source in secure],
    }


@router.get("/sync/jobs", summary="Synchronisations, newest first", dependencies=_WATCH)
def sync_jobs(app: App, who: Who) -> dict[str, Any]:
    """The last hundred."""
    found, total = app.job_board.page(who, 0, 100, kind=SYNC_JOB)
    return {"jobs": [sync_job_words(job) for job in found], "total": total}


@router.get("/sync/jobs/active", summary="Synchronisations that run", dependencies=_WATCH)
def active_sync_jobs(app: App, who: Who) -> dict[str, Any]:
    """Now."""
    found, total = app.job_board.page(who, 0, 100, kind=SYNC_JOB, status=JobStatus.RUNNING)
    return {"jobs": [sync_job_words(job) for job in found], "total": total}


@router.get("/sync/jobs/{job_id}", summary="How far a synchronisation is", dependencies=_WATCH)
def sync_job(job_id: str, app: App, who: Who) -> dict[str, Any]:
    """Counts, and the result once it has ended."""
    return sync_job_words(_sync_job(app, who, job_id))


@router.get(
    "/sync/jobs/{job_id}/stream",
    summary="Events of a synchronisation as they come",
    dependencies=_WATCH,
    response_class=Response,
    responses={200: _EVENTS[200]},
)
def sync_job_stream(job_id: str, app: App, who: Who, from_index: Annotated[int, Query(ge=0, le=2**62)] = 0) -> Response:
    """From an index on."""
    job = _sync_job(app, who, job_id)
    return told(app, who, job.id, job.label, from_index)


@router.post("/sync/jobs/{job_id}/cancel", summary="End a synchronisation", dependencies=_CANCEL)
def cancel_sync_job(job_id: str, app: App, who: Who) -> dict[str, Any]:
    """What was in force before stays."""
    return sync_job_words(app.job_board.cancel(who, JobId(job_id)))


@router.post(
    "/sync",
    summary="Synchronise all sources, or some",
    status_code=202,
    dependencies=_MANY,
    openapi_extra=described(SyncRequest),
    responses=_EVENTS,
)
async def sync_all(
    request: Request, app: App, who: Who, given: Annotated[SyncRequest, Depends(json_body(SyncRequest))]
) -> Response:
    """All that are switched on, unless some are named.  With ``Accept: text/event-stream`` its events."""
    keys = None if given.sources is None else [str(key) for key in given.sources]
    begun = await run_in_threadpool(app.syncs.some, who, keys)
    return _answer(request, app, who, begun)


@router.post(
    "/sync-security",
    summary="Synchronise sources of security updates",
    status_code=202,
    dependencies=_ONE,
    responses=_EVENTS,
)
async def sync_security(request: Request, app: App, who: Who) -> Response:
    """Those that are switched on."""
    return _answer(request, app, who, await run_in_threadpool(app.syncs.security, who))


@router.post("/sync/start", summary="Synchronise all sources in the background", status_code=202, dependencies=_MANY)
def start_all(app: App, who: Who) -> dict[str, Any]:
    """All that are switched on; joins the synchronisation of all that runs already."""
    return _begun_words(app.syncs.some(who))


@router.post(
    "/sync/start/{target}",
    summary="Synchronise a family of sources, or one",
    status_code=202,
    dependencies=_ONE,
    responses={400: {"description": "No source of this family is switched on"}},
)
def start_some(target: str, app: App, who: Who) -> dict[str, Any]:
    """``apt`` or ``rpm`` are all of this family that are switched on; else the name or number of a source."""
    if target in _FAMILIES:
        return _begun_words(app.syncs.family(who, _FAMILIES[target]))
    return _begun_words(app.syncs.one(who, target))


@router.post("/sync/{source}", summary="Synchronise a source", status_code=202, dependencies=_ONE, responses=_EVENTS)
async def sync_source(
    source: str,
    request: Request,
    app: App,
    who: Who,
    accept_loss: AcceptLoss = False,  # noqa: FBT002
) -> Response:
    """Without waiting for it."""
    begun = await run_in_threadpool(app.syncs.one, who, source, accept_loss=accept_loss)
    return _answer(request, app, who, begun)


def _answer(request: Request, app: Application, who: Actor, begun: Begun) -> Response:
    if "text/event-stream" in request.headers.get("accept", "") or request.query_params.get("stream") == "1":
        return told(app, who, begun.job, begun.label)
    return JSONResponse(_begun_words(begun), 202)


def _begun_words(begun: Begun) -> dict[str, Any]:
    body: dict[str, Any] = {
        "job_id": begun.job,
        "label": begun.label,
        "status": "running",
        "total": len(begun.sources),
        "sources": [source.name for source in begun.sources],
        "already_running": begun.already_running,
    }
    if len(begun.sources) == 1:
        body["source_id"] = begun.sources[0].name
    return body


def _sync_job(app: Application, who: Actor, job_id: str) -> Job:
    job = app.job_board.one(who, JobId(job_id))
    if job.kind != SYNC_JOB:
        raise NotFound("there is no such synchronisation")
    return job
