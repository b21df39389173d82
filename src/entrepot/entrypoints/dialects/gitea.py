"""Gitea's and Forgejo's package paths: one ``curl --upload-file``, nothing to prepare.

``owner`` is an archive of ours; any other name means ``main``, so that scripts need no change.  The distribution, or
the group of an rpm registry, is a distribution of ours.
"""

from __future__ import annotations

import re
import threading
import time

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.base import Catalog
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import DEFAULT_ARCHIVE
from entrepot.entrypoints.api.context import App
from entrepot.entrypoints.dialects.credentials import Publisher
from entrepot.entrypoints.dialects.raw import BODY, take_body
from entrepot.services.intake.receipts import UploadRequest

router = APIRouter(tags=["gitea"])

_CONTENT = re.compile(
    r"(?:/api(?:/v1)?)?/packages/(?P<owner>[^/]+)/"
    r"(?:debian/(?P<deb>(?:dists|pool)/.+|repository\.key)|rpm/(?P<rpm>[^/]+\.repo|repository\.key))\Z"
)
_REMEMBER_SECONDS = 5.0


class Addresses:
    """Where the content that clients of such a server fetch is found among ours."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._known: frozenset[tuple[Format, str]] = frozenset()
        self._looked_at = float("-inf")

    @staticmethod
    def may_be(path: str) -> bool:
        """Whether ``find`` would find something; no look at the catalog."""
        return _CONTENT.match(path) is not None

    def find(self, path: str) -> str:
        """Our path of the same content."""
        match = _CONTENT.match(path)
        if match is None:
            return path
        format_, rest = (Format.DEB, match["deb"]) if match["deb"] else (Format.RPM, match["rpm"])
        top = "apt" if format_ is Format.DEB else "rpm"
        rest = "key.asc" if rest == "repository.key" else rest
        return f"/{top}/{self.archive(format_, match['owner'])}/{rest}"

    def archive(self, format_: Format, owner: str) -> str:
        """The archive of that name, or ``main``."""
        with self._lock:
            if time.monotonic() - self._looked_at > _REMEMBER_SECONDS:
                with self._catalog.read() as reading:
                    self._known = frozenset((archive.format, archive.name) for archive in reading.archives())
                self._looked_at = time.monotonic()
            return owner if (format_, owner) in self._known else DEFAULT_ARCHIVE


async def _take(
    request: Request, app: App, who: Publisher, format_: Format, owner: str, distribution: str, component: str | None
) -> JSONResponse:
    archive = await run_in_threadpool(Addresses(app.catalog).archive, format_, owner)
    target = f"{archive}/{distribution}" if distribution else None
    return await take_body(request, app, who, UploadRequest(f"upload.{format_.value}", target, component))


@router.put(
    "/packages/{owner}/debian/pool/{distribution:path}/{component}/upload",
    summary="Upload a .deb as to Gitea",
    openapi_extra=BODY,
    status_code=201,
)
async def upload_deb(
    request: Request, app: App, who: Publisher, owner: str, distribution: str, component: str
) -> JSONResponse:
    """The body is the package. 201 when clients can install it, 200 when it is there already, 202 when it is held."""
    return await _take(request, app, who, Format.DEB, owner, distribution, component)


@router.put("/packages/{owner}/rpm/upload", summary="Upload an .rpm as to Gitea", openapi_extra=BODY, status_code=201)
async def upload_rpm(request: Request, app: App, who: Publisher, owner: str) -> JSONResponse:
    """The body is the package; it goes to the default distribution."""
    return await _take(request, app, who, Format.RPM, owner, "", None)


@router.put(
    "/packages/{owner}/rpm/{group:path}/upload",
    summary="Upload an .rpm to a group as to Gitea",
    openapi_extra=BODY,
    status_code=201,
)
async def upload_rpm_to_group(request: Request, app: App, who: Publisher, owner: str, group: str) -> JSONResponse:
    """The body is the package; the group names the distribution."""
    return await _take(request, app, who, Format.RPM, owner, group, None)
