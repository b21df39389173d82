"""Events of a job that somebody attached to, in the words of contract 4.5; the last one says done or error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.jobs import Job, JobEvent
from entrepot.application import Application
from entrepot.domain.jobs.work import JobId, JobStatus
from entrepot.domain.model.actor import Actor

EVENTS: dict[str, Any] = {"content": {"text/event-stream": {}}, "description": "Events, until the job ends"}
_LOOK_SECONDS = 0.3
_BEAT_LOOKS = 50
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def told(app: Application, who: Actor, job: JobId, label: str, from_index: int = 0) -> StreamingResponse:
    """From an index on; ``label`` stands for the source where an event names none."""
    return StreamingResponse(_told(app, who, job, label, from_index), media_type="text/event-stream", headers=_HEADERS)


async def _told(app: Application, who: Actor, job_id: JobId, label: str, index: int) -> AsyncIterator[bytes]:
    """No thread and no unit is held between two looks; the last event says done or error."""
    yield b": watching\n\n"
    looks, last = 0, None
    while True:
        job, events = await run_in_threadpool(app.job_board.events, who, job_id, index)
        for event in events:
            index, last = event.index + 1, event
            yield _event(event.index, dict(event.data))
        if events:
            continue
        if job.ended:
            if last is None or not _is_end(last, job):
                yield _event(index, _end(job, label))
            return
        looks += 1
        if looks % _BEAT_LOOKS == 0:
            yield b": heartbeat\n\n"
        await asyncio.sleep(_LOOK_SECONDS)


def _is_end(event: JobEvent, job: Job) -> bool:
    """Whether it says how the job ended."""
    return event.data.get("status") == ("done" if job.status is JobStatus.DONE else "error")


def _end(job: Job, label: str) -> dict[str, Any]:
    """An event that says how a job ended that did not say so itself."""
    done = job.status is JobStatus.DONE
    message = "cancelled" if job.status is JobStatus.CANCELLED else str(job.result.get("error", "done"))
    return {"status": "done" if done else "error", "count": job.done_count, "source_id": label, "message": message}


def _event(number: int, data: dict[str, Any]) -> bytes:
    return f"id: {number}\ndata: {json.dumps(data, default=str)}\n\n".encode()
