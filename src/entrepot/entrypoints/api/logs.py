"""The last log records (contract 4.13)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from entrepot.adapters.log_ring import LogRecord
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.context import App, Who, address, bearer, requiring
from entrepot.entrypoints.api.streams import Page, Streams, Subscriber

router = APIRouter(tags=["logs"], dependencies=[Depends(requiring(Permission.SERVER_WATCH))])

Body = dict[str, Any]
Level = Literal["debug", "info", "warning", "error", "critical"]


@router.get("/logs", summary="The last log records")
def logs(
    app: App,
    who: Who,
    level: Annotated[Level, Query(description="The least level")] = "debug",
    service: Annotated[str, Query(max_length=100)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=2000)] = 200,
) -> Body:
    """Newest first, from the memory of the process that answers; secrets are masked."""
    found = app.watching.logs.find(who, level=level, service=service, text=q)
    rows = [_row(record) for record in found[:limit]]
    return {"logs": rows, "items": rows, "total": len(found), "capacity": app.watching.logs.capacity}


@router.get("/logs/services", summary="Parts of the program that logged something")
def log_services(app: App, who: Who) -> Body:
    """With the number of their records."""
    found = app.watching.logs.services(who)
    return {"services": [{"name": name, "count": count} for name, count in found.items()], "total": len(found)}


@router.get(
    "/logs/stream",
    summary="Log records as they are written",
    response_class=Response,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Server-sent events, until either side ends"}
    },
)
async def log_stream(
    request: Request,
    app: App,
    who: Who,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**62)] = None,
    follow: bool = True,  # noqa: FBT001, FBT002 - a query parameter
) -> Response:
    """With ``Last-Event-ID`` after that record, if it is still there; else from now on.

    With ``follow=false`` the stream ends when everything was told.
    """
    streams: Streams = request.app.state.streams
    start = last_event_id if last_event_id is not None else app.watching.logs.last()
    token, peer = bearer(request) or "", address(request)
    actor = who

    async def read(number: int) -> Page:
        found, last = app.watching.logs.after(actor, number)
        return [(record.number, {"type": "log", "data": _row(record)}) for record in found], last

    def renew() -> None:
        nonlocal actor
        actor = app.access.authenticate(token, peer)

    return streams.open(Subscriber(who.name, "logs", app.now(), start), read, renew, follow=follow)


def _row(record: LogRecord) -> Body:
    return {
        "id": record.number,
        "timestamp": record.timestamp,
        "level": record.level,
        "service": record.service,
        "message": record.event,
        "fields": dict(record.fields),
    }
