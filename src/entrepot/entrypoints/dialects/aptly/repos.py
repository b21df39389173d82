"""Distributions of .deb packages, as aptly's local repos."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.records import PackageFilter, Placement
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.entrypoints.api.bodies import described, parsed
from entrepot.entrypoints.api.context import App
from entrepot.entrypoints.dialects.aptly.base import Body, sent_json, suite_of
from entrepot.entrypoints.dialects.credentials import Reader, Remover, SuiteMaker
from entrepot.errors import InvalidRequest, PublicationLate

router = APIRouter(tags=["aptly"])

_PAGE = 1000
_KEY = re.compile(r"P(\S+) (\S+) (\S+)(?: [0-9a-f]+)?\Z")


class NewRepo(Body):
    """A local repository."""

    Name: str = Field(max_length=200, examples=["jammy-extra"])
    Comment: str = Field(default="", max_length=1000)


class PackageRefs(Body):
    """Packages by key."""

    PackageRefs: list[str] = Field(max_length=1000, examples=[["Pamd64 hello 2.10-3 6a8b"]])


def _repo(suite: Suite) -> dict[str, str]:
    main = suite.archive.name == "main"
    return {
        "Name": suite.codename if main else f"{suite.archive.name}:{suite.codename}",
        "Comment": suite.options.description,
        "DefaultDistribution": suite.codename,
        "DefaultComponent": suite.options.components[0],
    }


@router.get("/api/repos", summary="Distributions, as aptly's local repos")
def repos(app: App, who: Reader) -> list[dict[str, str]]:
    """Those of .deb packages."""
    return [_repo(suite) for suite in app.suites.all(who, Format.DEB)]


@router.post(
    "/api/repos",
    summary="Make a distribution, as aptly's local repo",
    openapi_extra=described(NewRepo),
    status_code=201,
)
def create_repo(app: App, who: SuiteMaker, given: Annotated[object, Depends(sent_json)]) -> JSONResponse:
    """It is published at once, with no packages in it."""
    new = parsed(NewRepo, given)
    options = {"description": new.Comment} if new.Comment else {}
    made = app.suites.initialise(who, new.Name.replace(":", "/", 1), Format.DEB, options)
    if not made.created:
        raise InvalidRequest(f"local repo with name {new.Name} already exists")
    return JSONResponse(_repo(made.suite), 201)


@router.get("/api/repos/{repo}", summary="A distribution, as aptly's local repo")
def show_repo(app: App, who: Reader, repo: str) -> dict[str, str]:
    """One by name."""
    return _repo(suite_of(app, who, repo))


def _key(place: Placement) -> str:
    package = place.package
    return f"P{package.key.architecture} {package.key.name} {package.key.version} {package.digest[:16]}"


def _details(place: Placement) -> dict[str, str]:
    key = place.package.key
    return {
        "Key": _key(place),
        "ShortKey": f"P{key.architecture} {key.name} {key.version}",
        "Package": key.name,
        "Version": key.version,
        "Architecture": key.architecture,
        "Filename": place.package.filename,
        "Size": str(place.package.size_bytes),
        "SHA256": place.package.digest,
        "FilesHash": place.package.digest[:16],
        "Section": place.package.section,
    }


@router.get("/api/repos/{repo}/packages", summary="Packages of a distribution, as aptly lists them")
def repo_packages(
    app: App,
    who: Reader,
    repo: str,
    q: Annotated[str, Query(max_length=256, description="the name of a package")] = "",
    format: Annotated[str, Query(pattern="^(|compact|details)$")] = "",  # noqa: A002 - aptly's name
) -> list[Any]:
    """Keys, or details. Of aptly's query language only the plain name of a package is known."""
    suite = suite_of(app, who, repo)
    if q and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9+.-]*", q):
        raise InvalidRequest("q may only be the name of a package here; leave it out for all packages")
    wanted = PackageFilter(name=q, suite=suite.codename, format=suite.format)
    answer: list[Any] = []
    offset, total = 0, 1
    while offset < total:
        found, total = app.listings.packages(who, wanted, offset, _PAGE)
        there = [place for place in found if place.suite.id == suite.id]
        answer += [_details(place) if format == "details" else _key(place) for place in there]
        offset += _PAGE
    return answer


@router.delete(
    "/api/repos/{repo}/packages", summary="Take packages out of a distribution", openapi_extra=described(PackageRefs)
)
async def delete_packages(
    request: Request, app: App, who: Remover, repo: str, given: Annotated[object, Depends(sent_json)]
) -> dict[str, str]:
    """By key, with or without the hash at its end; answered when clients see it."""
    suite = await run_in_threadpool(suite_of, app, who, repo)
    for reference in parsed(PackageRefs, given).PackageRefs:
        match = _KEY.match(reference)
        if match is None:
            raise InvalidRequest(f"{reference[:100]!r} is no key of a package")
        architecture, name, release = match.groups()
        removal = await run_in_threadpool(
            app.movements.remove, who, name, release, architecture, suite.full_name, suite.format
        )
        for suite_id, revision in removal.revisions.items():
            if await app.publications.until(suite_id, revision, request.app.state.publish_wait_seconds) is None:
                raise PublicationLate("the packages are removed; clients will see it soon")
    return _repo(suite)
