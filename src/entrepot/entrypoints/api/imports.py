"""Packages of other people's repositories: searched, resolved and imported (contract 4.5)."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.jobs import Job
from entrepot.application import Application
from entrepot.domain.jobs.work import JobId, JobStatus
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.conclusion import conclusion, status_of
from entrepot.entrypoints.api.context import App, Who, address, bearer, requiring
from entrepot.entrypoints.api.import_words import (
    ImportBatch,
    ImportItem,
    SourceItem,
    batch_words,
    found_words,
    group_words,
    plan_words,
)
from entrepot.entrypoints.api.jobs import JobWatch, Telling, job_words
from entrepot.entrypoints.api.limits import Limited
from entrepot.entrypoints.api.problems import STATUS
from entrepot.entrypoints.api.streams import Subscriber
from entrepot.errors import AddressForbidden, JobEnded, Kind
from entrepot.services.imports.choosing import Wanted
from entrepot.services.imports.importing import named_error
from entrepot.services.imports.searching import Question
from entrepot.services.intake.receipts import ReceiptStatus

router = APIRouter(tags=["import"], prefix="/import")

Body = dict[str, Any]
_SEE = [Depends(requiring(Permission.UPSTREAM_READ))]
_WAIT_SECONDS = 300.0
_FIRST_LOOK_SECONDS, _LAST_LOOK_SECONDS = 0.05, 1.0

_NOT_SYNCED: dict[int | str, dict[str, Any]] = {424: {"description": "Nothing was synchronised yet"}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "It was there already; or its events, if asked for"},
    202: {"description": "It takes longer than the server waits; `GET /jobs/{job_id}` tells more"},
    404: {"description": "No source, or no such package in its index"},
    409: {"description": "This version is here with other content; or the import was cancelled"},
    **_NOT_SYNCED,
    502: {"description": "The repository did not give what its index says"},
}


@router.get(
    "/search",
    summary="Search packages of the sources",
    dependencies=_SEE,
    responses={404: {"description": "No such source"}, **_NOT_SYNCED},
)
def search(
    app: App,
    who: Who,
    q: Annotated[str, Query(min_length=1, max_length=255, description="The name, or a part of it")],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    source_id: Annotated[str, Query(max_length=64, description="Number or name")] = "",
    format: Format | None = None,  # noqa: A002 - a query parameter
    distribution: Annotated[str, Query(max_length=200)] = "",
    distro: Annotated[str, Query(max_length=200, include_in_schema=False)] = "",
    arch: Annotated[str, Query(max_length=64)] = "",
) -> Body:
    """The name itself, then names that begin so, then names that have it somewhere; newest versions first.

    A version that several sources have is there once, with all of them.
    """
    question = Question(q.strip() or q, limit, source_id, format, distribution or distro, arch)
    rows = [found_words(each) for each in app.searches.search(who, question)]
    return {"query": q, "count": len(rows), "results": rows}


@router.get(
    "/resolve/{package_name}",
    summary="Everything that a package of a source needs",
    dependencies=_SEE,
    responses={404: {"description": "No such package"}, **_NOT_SYNCED},
)
def resolve(
    package_name: str,
    app: App,
    who: Who,
    distribution: Annotated[str, Query(max_length=200)] = "",
    distro: Annotated[str, Query(max_length=200, include_in_schema=False)] = "",
    arch: Annotated[str, Query(max_length=64)] = "",
    version: Annotated[str, Query(max_length=255)] = "",
    source_id: Annotated[str, Query(max_length=64, description="Number or name")] = "",
) -> Body:
    """The package first, then what it needs: what the distribution has is taken before what a source has."""
    wanted = Wanted(package_name[:255], version, arch, distribution or distro, source_id)
    return plan_words(app.upstream_resolutions.resolve(who, wanted))


@router.post(
    "/fetch",
    summary="Import a package",
    status_code=201,
    dependencies=[Depends(requiring(Permission.IMPORT_FETCH)), Depends(Limited("import", "import_fetch"))],
    openapi_extra=described(ImportItem),
    responses=_ANSWERS,
)
async def fetch(
    request: Request, app: App, who: Who, given: Annotated[ImportItem, Depends(json_body(ImportItem))]
) -> Response:
    """From wherever it can be found, with all that it needs, through the same checks as an upload."""
    return await _answer(request, app, who, await run_in_threadpool(app.imports.fetch, who, given.ask()))


@router.post(
    "/packages",
    summary="Import a package of a source",
    status_code=201,
    dependencies=[Depends(requiring(Permission.IMPORT_PACKAGE)), Depends(Limited("import", "import_packages"))],
    openapi_extra=described(SourceItem),
    responses=_ANSWERS,
)
async def packages(
    request: Request, app: App, who: Who, given: Annotated[SourceItem, Depends(json_body(SourceItem))]
) -> Response:
    """From this source; what it needs may come from others of the same distribution."""
    return await _answer(request, app, who, await run_in_threadpool(app.imports.package, who, given.ask()))


@router.post(
    "/batch",
    summary="Import up to fifty packages",
    dependencies=[Depends(requiring(Permission.IMPORT_FETCH)), Depends(Limited("import", "import_batch"))],
    openapi_extra=described(ImportBatch),
    responses={202: _ANSWERS[202], 400: {"description": "None, or more than fifty"}, **_NOT_SYNCED},
)
async def batch(
    request: Request, app: App, who: Who, given: Annotated[ImportBatch, Depends(json_body(ImportBatch))]
) -> Response:
    """Each for itself: what cannot be had is told, and the others come in."""
    job_id = await run_in_threadpool(app.imports.batch, who, given.asks())
    if _streams(request):
        return await _stream(request, app, who, job_id)
    job = await _ended(app, who, job_id)
    if not job.ended:
        return JSONResponse(job_words(job), 202)
    if job.status is JobStatus.ERROR:
        return _failed(job)
    body = batch_words(cast("list[Body]", job.result.get("packages") or []))
    return JSONResponse({**body, "job_id": job.id})


@router.get("/groups", summary="What was imported together", dependencies=_SEE)
def groups(app: App, who: Who) -> Body:
    """By the name of the group; of each the last import."""
    return {"groups": [group_words(each) for each in app.import_groups.all(who)]}


@router.delete(
    "/groups/{group_name}",
    summary="Forget a group",
    dependencies=[Depends(requiring(Permission.IMPORT_GROUP_WRITE))],
    responses={400: {"description": "No group can be called so"}, 404: {"description": "No such group"}},
)
def remove_group(group_name: str, app: App, who: Who) -> Body:
    """The grouping; its packages stay where they are."""
    app.import_groups.remove(who, group_name)
    return {"deleted": group_name}


def _streams(request: Request) -> bool:
    asked = request.headers.get("accept", "")
    return "text/event-stream" in asked or request.query_params.get("stream") in ("1", "true")


async def _answer(request: Request, app: Application, who: Actor, job_id: JobId) -> Response:
    """Wait for the import, then until clients can install what came."""
    if _streams(request):
        return await _stream(request, app, who, job_id)
    job = await _ended(app, who, job_id)
    if not job.ended:
        return JSONResponse(job_words(job), 202)
    if job.status is JobStatus.CANCELLED:
        raise JobEnded("the import was cancelled; what had come in before stays")
    if job.status is JobStatus.ERROR:
        return _failed(job)
    return await _concluded(request, app, job)


def _failed(job: Job) -> Response:
    """Why it ended.  Wherever an upstream leads to, it is not the request that was wrong."""
    error = named_error(str(job.result.get("code") or ""), str(job.result.get("error") or "it failed"))
    if isinstance(error, AddressForbidden):
        return JSONResponse({"detail": error.detail, "error": error.code}, STATUS[Kind.UPSTREAM])
    raise error


async def _concluded(request: Request, app: Application, job: Job) -> Response:
    found = cast("Body", job.result)
    if found.get("admission_id") is not None:
        receipt = await run_in_threadpool(app.intake.receipt, found["admission_id"])
    else:
        place = PackageId(found["package_id"]), SuiteId(found["suite_id"])
        receipt = await run_in_threadpool(app.intake.standing, *place)
    receipt, generation = await conclusion(app, receipt, request.app.state.publish_wait_seconds)
    body = words.upload_body(receipt, generation, waiting=receipt.status is not ReceiptStatus.INSPECTING)
    lists = {name: found.get(name) or [] for name in ("imported", "skipped", "failed")}
    body |= {"source_id": found.get("source_id"), "job_id": job.id, **lists}
    body["dependencies_resolved"] = [each["name"] for each in lists["imported"] if each["name"] != body["name"]]
    body["warnings"] = [*body["warnings"], *(f"{each['name']}: {each['message']}" for each in lists["failed"])]
    status = status_of(receipt, generation)
    if status == 200 and lists["imported"]:
        status = 201
    return JSONResponse(body, status)


async def _ended(app: Application, who: Actor, job_id: JobId) -> Job:
    """The job when it has ended, or when nobody waits longer."""
    until, pause = time.monotonic() + _WAIT_SECONDS, _FIRST_LOOK_SECONDS
    while True:
        job = await run_in_threadpool(app.job_board.one, who, job_id)
        if job.ended or time.monotonic() + pause > until:
            return job
        await asyncio.sleep(pause)
        pause = min(_LAST_LOOK_SECONDS, pause * 1.3)


async def _stream(request: Request, app: Application, who: Actor, job_id: JobId) -> Response:
    """What the job tells, until it ends."""
    watch: JobWatch = request.app.state.job_watch
    story = Telling(watch, app.job_board, job_id, who)
    token, peer = bearer(request) or "", address(request)

    def renew() -> None:
        story.actor = app.access.authenticate(token, peer)
        app.job_board.one(story.actor, job_id)

    subscriber = Subscriber(who.name, "job", app.now(), -1)
    return watch.streams.open(subscriber, story.read, renew, follow=story.goes_on)
