"""Everything is published all the time; these routes wait for it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.entrypoints.api.bodies import described, parsed
from entrepot.entrypoints.api.context import App
from entrepot.entrypoints.dialects.aptly.base import Body, sent_json
from entrepot.entrypoints.dialects.credentials import Reader, Uploader
from entrepot.errors import InvalidRequest, PublicationLate

router = APIRouter(tags=["aptly"])


class PublishedSource(Body):
    """What is to be published."""

    Name: str = Field(max_length=200, examples=["jammy"])


class NewPublication(Body):
    """A repository that is to be published."""

    SourceKind: str = Field(default="local", max_length=100, examples=["local"])
    Sources: list[PublishedSource] = Field(max_length=10)
    Distribution: str = Field(default="", max_length=200)


def _archive_of(prefix: str) -> str:
    """Aptly's escapes: ``:.`` is no prefix, ``_`` a slash, ``__`` an underscore."""
    plain = prefix.rpartition(":")[2] if prefix != ":." else "."
    plain = plain.replace("__", "\0").replace("_", "/").replace("\0", "_")
    return "main" if plain in (".", "") else plain


def _publication(suite: Suite) -> dict[str, Any]:
    options = suite.options
    return {
        "AcquireByHash": True,
        "Architectures": list(options.architectures),
        "ButAutomaticUpgrades": "",
        "Distribution": suite.codename,
        "Label": options.label,
        "NotAutomatic": "",
        "Origin": options.origin,
        "Path": f"{suite.archive.name}/{suite.codename}",
        "Prefix": "." if suite.archive.name == "main" else suite.archive.name,
        "SkipContents": False,
        "SourceKind": "local",
        "Sources": [{"Component": component, "Name": suite.codename} for component in options.components],
        "Storage": "",
    }


@router.get("/api/publish", summary="Published distributions, as aptly lists them")
def publications(app: App, who: Reader) -> list[dict[str, Any]]:
    """All of them: everything is published all the time."""
    return [_publication(suite) for suite in app.suites.all(who, Format.DEB)]


async def _published(request: Request, app: Application, who: Actor, distribution: str) -> dict[str, Any]:
    suite = await run_in_threadpool(app.suites.find, who, distribution)
    if await app.publications.until(suite.id, suite.revision, request.app.state.publish_wait_seconds) is None:
        raise PublicationLate("what was added will be published; it takes longer than this request waits")
    return _publication(suite)


@router.post("/api/publish", summary="Publish, as with aptly", openapi_extra=described(NewPublication))
@router.post(
    "/api/publish/{prefix}", summary="Publish under a prefix, as with aptly", openapi_extra=described(NewPublication)
)
async def publish(
    request: Request, app: App, who: Uploader, given: Annotated[object, Depends(sent_json)], prefix: str = ":."
) -> JSONResponse:
    """Wait until clients see all that was added to the first source; nothing else is left to do."""
    new = parsed(NewPublication, given)
    if new.SourceKind != "local" or not new.Sources:
        raise InvalidRequest("only local repos can be published here, and one at least must be named")
    name = new.Sources[0].Name.replace(":", "/", 1)
    target = name if "/" in name else f"{_archive_of(prefix)}/{name}"
    return JSONResponse(await _published(request, app, who, target), 201)


@router.put("/api/publish/{prefix}/{distribution}", summary="Update what is published, as with aptly")
async def update(request: Request, app: App, who: Uploader, prefix: str, distribution: str) -> dict[str, Any]:
    """Wait until clients see all that was added."""
    return await _published(request, app, who, f"{_archive_of(prefix)}/{distribution}")
