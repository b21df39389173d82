"""What happens, as it happens (contract 4.10)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.auditing import ChainedEntry
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.context import App, Who, address, bearer, requiring
from entrepot.entrypoints.api.dashboard import entry
from entrepot.entrypoints.api.streams import Page, Streams, Subscriber
from entrepot.entrypoints.api.words import when

router = APIRouter(tags=["dashboard"])

Body = dict[str, Any]
_ARRIVALS = ("UPLOAD", "IMPORT")
_NEWS = ("PENDING_REVIEW", "BLOCKED")


@router.get(
    "/dashboard/events",
    summary="What happens, as it happens",
    dependencies=[Depends(requiring(Permission.DASHBOARD_READ))],
    response_class=Response,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Server-sent events, until either side ends"}
    },
)
async def dashboard_events(
    request: Request,
    app: App,
    who: Who,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**62)] = None,
    follow: bool = True,  # noqa: FBT001, FBT002 - a query parameter
) -> Response:
    """Each entry of the audit log is an ``audit_log`` event with its number as id.

    An upload that was accepted is also told as ``package_upload``, what waits for a person or was refused as
    ``notification``.  With ``Last-Event-ID`` the stream goes on after that number, else it begins now; with
    ``follow=false`` it ends when everything was told.  Who may not read the audit log sees what is about packages.
    """
    streams: Streams = request.app.state.streams
    start = last_event_id if last_event_id is not None else await run_in_threadpool(app.watching.events.newest)
    token, peer = bearer(request) or "", address(request)
    known: int | None = None
    actor = who

    async def read(number: int) -> Page:
        nonlocal known
        version = app.watching.events.version()
        if version is not None and version == known:
            return (), number
        known = version
        entries, last = await run_in_threadpool(app.watching.events.after, actor, number)
        if last > number:
            known = None  # there may be more than one page
        return [event for one in entries for event in _told(one)], last

    def renew() -> None:
        nonlocal actor
        actor = app.access.authenticate(token, peer)

    return streams.open(Subscriber(who.name, "events", app.now(), start), read, renew, follow=follow)


@router.get(
    "/dashboard/events/subscribers",
    summary="Who watches",
    dependencies=[Depends(requiring(Permission.SERVER_WATCH))],
)
async def event_subscribers(request: Request) -> Body:
    """Open streams of the process that answers."""
    streams: Streams = request.app.state.streams
    found = [
        {"username": one.username, "kind": one.kind, "since": when(one.since), "last_event_id": one.number}
        for one in streams.subscribers
    ]
    return {"subscribers": len(found), "count": len(found), "limit": streams.limit, "items": found}


def _told(one: ChainedEntry) -> list[tuple[int | None, Body]]:
    """The last one has the number: whoever comes back after it has had them all."""
    data = {"id": one.number, **entry(one)}
    told: list[tuple[int | None, Body]] = []
    if one.entry.action in _ARRIVALS and one.entry.result == "SUCCESS":
        told.append((None, {"type": "package_upload", "data": data}))
    elif one.entry.result in _NEWS:
        told.append((None, {"type": "notification", "data": data}))
    return [*told, (one.number, {"type": "audit_log", "data": data})]
