"""Versions of a package, what they need, and how to install them (contract 4.2, 4.3)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from entrepot.domain.model.package import Format
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Text
from entrepot.entrypoints.api.blob_answers import blob_answer
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.distributions import base_url
from entrepot.entrypoints.api.explanation_words import EXAMPLE, explanation_body
from entrepot.entrypoints.api.version_words import comparison, dependency_body, install_body, version_row
from entrepot.services.intake.explaining.case import Wanted
from entrepot.services.resolution import Question

_ABSENT: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such package or version"}}
_MEDIA_TYPES = {Format.DEB: "application/vnd.debian.binary-package", Format.RPM: "application/x-rpm"}

router = APIRouter(tags=["packages"], dependencies=[Depends(requiring(Permission.PACKAGE_READ))], responses=_ABSENT)

VersionText = Annotated[str, Query(min_length=1, max_length=256)]


@router.get("/artifacts/{name}/dependencies", summary="Everything that a package needs")
def dependencies(
    name: str, app: App, who: Who, version: Text = None, arch: Text = None, distribution: Text = None
) -> dict[str, Any]:
    """Transitive, against the packages of its distribution, and whether all of it can be installed together."""
    return dependency_body(app.resolutions.resolve(who, Question(name, version, arch, distribution)))


@router.get("/artifacts/{name}/install", summary="How to install a package")
def install(
    name: str,
    request: Request,
    app: App,
    who: Who,
    version: Text = None,
    arch: Text = None,
    distribution: Text = None,
) -> dict[str, Any]:
    """Lines for a root shell: ``setup`` once for each machine, then ``command``."""
    return install_body(app.resolutions.resolve(who, Question(name, version, arch, distribution)), base_url(request))


@router.get("/artifacts/{name}/versions", summary="All versions of a package")
def versions(name: str, app: App, who: Who) -> dict[str, Any]:
    """Newest first, in the order of the packaging system; one row for each file."""
    found = app.listings.artifact(who, name).versions
    newest = found[0].package.key.version
    rows = [version_row(one, is_latest=one.package.key.version == newest) for one in found]
    return {"package": name, "count": len(rows), "versions": rows}


@router.get("/artifacts/{name}/versions/compare", summary="What changed between two versions")
def compare(name: str, app: App, who: Who, v1: VersionText, v2: VersionText, arch: Text = None) -> dict[str, Any]:
    """From ``v1`` to ``v2``."""
    first, _ = app.listings.version(who, name, v1, arch, None)
    second, _ = app.listings.version(who, name, v2, arch or first.package.key.architecture, None)
    latest = app.listings.artifact(who, name).versions[0].package.key.version
    return comparison(name, first, second, latest=latest)


@router.get("/artifacts/{name}/versions/{version}/snapshot", summary="One version in full")
def snapshot(
    name: str, version: str, app: App, who: Who, arch: Text = None, distribution: Text = None
) -> dict[str, Any]:
    """The manifest of one file."""
    found, is_latest = app.listings.version(who, name, version, arch, distribution)
    return words.version_detail(found, is_latest=is_latest)


@router.get(
    "/artifacts/{name}/{version}/why",
    summary="Why a version is in a distribution, or is not",
    responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
)
def why(name: str, version: str, app: App, who: Who, distribution: Text = None, arch: Text = None) -> dict[str, Any]:
    """Everything that was written down about it: in plain sentences, what keeps it out now, and fact by fact.

    Without a distribution, the one that it got furthest in; without an architecture, any.
    """
    return explanation_body(app.explanations.why(who, Wanted(name, version, arch or None, distribution or None)))


@router.get(
    "/artifacts/{name}/versions/{version}/download",
    summary="The file of one version",
    response_class=Response,
    responses={200: {"description": "The file"}, 206: {"description": "A part of it"}},
)
def download(
    name: str,
    version: str,
    request: Request,
    app: App,
    who: Who,
    arch: Text = None,
    distribution: Text = None,
) -> Response:
    """What waits for review is given to reviewers only."""
    package = app.listings.file(who, name, version, arch, distribution)
    media_type = _MEDIA_TYPES[package.key.format]
    return blob_answer(request, app.blobs, package.digest, package.size_bytes, media_type, package.filename)
