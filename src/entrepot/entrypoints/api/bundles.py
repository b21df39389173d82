"""Bundles: states that are carried to a server which no network reaches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, Field, StrictBool, StrictInt, StrictStr
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.bundles import Bundle
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Page
from entrepot.entrypoints.api.blob_answers import RangedFile, ranged_answer
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.limits import Limited
from entrepot.entrypoints.api.words import when
from entrepot.services.bundles.making import LEAST_VOLUME_BYTES, BundleWish
from entrepot.services.bundles.shelf import Lack, volume_name
from entrepot.services.bundles.targets import ImportWish

router = APIRouter(tags=["bundles"], prefix="/bundles")

_READ = [Depends(requiring(Permission.BUNDLE_READ))]
_CREATE = [Depends(requiring(Permission.BUNDLE_CREATE)), Depends(Limited("import"))]
_IMPORT = [Depends(requiring(Permission.BUNDLE_IMPORT)), Depends(Limited("import"))]
_REMOVE = [Depends(requiring(Permission.BUNDLE_CREATE))]
_MOST = 200
_VOLUME = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary", "example": "the bytes of a volume"}
            }
        },
    }
}


class BundleRequest(BaseModel):
    """What goes in."""

    states: Annotated[list[Annotated[str, Field(max_length=400)]], Field(min_length=1, max_length=64)] = Field(
        description="As jammy, jammy@SNAPSHOT, jammy@20261121T200000Z or jammy@env:NAME", examples=[["jammy"]]
    )
    base: StrictStr = Field("", max_length=32, description="Only what this bundle has not; an id, or 'latest'")
    volume_size: StrictInt | None = Field(
        None, ge=LEAST_VOLUME_BYTES, le=1 << 50, description="Most bytes of a volume; without it there is one"
    )
    label: StrictStr = Field("", max_length=200, description="For people", examples=["November"])


class ImportRequest(BaseModel):
    """Where it goes."""

    into: dict[Annotated[str, Field(max_length=400)], Annotated[str, Field(max_length=130)]] = Field(
        default_factory=dict,
        max_length=64,
        description="Distribution by the reference of a state; without it, that of the same name",
        examples=[{"jammy": "offline/jammy"}],
    )
    create: StrictBool = Field(default=False, description="Make distributions and mirrors that are not there")
    snapshot: StrictStr = Field("", max_length=128, description="Keep what came under this name, once it is shown")
    older: StrictBool = Field(default=False, description="Also when something newer was imported before")


class FolderRequest(BaseModel):
    """Volumes on a disk of the server."""

    files: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=1000)] = Field(
        description="Names below the folder that ENTREPOT_BUNDLE_FOLDER names", examples=[["entrepot-ab.001.tar"]]
    )


@router.get("", summary="List bundles", dependencies=_READ)
def bundles(app: App, who: Who, page: Page = 1, per_page: Page = 50) -> dict[str, Any]:
    """Those that were made here, and those that came; newest first."""
    limit = min(per_page, _MOST)
    found, total = app.bundles.page(who, (page - 1) * limit, limit)
    return words.page([_words(one) for one in found], total, page, limit)


@router.post("", summary="Make a bundle", status_code=202, dependencies=_CREATE, openapi_extra=described(BundleRequest))
def make_bundle(
    app: App, who: Who, given: Annotated[BundleRequest, Depends(json_body(BundleRequest))]
) -> dict[str, Any]:
    """Of one or more states, by a job; its volumes can be fetched when that has ended."""
    wish = BundleWish(given.states, given.base, given.volume_size, given.label)
    return {"status": "running", "job_id": app.bundle_making.begin(who, wish)}


@router.get(
    "/key",
    summary="Key that signs bundles",
    dependencies=_READ,
    response_class=PlainTextResponse,
    responses={200: {"content": {"application/pgp-keys": {"schema": {"type": "string"}}}}},
)
def bundle_key(app: App, who: Who) -> Response:
    """Other servers take bundles of this one when this key is in the file that ENTREPOT_BUNDLE_KEYRING names there."""
    return Response(app.bundles.key(who), media_type="application/pgp-keys")


@router.post(
    "/import",
    summary="Send a volume of a bundle",
    status_code=202,
    dependencies=_IMPORT,
    openapi_extra=_VOLUME,
)
async def receive_volume(request: Request, app: App, who: Who) -> dict[str, Any]:
    """The volume is the body; volumes may come in any order, and again.

    Signature and every file are verified as they come.  Nothing is shown before ``POST /bundles/{bundle}/import``.
    """
    received = await run_in_threadpool(app.bundle_receiving.receive, who, _Body(request.stream()))
    return {
        **_words(received.bundle),
        "stored": received.stored,
        "there": received.there,
        "missing": _missing(received.lack),
    }


@router.post(
    "/import/files",
    summary="Receive volumes from a folder of the server",
    status_code=202,
    dependencies=_IMPORT,
    openapi_extra=described(FolderRequest),
)
def receive_files(
    app: App, who: Who, given: Annotated[FolderRequest, Depends(json_body(FolderRequest))]
) -> dict[str, Any]:
    """As if they had been sent, by a job; its result names the bundle and what is missing."""
    return {"status": "running", "job_id": app.bundle_folders.begin(who, given.files)}


@router.get("/{bundle}", summary="Show a bundle", dependencies=_READ)
def one_bundle(bundle: str, app: App, who: Who) -> dict[str, Any]:
    """With what has yet to come of one that was sent here."""
    found = app.bundles.one(who, bundle)
    lack = None if found.made_here else app.bundles.lack(who, found)
    return {**_words(found), "missing": None if lack is None else _missing(lack)}


@router.delete("/{bundle}", summary="Forget a bundle", dependencies=_REMOVE)
def forget_bundle(bundle: str, app: App, who: Who) -> dict[str, Any]:
    """Its files are let go; what was imported from it stays.  No increment can build on it any more."""
    return {"status": "deleted", "id": app.bundles.remove(who, bundle).id}


@router.get(
    "/{bundle}/volumes/{volume}",
    summary="Fetch a volume of a bundle",
    dependencies=_READ,
    response_class=Response,
    responses={
        200: {"description": "The volume", "content": {"application/x-tar": {}}},
        206: {"description": "The part that was asked for", "content": {"application/x-tar": {}}},
        304: {"description": "The same as before"},
        416: {"description": "There is no such part"},
    },
)
def bundle_volume(bundle: str, volume: int, request: Request, app: App, who: Who) -> Response:
    """A tar archive, from 1 on; a fetch that broke off goes on with ``Range`` and ``If-Range``."""
    found = app.bundles.volume(who, bundle, volume)
    return ranged_answer(request, RangedFile(found.name, found.tag, found.size_bytes, "application/x-tar", found.read))


@router.post(
    "/{bundle}/import",
    summary="Import a bundle",
    status_code=202,
    dependencies=_IMPORT,
    openapi_extra=described(ImportRequest),
)
def import_bundle(
    bundle: str, app: App, who: Who, given: Annotated[ImportRequest, Depends(json_body(ImportRequest))]
) -> dict[str, Any]:
    """All of which has arrived; by a job.  Every package passes the checks of this server.

    Machines see nothing of it before the end, and then everything at once.
    """
    wish = ImportWish(given.into, given.create, given.snapshot, given.older)
    begun = app.bundle_imports.begin(who, bundle, wish)
    return {"status": "running", "job_id": begun.job, "id": begun.bundle.id, "into": dict(begun.into)}


class _Body:
    """A body that is read in a thread as it comes.  Made where the event loop runs."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while not self._rest:
            found = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            if found is None:
                return b""
            self._rest = found
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    async def _next(self) -> bytes | None:
        return await anext(self._stream, None)


def _missing(lack: Lack) -> dict[str, Any]:
    return {
        "files": lack.files,
        "bytes": lack.size_bytes,
        "of_base": lack.kept_elsewhere,
        "bits": lack.bits.hex() if lack.files else "",
    }


def _words(bundle: Bundle) -> dict[str, Any]:
    return {
        "id": bundle.id,
        "label": bundle.label,
        "made_here": bundle.made_here,
        "status": bundle.status.value,
        "chain": bundle.chain,
        "number": bundle.place,
        "base": bundle.base or None,
        "states": [dict(state) for state in bundle.states],
        "files": bundle.file_count,
        "bytes": bundle.size_bytes,
        "volumes": [
            {"number": number, "name": volume_name(bundle, number), "bytes": size}
            for number, (_, _, size) in enumerate(bundle.volumes, 1)
        ],
        "signer": bundle.signer,
        "made_at": when(bundle.made_at),
        "noted_at": when(bundle.noted_at),
        "noted_by": bundle.noted_by,
        "imported_at": when(bundle.finished_at),
        "result": dict(bundle.result or {}) or None,
    }
