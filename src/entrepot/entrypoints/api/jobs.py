"""Work that people watch: lists, one job, its events as they come, an end to it (contract 4.5, D-20)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.jobs import Job, JobEvent
from entrepot.domain.jobs.work import JobId, JobStatus
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.context import App, Who, address, bearer, requiring
from entrepot.entrypoints.api.streams import Page, Streams, Subscriber
from entrepot.entrypoints.api.words import page, when
from entrepot.services.jobs import JobBoard

router = APIRouter(tags=["jobs"])

Body = dict[str, Any]
_READ = [Depends(requiring(Permission.JOB_READ))]
_SHARED_SECONDS = 0.3
_MOST_SHARED = 500


class JobWatch:
    """What many streams of the same job have in common: they look at the catalog once, not each for itself."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, int], tuple[float, tuple[Job, Sequence[JobEvent]]]] = OrderedDict()
        self._locks: dict[tuple[str, int], asyncio.Lock] = {}
        self.streams = Streams(limit=500, limit_of_one=100, look_seconds=0.5)

    async def events(
        self, board: JobBoard, actor: Actor, job_id: JobId, from_index: int
    ) -> tuple[Job, Sequence[JobEvent]]:
        """As ``JobBoard.events``, perhaps some tenths of a second old.  Whether ``actor`` may, the stream asks."""
        key, now = (job_id, from_index), asyncio.get_running_loop().time
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                known = self._found.get(key)
                if known is not None and now() - known[0] < _SHARED_SECONDS:
                    return known[1]
                found = await run_in_threadpool(board.events, actor, job_id, from_index)
                self._found[key] = (now(), found)
                self._found.move_to_end(key)
                while len(self._found) > _MOST_SHARED or now() - next(iter(self._found.values()))[0] > 5:
                    self._found.popitem(last=False)
                return found
        finally:
            if not lock.locked():
                self._locks.pop(key, None)


@router.get("/jobs", summary="Long work, newest first", dependencies=_READ)
def jobs(
    app: App,
    who: Who,
    kind: Annotated[str, Query(max_length=32, description="As sync or upload")] = "",
    status: JobStatus | None = None,
    mine: Annotated[bool, Query(description="Only what this account began")] = False,  # noqa: FBT002
    number: Annotated[int, Query(alias="page", ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Body:
    """What this account began, and whatever else its role may see."""
    offset = (number - 1) * per_page
    found, total = app.job_board.page(who, offset, per_page, kind=kind, status=status, mine=mine)
    return page([job_words(job) for job in found], total, number, per_page)


@router.get("/jobs/{job_id}", summary="How far a job is", dependencies=_READ)
def one_job(job_id: str, app: App, who: Who) -> Body:
    """Counts, and the result once it has ended."""
    return job_words(app.job_board.one(who, JobId(job_id)))


@router.get(
    "/jobs/{job_id}/stream",
    summary="Events of a job as they come",
    dependencies=_READ,
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events, until the job ends"}},
)
async def job_stream(
    request: Request,
    job_id: str,
    app: App,
    who: Who,
    from_index: Annotated[int | None, Query(ge=0, le=2**62, description="The first event to send")] = None,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**62)] = None,
    follow: bool = True,  # noqa: FBT001, FBT002 - a query parameter
) -> Response:
    """All that the job told, then what it tells, each with its index as id; the last event has its result.

    With ``Last-Event-ID`` or ``from_index`` the stream goes on there.  Between events it says how far the counts are,
    in events of type ``progress`` without an id.  With ``follow=false`` it ends when everything was told.
    """
    watch: JobWatch = request.app.state.job_watch
    key = JobId(job_id)
    await run_in_threadpool(app.job_board.one, who, key)
    first = last_event_id + 1 if last_event_id is not None else from_index or 0
    telling = Telling(watch, app.job_board, key, who)
    token, peer = bearer(request) or "", address(request)

    def renew() -> None:
        telling.actor = app.access.authenticate(token, peer)
        app.job_board.one(telling.actor, key)

    subscriber = Subscriber(who.name, "job", app.now(), first - 1)
    goes_on = telling.goes_on if follow else False
    return watch.streams.open(subscriber, telling.read, renew, follow=goes_on)


@router.post(
    "/jobs/{job_id}/cancel",
    summary="Ask a job to end",
    dependencies=[Depends(requiring(Permission.JOB_CANCEL))],
    responses={409: {"description": "It has ended, or jobs of its kind end by themselves only"}},
)
def cancel_job(job_id: str, app: App, who: Who) -> Body:
    """It ends soon, where it leaves everything whole; what was done before stays.  Own jobs, or by the role."""
    return job_words(app.job_board.cancel(who, JobId(job_id)))


class Telling:
    """What one stream has told of its job."""

    def __init__(self, watch: JobWatch, board: JobBoard, job_id: JobId, actor: Actor) -> None:
        self._watch = watch
        self._board = board
        self._job_id = job_id
        self.actor = actor
        self._shown: tuple[object, ...] = ()
        self._ended = False

    def goes_on(self) -> bool:
        """Until the end was told."""
        return not self._ended

    async def read(self, last: int) -> Page:
        """Events behind ``last``; when there are no more, the counts if they changed, or the end."""
        job, events = await self._watch.events(self._board, self.actor, self._job_id, last + 1)
        told: list[tuple[int | None, Body]] = []
        for event in events:
            if event.index > last + 1:
                told.append((None, _gap(event.index - last - 1)))
            told.append((event.index, _event(event)))
            last = event.index
        if events:
            return told, last
        counts = (job.done_count, job.error_count, job.total, job.cancelling)
        if job.ended:
            self._ended = True
            told.append((None, {"type": "end", **_counts(job), "message": _last_words(job), "job": job_words(job)}))
        elif counts != self._shown:
            told.append((None, {"type": "progress", **_counts(job), "message": job.label}))
        self._shown = counts
        return told, last


def job_words(job: Job) -> Body:
    """The job object (contract 4.5), and what we add."""
    return {
        "job_id": job.id,
        "kind": job.kind,
        "label": job.label,
        "subject": job.subject,
        "status": job.status.value,
        "total": job.total,
        "done_count": job.done_count,
        "error_count": job.error_count,
        "started_at": when(job.started_at),
        "finished_at": when(job.finished_at),
        "begun_by": job.begun_by,
        "log_count": job.event_count,
        "cancelling": job.cancelling,
        "result": job.result,
        "error": job.result.get("error"),
    }


def _counts(job: Job) -> Body:
    return {
        "status": job.status.value,
        "count": job.done_count,
        "total": job.total,
        "errors": job.error_count,
        "cancelling": job.cancelling,
    }


def _event(event: JobEvent) -> Body:
    known = {"type": "event", "index": event.index, "at": when(event.at)}
    return {"status": JobStatus.RUNNING.value, "level": "info", "message": "", **event.data, **known}


def _gap(count: int) -> Body:
    message = f"{count} events are no longer kept"
    return {"type": "gap", "status": JobStatus.RUNNING.value, "level": "info", "message": message, "left_out": count}


def _last_words(job: Job) -> str:
    if job.status is JobStatus.ERROR:
        return str(job.result.get("error") or "it failed; the log says more")
    return str(job.result.get("message") or f"{job.label}: {job.status.value}")
