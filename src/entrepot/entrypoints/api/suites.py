"""Suites by their whole names, ``format/archive/codename``: their options, and the states that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import DEFAULT_ARCHIVE, Suite, SuiteId
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Text, published
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.distributions import SuiteChange, Word, base_url
from entrepot.services.intake.suites import Initialised, SuiteName
from entrepot.services.snapshots.references import MOMENT

router = APIRouter(tags=["suites"])

MayRead = Annotated[Actor, Depends(requiring(Permission.SUITE_READ))]
_MayWrite = Depends(requiring(Permission.SUITE_WRITE))
Sizes = Mapping[SuiteId, tuple[int, int, datetime | None]]
_TOPS = {Format.DEB: "apt", Format.RPM: "rpm"}


class SuiteRequest(SuiteChange):
    """A suite to create; ``archive`` is one with keys of its own, made when it is not there."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"format": "deb", "archive": "main", "codename": "trixie", "components": ["main", "contrib"]}
        }
    )

    format: Format
    archive: Word = DEFAULT_ARCHIVE
    codename: Word = Field(min_length=1)


def _name(
    format: Format,  # noqa: A002 - as the path calls it
    archive: Annotated[str, Path(max_length=64)],
    codename: Annotated[str, Path(max_length=64)],
) -> SuiteName:
    return SuiteName(format, archive, codename)


Named = Annotated[SuiteName, Depends(_name)]


@router.get("/suites", summary="Suites of all archives")
def suites(
    request: Request,
    app: App,
    who: MayRead,
    format: Format | None = None,  # noqa: A002 - a query parameter
    archive: Text = None,
) -> dict[str, Any]:
    """With what they hold, their options, and where machines find them."""
    sizes = app.suites.sizes(who)
    found = [suite for suite in app.suites.all(who, format) if archive in (None, suite.archive.name)]
    return {"suites": [_words(suite, sizes, base_url(request)) for suite in found], "total": len(found)}


@router.post(
    "/suites",
    summary="Create a suite",
    status_code=201,
    dependencies=[_MayWrite],
    openapi_extra=described(SuiteRequest),
)
async def create(
    request: Request, app: App, who: Who, given: Annotated[SuiteRequest, Depends(json_body(SuiteRequest))]
) -> dict[str, Any]:
    """Answers when machines find it, empty and signed."""
    name = SuiteName(given.format, given.archive, given.codename)
    done = await run_in_threadpool(app.suites.create, who, name, given.options())
    return await _shown(request, app, who, done)


@router.get("/suites/{format}/{archive}/{codename}", summary="One suite")
def suite(request: Request, app: App, who: MayRead, name: Named) -> dict[str, Any]:
    """With what it holds, its options, and where machines find it."""
    return _words(app.suites.named(who, name), app.suites.sizes(who), base_url(request))


@router.patch(
    "/suites/{format}/{archive}/{codename}",
    summary="Change options of a suite",
    dependencies=[_MayWrite],
    openapi_extra=described(SuiteChange),
)
async def change(
    request: Request, app: App, who: Who, name: Named, given: Annotated[SuiteChange, Depends(json_body(SuiteChange))]
) -> dict[str, Any]:
    """What is not named stays.  Answers when machines see it."""
    done = await run_in_threadpool(app.suites.change, who, name, given.options())
    return await _shown(request, app, who, done)


@router.delete("/suites/{format}/{archive}/{codename}", summary="Remove a suite", dependencies=[_MayWrite])
def remove(
    app: App,
    who: Who,
    name: Named,
    force: Annotated[bool, Query(description="Also when it has packages")] = False,  # noqa: FBT002 - a parameter
) -> dict[str, Any]:
    """Machines find it no more.  Refused while an environment, a snapshot, a mirror or the like hangs on it.

    One that is there out of the box does not come back at the next start.
    """
    return {"status": "removed", "distribution": app.suites.remove(who, name, force=force).path_name}


@router.get("/suites/{format}/{archive}/{codename}/states", summary="States of a suite that are kept")
def states(request: Request, app: App, who: MayRead, name: Named) -> dict[str, Any]:
    """The newest first; each at its own address, where machines can be pointed to."""
    suite, found = app.suites.states(who, name)
    rows = [_state(suite, one, base_url(request)) for one in found]
    return {"distribution": suite.full_name, "states": rows, "total": len(rows)}


async def _shown(request: Request, app: Application, who: Actor, done: Initialised) -> dict[str, Any]:
    await published(app, {done.suite.id: done.revision})
    sizes = await run_in_threadpool(app.suites.sizes, who)
    return _words(done.suite, sizes, base_url(request))


def _words(suite: Suite, sizes: Sizes, url: str) -> dict[str, Any]:
    options = suite.options
    return {
        **words.distribution_row(suite, sizes, url),
        "origin": options.origin,
        "label": options.label,
        "suite": options.suite or suite.codename,
        "codecs": list(options.codecs),
        "digests": list(options.digests),
        "contents": options.contents,
        "valid_days": options.valid_days,
        "not_automatic": options.not_automatic,
        "but_automatic_upgrades": options.but_automatic_upgrades,
        "max_versions": options.max_versions,
        "package_days": options.package_days,
        "mirror": suite.verbatim,
        "created_at": words.when(suite.created_at),
    }


def _state(suite: Suite, generation: Generation, url: str) -> dict[str, Any]:
    moment = generation.published_at.strftime(MOMENT)
    return {
        "generation": generation.number,
        "time": moment,
        "published_at": words.when(generation.published_at),
        "superseded_at": words.when(generation.superseded_at),
        "packages": generation.package_count,
        "reference": f"{suite.full_name}@{moment}",
        "url": f"{url}/{_TOPS[suite.format]}/{suite.archive.name}/snapshot/{moment}/",
    }
