"""Lists of software: CycloneDX and SPDX (contract 4.7)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.artifacts import Text
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.services.sbom import Asked, Listed

_GUARD = [Depends(requiring(Permission.SBOM_READ))]
_WORDS: dict[int | str, dict[str, Any]] = {400: {"description": "There is no such format, or no such distribution"}}
_DOCUMENT = {
    200: {
        "description": "A document",
        "content": {
            "application/vnd.cyclonedx+json": {"schema": {"type": "object"}},
            "application/spdx+json": {"schema": {"type": "object"}},
        },
    },
    **_WORDS,
}

_VEX: dict[int | str, dict[str, Any]] = {
    200: {"description": "A document of OpenVEX", "content": {"application/json": {"schema": {"type": "object"}}}}
}

router = APIRouter(tags=["sbom"], dependencies=_GUARD)

FormatText = Annotated[str, Query(max_length=40, description="cyclonedx or spdx", examples=["cyclonedx"])]


def _sent(listed: Listed) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{listed.filename}"'}
    return StreamingResponse(listed.chunks, headers=headers, media_type=listed.media_type)


@router.get(
    "/sbom/export",
    summary="List of everything that is published",
    response_class=StreamingResponse,
    responses=_DOCUMENT,
)
def export(
    app: App,
    who: Who,
    format: FormatText = "cyclonedx",  # noqa: A002 - the contract's word
    distribution: Text = None,
) -> StreamingResponse:
    """All packages of the generations in force, or those of one distribution, with what they carry and need.

    It is made while it is sent; one state is shown however long that takes.
    """
    return _sent(app.sboms.export(who, format, distribution))


@router.get("/sbom/preview", summary="Beginning of the list of everything", responses=_WORDS)
def preview(
    app: App,
    who: Who,
    format: FormatText = "cyclonedx",  # noqa: A002 - the contract's word
    distribution: Text = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 5,
) -> dict[str, Any]:
    """The first packages of what ``/sbom/export`` would give, as a whole document."""
    found = app.sboms.preview(who, format, distribution, limit)
    return {
        "format": format.lower(),
        "distribution": distribution,
        "total": found.total,
        "limit": limit,
        "truncated": found.total > limit,
        "document": found.document,
    }


@router.get(
    "/sbom/{name}/{version}",
    summary="What one package consists of",
    response_class=StreamingResponse,
    responses=_DOCUMENT,
)
def package(
    name: str,
    version: str,
    app: App,
    who: Who,
    format: FormatText = "cyclonedx",  # noqa: A002 - the contract's word
    arch: Text = None,
    distribution: Text = None,
) -> StreamingResponse:
    """One file of a version, what it carries inside, and the packages of its distribution that it needs directly.

    The same content gives the same bytes.  A package that waits for review has one, too.
    """
    return _sent(app.sboms.package(who, Asked(name, version, arch, distribution), format))


@router.get(
    "/sbom/{name}/{version}/vex",
    summary="What is wrong with one package, and what was decided",
    response_class=StreamingResponse,
    responses={
        200: {"description": "A document of OpenVEX", "content": {"application/json": {"schema": {"type": "object"}}}}
    },
)
def vex(name: str, version: str, app: App, who: Who, arch: Text = None, distribution: Text = None) -> StreamingResponse:
    """One statement for each finding: *affected* where a person has decided, *under investigation* where nobody has.

    404 also where nothing is known to be wrong: OpenVEX has no documents without statements.
    """
    return _sent(app.sboms.vex(who, Asked(name, version, arch, distribution)))
