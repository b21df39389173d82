"""Distributions (contract 4.8) and the archives that they are in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.records import PackageFilter
from entrepot.application import Application
from entrepot.domain.model.package import Format
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Page, Text, format_named, published
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.limits import Limited
from entrepot.errors import NotFound, UnknownDistribution
from entrepot.services.intake.suites import Initialised

router = APIRouter(tags=["distributions"])

_READ = [Depends(requiring(Permission.SUITE_READ))]
_READ_PACKAGES = [*_READ, Depends(requiring(Permission.PACKAGE_READ))]

Word = Annotated[str, Field(max_length=128)]
Words = Annotated[list[Word], Field(max_length=64)]


class SuiteChange(BaseModel):
    """Options of a suite; what is not named stays."""

    description: Annotated[str, Field(max_length=400)] | None = None
    components: Words | None = None
    architectures: Words | None = None
    origin: Word | None = None
    label: Word | None = Field(None, examples=["Packages of one team"])
    suite: Word | None = None
    version: Word | None = None
    codecs: Words | None = None
    digests: Words | None = None
    contents: bool | None = None
    valid_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    not_automatic: bool | None = None
    but_automatic_upgrades: bool | None = None
    ecosystem: Annotated[str, Field(max_length=100, description="As in advisories: Debian:12, or none")] | None = None
    max_versions: Annotated[int, Field(ge=0, le=100_000)] | None = None
    package_days: Annotated[int, Field(ge=0, le=36_500)] | None = None

    def options(self) -> dict[str, object]:
        """What was said about the suite itself."""
        return self.model_dump(include=set(SuiteChange.model_fields), exclude_none=True)


class InitRequest(SuiteChange):
    """A distribution to create or publish anew; without a codename, all of them."""

    codename: Word | None = Field(None, examples=["trixie"])
    format: Word | None = Field(None, examples=["deb"])


def base_url(request: Request) -> str:
    """What links begin with."""
    configured = str(request.app.state.public_url)
    return configured.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"


@router.get("/distributions", summary="All distributions", dependencies=_READ)
def distributions(request: Request, app: App, who: Who, format: Text = None) -> dict[str, Any]:  # noqa: A002
    """What they hold, and the client file that sets a machine up for each."""
    suites = app.suites.all(who, format_named(format))
    sizes = app.suites.sizes(who)
    return {"distributions": [words.distribution_row(suite, sizes, base_url(request)) for suite in suites]}


@router.get("/distributions/{codename}/packages", summary="Packages of one distribution", dependencies=_READ_PACKAGES)
def distribution_packages(
    codename: str, app: App, who: Who, q: Text = None, arch: Text = None, page: Page = 1, per_page: Page = 50
) -> dict[str, Any]:
    """Every (name, version, architecture)."""
    try:
        suite = app.suites.find(who, codename)
    except UnknownDistribution as error:
        raise NotFound(error.detail) from error
    conditions = PackageFilter(text=q or "", architecture=arch or "", suite=suite.codename, format=suite.format)
    limit = min(per_page, 200)
    found, total = app.listings.packages(who, conditions, (page - 1) * limit, limit)
    rows = [
        {
            "name": placement.package.key.name,
            "version": placement.package.key.version,
            "arch": placement.package.key.architecture,
            "filename": placement.package.filename,
            "size": placement.package.size_bytes,
        }
        for placement in found
    ]
    return {"codename": suite.codename, "packages": rows, **words.page(rows, total, page, limit)}


@router.post(
    "/distributions/init",
    summary="Create a distribution, or publish it anew",
    dependencies=[Depends(requiring(Permission.SUITE_WRITE)), Depends(Limited("distributions"))],
    openapi_extra=described(InitRequest),
    responses={200: {"description": "Published anew"}, 201: {"description": "Created, and published"}},
)
async def init(app: App, who: Who, given: Annotated[InitRequest, Depends(json_body(InitRequest))]) -> JSONResponse:
    """Idempotent.  Without a codename every distribution is published anew."""
    if given.codename is None:
        done = await run_in_threadpool(app.suites.initialise_all, who)
        await _all_published(app, done)
        return JSONResponse(_init_body(done))
    one = await run_in_threadpool(
        app.suites.initialise, who, given.codename, format_named(given.format), given.options()
    )
    await _all_published(app, [one])
    body = _init_body([one]) | {
        "codename": one.suite.codename,
        "description": one.suite.options.description,
        "format": one.suite.format.value,
    }
    return JSONResponse(body, 201 if one.created else 200)


async def _all_published(app: Application, done: list[Initialised]) -> None:
    await published(app, {one.suite.id: one.revision for one in done})


def _init_body(done: list[Initialised]) -> dict[str, Any]:
    results = [
        {
            "codename": one.suite.codename,
            "format": one.suite.format.value,
            "ok": True,
            "output": "created" if one.created else "published anew",
        }
        for one in done
    ]
    by_format = {
        name: {"results": [row for row in results if row["format"] == format_.value]}
        for name, format_ in (("apt", Format.DEB), ("rpm", Format.RPM))
    }
    return {"status": "ok", "repo_format": "all", "results": results, **by_format, "apk": {"results": []}}


@router.get("/archives", summary="Archives and their signing keys", dependencies=_READ)
def archives(request: Request, app: App, who: Who) -> dict[str, Any]:
    """Fingerprints to compare, and where the public keys are."""
    suites = app.suites.all(who)
    rows = []
    for archive, fingerprints in app.suites.archives(who):
        top = "apt" if archive.format is Format.DEB else "rpm"
        rows.append(
            {
                "name": archive.name,
                "format": archive.format.value,
                "fingerprints": list(fingerprints),
                "key_url": f"{base_url(request)}/{top}/{archive.name}/key.asc",
                "suites": [suite.codename for suite in suites if suite.archive.id == archive.id],
            }
        )
    return {"archives": rows}
