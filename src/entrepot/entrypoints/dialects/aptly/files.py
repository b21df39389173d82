"""Files that are uploaded first and added to a repo later."""

from __future__ import annotations

from fastapi import APIRouter, Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from entrepot import __version__
from entrepot.adapters.storage.base import BlobWriter
from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.entrypoints.api.context import App
from entrepot.entrypoints.dialects.credentials import Uploader
from entrepot.entrypoints.dialects.raw import BODY, receive_body
from entrepot.errors import BodyTooLarge, InvalidRequest

router = APIRouter(tags=["aptly"])

_PARTS = 100
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary", "example": "the bytes of a .deb"}},
                }
            }
        },
    }
}


@router.get("/api/version", summary="Version, as of aptly's API")
def version() -> dict[str, str]:
    """Ours; aptly's clients ask for it first."""
    return {"Version": f"{__version__} (Entrepot)"}


@router.get("/api/ready", summary="Readiness, as of aptly's API")
def ready() -> dict[str, str]:
    """Whether requests are answered."""
    return {"Status": "Entrepot is ready"}


@router.get("/api/healthy", summary="Liveness, as of aptly's API")
def healthy() -> dict[str, str]:
    """Whether the process lives."""
    return {"Status": "Entrepot is healthy"}


@router.get("/api/files", summary="Folders of uploaded files")
def folders(app: App, who: Uploader) -> list[str]:
    """The caller's own; files wait for a day."""
    return app.incoming.folders(who)


@router.get("/api/files/{folder}", summary="Uploaded files of a folder")
def files(app: App, who: Uploader, folder: str) -> list[str]:
    """Names."""
    return [file.name for file in app.incoming.files(who, folder)]


@router.post("/api/files/{folder}", summary="Upload files into a folder", openapi_extra=_FORM)
async def post_files(request: Request, app: App, who: Uploader, folder: str) -> list[str]:
    """Any number of files in any fields of a form; they are kept for a day, to be added to a repo."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not 0 < len(boundary) <= 70:
        raise InvalidRequest("send the files as multipart/form-data")
    names = []
    receiving = _Receiving(app, who, folder, int(request.app.state.max_upload_bytes))
    try:
        with PushMultipartParser(boundary, strict=True, max_segment_count=_PARTS, max_header_size=8192) as parser:
            async for chunk in request.stream():
                for event in parser.parse(chunk):
                    name = await run_in_threadpool(receiving.take, event)
                    if name:
                        names.append(f"{folder}/{name}")
    except MultipartError as error:
        raise InvalidRequest("the multipart body is malformed or has too many parts") from error
    finally:
        receiving.leave()
    if not names:
        raise InvalidRequest("there is no file in the form")
    return names


class _Receiving:
    """The parts of a form, one after the other; a file is kept as soon as it is whole."""

    def __init__(self, app: Application, who: Actor, folder: str, most_bytes: int) -> None:
        self._app = app
        self._who = who
        self._folder = folder
        self._most_bytes = most_bytes
        self._name: str | None = None
        self._writer: BlobWriter | None = None

    def take(self, event: MultipartSegment | bytearray | None) -> str | None:
        """The name of the file that has just ended."""
        if isinstance(event, MultipartSegment):
            self._name = event.filename
            self._writer = self._app.intake.stage() if event.filename else None
        elif event is not None and self._writer is not None:
            self._writer.write(bytes(event))
            if self._writer.size_bytes > self._most_bytes:
                raise BodyTooLarge(f"a package file has at most {self._most_bytes >> 20} MiB here")
        elif event is None and self._writer is not None and self._name is not None:
            with self._writer:
                self._app.incoming.keep(self._who, self._folder, self._name, self._writer)
            self._writer = None
            return self._name
        return None

    def leave(self) -> None:
        """Drop what is not whole."""
        if self._writer is not None:
            with self._writer:
                self._writer = None


@router.put("/api/files/{folder}/{name}", summary="Upload one file into a folder", openapi_extra=BODY)
async def put_file(request: Request, app: App, who: Uploader, folder: str, name: str) -> list[str]:
    """The body is the file."""
    with app.intake.stage() as writer:
        await receive_body(request, writer)
        await run_in_threadpool(app.incoming.keep, who, folder, name, writer)
    return [f"{folder}/{name}"]


@router.delete("/api/files/{folder}", summary="Remove a folder of uploaded files")
def delete_folder(app: App, who: Uploader, folder: str) -> dict[str, str]:
    """Also when there is none, as aptly does."""
    app.incoming.forget(who, folder)
    return {}


@router.delete("/api/files/{folder}/{name}", summary="Remove an uploaded file")
def delete_file(app: App, who: Uploader, folder: str, name: str) -> dict[str, str]:
    """Also when there is none, as aptly does."""
    app.incoming.forget(who, folder, name)
    return {}
