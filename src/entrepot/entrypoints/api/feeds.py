"""Feeds of advisories and of what is known of their exploitation (contract 4.6)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.advisories import FeedKind
from entrepot.adapters.storage.base import BlobWriter
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.words import when
from entrepot.errors import BodyTooLarge, InvalidRequest
from entrepot.services.vulnerabilities.feeds import MOST_BYTES, FeedReport

router = APIRouter(tags=["security"])

Force = Annotated[bool, Query(description="Take a file that is older, or has lost most of it")]
_BATCH_BYTES = 4 << 20
_FILE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary", "example": "the bytes of all.zip"}
            }
        },
    }
}


class RefreshRequest(BaseModel):
    """Which feeds, and whether they may go backwards."""

    feeds: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=50)] = Field(
        default_factory=list, examples=[["debian", "kev"]], description="Empty: all that have a location"
    )
    force: bool = Field(default=False, description="Take a file that is older, or has lost most of it")


@router.get(
    "/security/feeds/status",
    summary="State of the feeds",
    dependencies=[Depends(requiring(Permission.FEED_READ))],
)
def feeds_status(app: App, who: Who) -> dict[str, Any]:
    """How whole and how old the knowledge is.  Only a feed that is ``complete`` can say that a package has no fault."""
    reports = app.feeds.status(who)
    known = [one for one in reports if one.kind is FeedKind.OSV]
    return {
        "feeds": [_words(one) for one in reports],
        "complete": bool(known) and all(one.state is not None and one.state.complete for one in known),
        "advisories": sum(one.state.count for one in known if one.state is not None),
    }


@router.post(
    "/security/feeds/refresh",
    summary="Import feeds now",
    dependencies=[Depends(requiring(Permission.FEED_REFRESH))],
    openapi_extra=described(RefreshRequest),
    status_code=202,
)
def feeds_refresh(
    app: App, who: Who, given: Annotated[RefreshRequest, Depends(json_body(RefreshRequest))]
) -> dict[str, Any]:
    """A job for each feed; one that runs already is the same one.  A file that did not change changes nothing."""
    begun = app.feeds.refresh(who, given.feeds, force=given.force)
    for job in begun.values():
        app.jobs.wake(job)
    jobs = [{"feed": name, "job_id": job} for name, job in begun.items()]
    return {"status": "running" if jobs else "nothing to do", "jobs": jobs}


@router.post(
    "/security/feeds/{name}",
    summary="Send a file to a feed",
    dependencies=[Depends(requiring(Permission.FEED_WRITE))],
    openapi_extra=_FILE,
    status_code=202,
    responses={413: {"description": "The file is too large"}},
)
async def feed_upload(
    name: str,
    request: Request,
    app: App,
    who: Who,
    kind: Annotated[FeedKind | None, Query(description="Of a feed that is new; osv without it")] = None,
    force: Force = False,  # noqa: FBT002 - a query is named
) -> dict[str, Any]:
    """The file is the body: an OSV archive or record, the KEV catalogue, an EPSS table; for servers without a network.

    It is stored first, then imported by a job; what is wrong with it is said there, and changes nothing.
    """
    with app.feeds.stage() as writer:
        await _receive(request, writer)
        job = await run_in_threadpool(app.feeds.receive, who, name, kind, writer, force=force)
    await run_in_threadpool(app.jobs.wake, job)
    return {"status": "running", "feed": name, "job_id": job}


async def _receive(request: Request, writer: BlobWriter) -> None:
    batch: list[bytes] = []
    held = received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > MOST_BYTES:
            raise BodyTooLarge(f"a file of a feed has at most {MOST_BYTES >> 20} MiB")
        batch.append(chunk)
        held += len(chunk)
        if held >= _BATCH_BYTES:
            await run_in_threadpool(writer.write, b"".join(batch))
            batch, held = [], 0
    if not received:
        raise InvalidRequest("the request has no body; send the file itself, as curl --data-binary @all.zip does")
    await run_in_threadpool(writer.write, b"".join(batch))


def _words(report: FeedReport) -> dict[str, Any]:
    source, state = report.source, report.state
    return {
        "name": report.name,
        "kind": report.kind.value,
        "enabled": source is not None and source.enabled,
        # What follows a question mark may be a secret.
        "location": source.location.partition("?")[0] if source is not None else "",
        "contexts": list(source.contexts) if source is not None else [],
        "state": state.phase.value if state is not None else "never",
        "complete": state is not None and state.complete,
        "stale": report.stale,
        "count": state.count if state is not None else 0,
        "distributions": dict(sorted(state.contexts.items())) if state is not None else {},
        "newest_at": when(state.newest_at) if state is not None else None,
        "imported_at": when(state.imported_at) if state is not None else None,
        "checked_at": when(state.checked_at) if state is not None else None,
        "failure": state.failure if state is not None else "",
        "failed_at": when(state.failed_at) if state is not None else None,
        "job_id": report.job,
    }
