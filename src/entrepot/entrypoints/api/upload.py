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
_SMALL_BYTES = 64 << 10
_BESIDE_BYTES = 1 << 20
_PARTS = 16
_BESIDE = {"signature": 1, "attestation": 8}
"""Documents that may come along, and how many."""

_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")

FORM = {
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
                        "signature": {"type": "string", "format": "binary", "description": "detached, OpenPGP"},
                        "attestation": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "DSSE envelopes or Sigstore bundles about the file",
                        },
                    },
                }
            }
        },
    }
}


@dataclass(slots=True)
class Form:
    """What has arrived: text fields, the one file in the store's staging, and documents about it."""

    writer: BlobWriter
    most_bytes: int
    filename: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    beside: dict[str, list[bytes]] = field(default_factory=dict)
    batch: list[bytes] = field(default_factory=list)
    batch_bytes: int = 0
    received_bytes: int = 0
    body_bytes: int = 0
    beside_bytes: int = 0

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

    def keep_beside(self, size: int) -> None:
        """Bound the documents that come along; they are kept in memory."""
        self.beside_bytes += size
        if self.beside_bytes > _BESIDE_BYTES:
            raise BodyTooLarge(f"signature and attestations have at most {_BESIDE_BYTES >> 10} KiB together")

    async def flush(self) -> None:
        """Write what is held back."""
        data, self.batch, self.batch_bytes = b"".join(self.batch), [], 0
        if len(data) <= _SMALL_BYTES:
            self.writer.write(data)  # which the writer's buffer takes: faster than a change of threads
        else:
            await run_in_threadpool(self.writer.write, data)


@router.post(
    "/upload",
    summary="Upload a package",
    dependencies=[Depends(requiring(Permission.PACKAGE_UPLOAD)), Depends(Limited("upload"))],
    openapi_extra=FORM,
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
        await receive_form(request, form)
        asked = request_of(form)
        receipt = await run_in_threadpool(app.intake.receive, who, writer, asked)
    request.app.state.observation.upload(receipt.status.value)
    receipt, generation = await conclusion(app, receipt, state.publish_wait_seconds)
    body = words.upload_body(receipt, generation, waiting=receipt.status is not ReceiptStatus.INSPECTING)
    return JSONResponse(body, status_of(receipt, generation))


async def receive_form(request: Request, form: Form) -> None:
    """Take the body.

    Raises:
        InvalidRequest, BodyTooLarge: it is not what an upload is.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not 0 < len(boundary) <= 70:
        raise InvalidRequest("send the package as multipart/form-data with a field named file")
    current: MultipartSegment | None = None
    text = bytearray()
    try:
        with PushMultipartParser(boundary, strict=True, max_segment_count=_PARTS, max_header_size=8192) as parser:
            async for chunk in request.stream():
                form.count(len(chunk))
                for event in parser.parse(chunk):
                    if isinstance(event, MultipartSegment):
                        current, text = event, bytearray()
                        _begin(form, event)
                    elif event is None:
                        _end(form, current, bytes(text))
                        current = None
                    elif current is not None and current.filename is not None and current.name not in _BESIDE:
                        await form.keep(bytes(event))
                    elif current is not None and current.name in _BESIDE:
                        form.keep_beside(len(event))
                        text += event
                    elif len(text) < _FIELD_BYTES:
                        text += event[:_FIELD_BYTES]
    except MultipartError as error:
        raise InvalidRequest("the multipart body is malformed or has too many parts") from error
    await form.flush()


def _begin(form: Form, segment: MultipartSegment) -> None:
    if segment.name in _BESIDE and len(form.beside.get(segment.name, ())) == _BESIDE[segment.name]:
        raise InvalidRequest(f"send at most {_BESIDE[segment.name]} fields named {segment.name}")
    if segment.filename is None or segment.name in _BESIDE:
        return
    if segment.name != "file":
        raise InvalidRequest("the package must be in the field named file")
    if form.filename is not None:
        raise InvalidRequest("send one file in a request")
    form.filename = segment.filename


def _end(form: Form, segment: MultipartSegment | None, text: bytes) -> None:
    if segment is not None and segment.name in _BESIDE:
        form.beside.setdefault(segment.name, []).append(text)
    elif segment is not None and segment.filename is None and segment.name in _FIELDS:
        form.fields[segment.name] = text.decode("utf-8", "replace").strip()


def request_of(form: Form) -> UploadRequest:
    """What the fields say.

    Raises:
        InvalidRequest, RequestValidationError: nothing that makes sense.
    """
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
        signature=next(iter(form.beside.get("signature", ())), None),
        attestations=tuple(form.beside.get("attestation", ())),
    )
