"""Mirrors by their sources, and the plan by which they run (contract 4.5)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, StrictBool, StrictInt, StrictStr
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.jobs import Job
from entrepot.application import Application
from entrepot.domain.jobs.work import JobId
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.job_events import EVENTS, told
from entrepot.entrypoints.api.jobs import job_words
from entrepot.entrypoints.api.limits import Limited
from entrepot.entrypoints.api.words import when
from entrepot.errors import NotFound
from entrepot.services.upstream.mirrors import MIRROR_JOB

router = APIRouter(tags=["import"], prefix="/import/mirror")

Body = dict[str, Any]
_LIMITED = Depends(Limited("import"))
_SEE = [Depends(requiring(Permission.UPSTREAM_READ))]
_WATCH = [Depends(requiring(Permission.JOB_READ))]
_SWITCH = [Depends(requiring(Permission.SOURCE_WRITE)), _LIMITED]
_PLAN = [Depends(requiring(Permission.SETTING_WRITE)), _LIMITED]
_RUN = [Depends(requiring(Permission.SOURCE_SYNC)), _LIMITED]
_CANCEL = [Depends(requiring(Permission.JOB_CANCEL)), _LIMITED]
_COUNTS = {"added_count": "placed", "pending_count": "held", "blocked_count": "refused"}


class SwitchRequest(BaseModel):
    """By the names of sources."""

    sources: dict[StrictStr, StrictBool] = Field(max_length=1000, examples=[{"debian-bookworm": True}])


class PlanRequest(BaseModel):
    """What is given is changed."""

    enabled: StrictBool | None = Field(None, description="Run every day", examples=[True])
    hour: StrictInt | None = Field(None, description="0 to 23, local time")
    minute: StrictInt | None = Field(None, description="0 to 59")
    timezone: StrictStr | None = Field(None, max_length=64, description="As in Europe/Paris")
    max_packages_per_run: StrictInt | None = Field(None, description="Kept for other programs: a mirror is whole")
    max_runtime_minutes: StrictInt | None = Field(None, description="A run that takes longer ends; the next goes on")
    min_free_disk_gb: StrictInt | None = Field(None, description="A run that would leave less ends")


@router.get("/sources", summary="Sources, and their mirrors", dependencies=_SEE)
def mirrored_sources(app: App, who: Who) -> Body:
    """Whether their mirrors run by the plan, and how the last run went."""
    places = app.mirror_plans.places()
    rows = [
        {
            "id": each.source.name,
            "source_id": each.source.name,
            "label": each.source.label,
            "format": each.source.format.value,
            "enabled": each.planned,
            "mirrors": [mirror.name for mirror, _ in each.mirrors],
            "last_job": _placed(each.last_run, places) if each.last_run is not None else None,
        }
        for each in app.mirror_plans.sources(who)
    ]
    return {"sources": rows}


@router.post(
    "/sources",
    summary="Switch the plan on or off for mirrors of sources",
    dependencies=_SWITCH,
    openapi_extra=described(SwitchRequest),
)
def switch_sources(app: App, who: Who, given: Annotated[SwitchRequest, Depends(json_body(SwitchRequest))]) -> Body:
    """Those that are not named stay as they are."""
    app.mirror_plans.check(who, list(given.sources))
    return {"sources": dict(app.configurations.switch_mirrors(who, given.sources))}


@router.get("/schedule", summary="When mirrors run", dependencies=_SEE)
def schedule(app: App) -> Body:
    """Every day at a time of a place; those of sources that are switched on."""
    return _plan(app)


@router.post("/schedule", summary="Plan mirrors", dependencies=_PLAN, openapi_extra=described(PlanRequest))
def change_schedule(app: App, who: Who, given: Annotated[PlanRequest, Depends(json_body(PlanRequest))]) -> Body:
    """It counts at once."""
    change = given.model_dump(exclude_none=True)
    if change:
        app.configurations.change(who, {"mirror": change})
    return _plan(app)


@router.post("/start/{source}", summary="Run the mirrors of a source", status_code=202, dependencies=_RUN)
def start(
    source: str,
    app: App,
    who: Who,
    limit: Annotated[int | None, Query(ge=1, description="Kept for other programs: a mirror is whole")] = None,  # noqa: ARG001
) -> Body:
    """All that follow it, by name or number; within the bounds of the plan.  The first one is told of."""
    begun = app.mirror_plans.start(who, source)
    first, jobs = begun[0], [each.job for each in begun]
    return {**_words(app, app.mirror_plans.job(first)), "already_running": first.already_running, "jobs": jobs}


@router.get("/jobs", summary="Runs of mirrors, newest first", dependencies=_WATCH)
def jobs(app: App, who: Who) -> Body:
    """The last hundred."""
    found, total = app.job_board.page(who, 0, 100, kind=MIRROR_JOB)
    places = app.mirror_plans.places()
    return {"jobs": [_placed(job, places) for job in found], "total": total}


@router.get("/jobs/{job_id}", summary="How far a run of a mirror is", dependencies=_WATCH)
def job(job_id: str, app: App, who: Who) -> Body:
    """Counts, and the result once it has ended."""
    return _words(app, _job(app, who, job_id))


@router.get(
    "/jobs/{job_id}/stream",
    summary="Events of a run as they come",
    dependencies=_WATCH,
    response_class=Response,
    responses={200: EVENTS},
)
async def job_stream(
    job_id: str, app: App, who: Who, from_index: Annotated[int, Query(ge=0, le=2**62)] = 0
) -> Response:
    """From an index on."""
    found = await run_in_threadpool(_job, app, who, job_id)
    return told(app, who, found.id, found.label, from_index)


@router.post("/jobs/{job_id}/cancel", summary="End a run of a mirror", dependencies=_CANCEL)
def cancel_job(job_id: str, app: App, who: Who) -> Body:
    """What was in force before stays, and what came is not fetched again."""
    return _words(app, app.job_board.cancel(who, JobId(job_id)))


def _plan(app: Application) -> Body:
    plan = app.configurations.current().mirror
    words = plan.model_dump(mode="json", exclude={"sources"})
    return {**words, "cron": f"{plan.minute} {plan.hour} * * *", "next_run": when(app.scheduler.next("mirror").at)}


def _job(app: Application, who: Actor, job_id: str) -> Job:
    found = app.job_board.one(who, JobId(job_id))
    if found.kind != MIRROR_JOB:
        raise NotFound("there is no such run of a mirror")
    return found


def _words(app: Application, job: Job) -> Body:
    return _placed(job, app.mirror_plans.places())


def _placed(job: Job, places: dict[str, tuple[str, str]]) -> Body:
    """The job of the contract; of a mirror that was removed its name stands for the source."""
    source, distribution = places.get(job.label, (job.label, ""))
    counts = {name: int(str(job.result.get(key) or 0)) for name, key in _COUNTS.items()}
    files, fetched = (int(str(job.result.get(key) or 0)) for key in ("files", "fetched"))
    if "placed" not in job.result:
        counts["added_count"] = fetched
    skipped = max(0, files - counts["added_count"])
    return {**job_words(job), "source_id": source, "distribution": distribution, **counts, "skipped_count": skipped}
