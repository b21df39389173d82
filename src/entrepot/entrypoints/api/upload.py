"""Upload a package (contract 4.4): the body streams to the store and is never whole in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.storage.base import BlobWriter
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.conclusion import conclusion, status_of
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.limits import Limited
from entrepot.errors import BodyTooLarge, InvalidRequest
from entrepot.services.intake.receipts import ReceiptStatus, UploadRequest

router = APIRouter(tags=["upload"])

_FIELDS = ("distribution", "component", "sha256")
_FIELD_BYTES = 4096
_BATCH_BYTES = 4 << 20
_BESIDE_BYTES = 1 << 20
_PARTS = 16
_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "a .deb or .rpm"},
                        "distribution": {"type": "string", "example": "jammy"},
                        "component": {"type": "string", "example": "main"},
                        "sha256": {"type": "string", "description": "refuse the file if it arrives otherwise"},
                    },
                }
            }
        },
    }
}


@dataclass(slots=True)
class Form:
    """What has arrived: text fields, and the one file in the store's staging."""

    writer: BlobWriter
    most_bytes: int
    filename: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    batch: list[bytes] = field(default_factory=list)
    batch_bytes: int = 0
    received_bytes: int = 0
    body_bytes: int = 0

    def count(self, size: int) -> None:
        """Bound the whole body: fields and unknown parts, too."""
        self.body_bytes += size
        if self.body_bytes > self.most_bytes + _BESIDE_BYTES:
            raise BodyTooLarge(f"a package file has at most {self.most_bytes >> 20} MiB here")

    async def keep(self, data: bytes) -> None:
        """Take file bytes; they are written and hashed in a thread, a few MiB at a time."""
        self.batch.append(data)
        self.batch_bytes += len(data)
        self.received_bytes += len(data)
        if self.received_bytes > self.most_bytes:
            raise BodyTooLarge(f"a package file has at most {self.most_bytes >> 20} MiB here")
        if self.batch_bytes >= _BATCH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Write what is held back."""
        data, self.batch, self.batch_bytes = b"".join(self.batch), [], 0
        if data:
            await run_in_threadpool(self.writer.write, data)


@router.post(
    "/upload",
    summary="Upload a package",
    dependencies=[Depends(requiring(Permission.PACKAGE_UPLOAD)), Depends(Limited("upload"))],
    openapi_extra=_FORM,
    status_code=201,
)
async def upload(request: Request, app: App, who: Who) -> JSONResponse:
    """Send a .deb or .rpm as ``file``; the answer comes when clients can install it.

    201 published, or pending_review; 200 when the same file is there already; 202 when it is stored but its
    publication takes longer than the server waits; 422 when the file is refused.
    """
    state = request.app.state
    with app.intake.stage() as writer:
        form = Form(writer, state.max_upload_bytes)
        await _receive(request, form)
        asked = _request_of(form)
        receipt = await run_in_threadpool(app.intake.receive, who, writer, asked)
    request.app.state.observation.upload(receipt.status.value)
    receipt, generation = await conclusion(app, receipt, state.publish_wait_seconds)
    body = words.upload_body(receipt, generation, waiting=receipt.status is not ReceiptStatus.INSPECTING)
    return JSONResponse(body, status_of(receipt, generation))


async def _receive(request: Request, form: Form) -> None:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not 0 < len(boundary) <= 70:
        raise InvalidRequest("send the package as multipart/form-data with a field named file")
    current: MultipartSegment | None = None
    text = b""
    try:
        with PushMultipartParser(boundary, strict=True, max_segment_count=_PARTS, max_header_size=8192) as parser:
            async for chunk in request.stream():
                form.count(len(chunk))
                for event in parser.parse(chunk):
                    if isinstance(event, MultipartSegment):
                        current, text = event, b""
                        _begin(form, event)
                    elif event is None:
                        _end(form, current, text)
                        current = None
                    elif current is not None and current.filename is not None:
                        await form.keep(bytes(event))
                    elif len(text) < _FIELD_BYTES:
                        text += bytes(event[:_FIELD_BYTES])
    except MultipartError as error:
        raise InvalidRequest("the multipart body is malformed or has too many parts") from error
    await form.flush()


def _begin(form: Form, segment: MultipartSegment) -> None:
    if segment.filename is None:
        return
    if segment.name != "file":
        raise InvalidRequest("the package must be in the field named file")
    if form.filename is not None:
        raise InvalidRequest("send one file in a request")
    form.filename = segment.filename


def _end(form: Form, segment: MultipartSegment | None, text: bytes) -> None:
    if segment is not None and segment.filename is None and segment.name in _FIELDS:
        form.fields[segment.name] = text.decode("utf-8", "replace").strip()


def _request_of(form: Form) -> UploadRequest:
    if form.filename is None:
        missing = {"type": "missing", "loc": ("body", "file"), "msg": "Field required", "input": None}
        raise RequestValidationError([missing])
    if not form.filename.strip():
        raise InvalidRequest("the file has no name")
    declared = form.fields.get("sha256") or None
    if declared and not _SHA256.match(declared):
        raise InvalidRequest("sha256 must be 64 hexadecimal digits")
    return UploadRequest(
        filename=form.filename,
        distribution=form.fields.get("distribution") or None,
        component=form.fields.get("component") or None,
        declared_sha256=declared,
    )
