"""``dput`` over http: each file is a PUT, the .changes file comes last and has the set taken in."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from entrepot.domain.model.actor import Actor
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.conclusion import conclusion
from entrepot.entrypoints.api.context import App
from entrepot.entrypoints.api.problems import STATUS
from entrepot.entrypoints.dialects.credentials import SetSender
from entrepot.entrypoints.dialects.raw import BODY, receive_body
from entrepot.services.intake.incoming import Taken, TakenSet
from entrepot.services.intake.receipts import ReceiptStatus

router = APIRouter(tags=["dput"])
_ANYWHERE = "any"


@router.put("/incoming/{name}", summary="Send a file of a Debian upload", openapi_extra=BODY, status_code=201)
async def put(request: Request, app: App, who: SetSender, name: str) -> JSONResponse:
    """Keep the file; a .changes file has all that it lists taken into the distribution that it names.

    201 when clients can install the packages, 202 when some wait for a person; an incomplete, altered or unsigned set
    is 422 and changes nothing.
    """
    return await _put(request, app, who, name, None)


@router.put(
    "/incoming/{distribution}/{name}",
    summary="Send a file of a Debian upload to a distribution",
    openapi_extra=BODY,
    status_code=201,
)
async def put_to(request: Request, app: App, who: SetSender, distribution: str, name: str) -> JSONResponse:
    """The same, into this distribution whatever the .changes file says."""
    return await _put(request, app, who, name, distribution)


async def _put(request: Request, app: App, who: Actor, name: str, distribution: str | None) -> JSONResponse:
    folder = f"dput-{distribution or _ANYWHERE}"
    with app.intake.stage() as writer:
        await receive_body(request, writer)
        file = await run_in_threadpool(app.incoming.keep, who, folder, name, writer)
    if not name.endswith(".changes"):
        return JSONResponse({"status": "kept", "filename": file.name, "sha256": file.digest}, 201)
    found = await run_in_threadpool(app.incoming.take_set, who, file, distribution)
    return await _answer(request, app, found)


async def _answer(request: Request, app: App, found: TakenSet) -> JSONResponse:
    packages = [await _conclude(request, app, one) for one in found.taken]
    status = max(number for number, _ in packages)
    body = {
        "status": {201: "published", 202: "pending_review"}.get(status, "partial"),
        "source": found.changes.source,
        "version": found.changes.version,
        "packages": [words_ for _, words_ in packages],
        "left_out": list(found.left_out),
    }
    return JSONResponse(body, status)


async def _conclude(request: Request, app: App, one: Taken) -> tuple[int, dict[str, Any]]:
    if one.receipt is None:
        error = one.error
        detail = "it was not taken in" if error is None else error.detail
        return (422 if error is None else STATUS[error.kind]), {"filename": one.name, "detail": detail}
    request.app.state.observation.upload(one.receipt.status.value)
    receipt, generation = await conclusion(app, one.receipt, request.app.state.publish_wait_seconds)
    body = words.upload_body(receipt, generation, waiting=True)
    if receipt.status is ReceiptStatus.REFUSED:
        return 422, body
    return (201 if generation is not None else 202), body
