"""A package as the whole body of a request."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.storage.base import BlobWriter
from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.conclusion import conclusion, status_of
from entrepot.errors import BodyTooLarge, InvalidRequest
from entrepot.services.intake.receipts import Receipt, ReceiptStatus, UploadRequest

_BATCH_BYTES = 4 << 20
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary", "example": "the bytes of a .deb"}
            }
        },
    }
}


async def receive_body(request: Request, writer: BlobWriter) -> None:
    """Stream the body into the store's staging.

    Raises:
        BodyTooLarge: it is larger than a package file may be.
        InvalidRequest: there is none.
    """
    most = int(request.app.state.max_upload_bytes)
    batch: list[bytes] = []
    held = received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > most:
            raise BodyTooLarge(f"a package file has at most {most >> 20} MiB here")
        batch.append(chunk)
        held += len(chunk)
        if held >= _BATCH_BYTES:
            await run_in_threadpool(writer.write, b"".join(batch))
            batch, held = [], 0
    if not received:
        raise InvalidRequest("the request has no body; send the file itself, for example with curl --upload-file")
    await run_in_threadpool(writer.write, b"".join(batch))


async def take_body(request: Request, app: Application, who: Actor, asked: UploadRequest) -> JSONResponse:
    """Receive the body as a package; answered when clients can install it, 202 when it waits for a person."""
    with app.intake.stage() as writer:
        await receive_body(request, writer)
        receipt = await run_in_threadpool(app.intake.receive, who, writer, asked)
    return await answer_for(request, app, receipt)


async def answer_for(request: Request, app: Application, receipt: Receipt) -> JSONResponse:
    """The main API's body with a status that a program which reads nothing else understands."""
    request.app.state.observation.upload(receipt.status.value)
    receipt, generation = await conclusion(app, receipt, request.app.state.publish_wait_seconds)
    body = words.upload_body(receipt, generation, waiting=receipt.status is not ReceiptStatus.INSPECTING)
    held = receipt.status is ReceiptStatus.HELD
    return JSONResponse(body, 202 if held else status_of(receipt, generation))
