"""Packages and artifacts (contract 4.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.records import PackageFilter
from entrepot.application import Application
from entrepot.domain.model.package import Format
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.errors import InvalidRequest, PublicationLate
from entrepot.services.intake.movements import Revisions

router = APIRouter(tags=["packages"])

_READ = [Depends(requiring(Permission.PACKAGE_READ))]
_DELETE = [Depends(requiring(Permission.PACKAGE_DELETE))]
_REBUILD = [Depends(requiring(Permission.INDEX_REBUILD))]

Page = Annotated[int, Query(ge=1, le=10_000_000)]
PerPage = Annotated[int, Query(ge=1, le=200)]
Text = Annotated[str | None, Query(max_length=200)]
_WAIT_SECONDS = 60


def wanted(text: str | None, distribution: str | None, arch: str | None, format_: str | None) -> PackageFilter:
    """Query parameters as a filter; ``all`` is no filter."""
    return PackageFilter(
        text=text or "",
        suite="" if distribution in (None, "all") else str(distribution),
        architecture="" if arch in (None, "all") else str(arch),
        format=format_named(format_),
    )


def format_named(name: str | None) -> Format | None:
    """A format by its word.

    Raises:
        InvalidRequest: there is none of that name.
    """
    if name in (None, "", "all"):
        return None
    try:
        return Format(str(name))
    except ValueError:
        raise InvalidRequest(f"unknown format {str(name)[:40]!r}; there are deb and rpm") from None


_STANDINGS = {
    **dict.fromkeys(("published", "validated"), "there"),
    **dict.fromkeys(("pending_review", "pending"), "waits"),
    "quarantined": "apart",
    **dict.fromkeys(("blocked", "accepted_risk", "exception", "upgrade_required", "rejected"), "nowhere"),
}


def standing_named(status: str | None) -> str | None:
    """Where packages of a status are: in a suite, before one, or on no list at all.

    Raises:
        InvalidRequest: there is no such status.
    """
    if status in (None, "", "all"):
        return None
    found = _STANDINGS.get(str(status))
    if found is None:
        raise InvalidRequest(f"unknown status {str(status)[:40]!r}; there are {', '.join(_STANDINGS)}")
    return found


@router.get("/packages", summary="Raw list of published package files", dependencies=_READ)
def packages(
    app: App,
    who: Who,
    q: Text = None,
    search: Text = None,
    distribution: Text = None,
    arch: Text = None,
    format: Text = None,  # noqa: A002 - the contract's word
    page: Page = 1,
    per_page: PerPage = 50,
) -> dict[str, Any]:
    """One row for each file in each distribution."""
    conditions = wanted(q or search, distribution, arch, format)
    found, total = app.listings.packages(who, conditions, (page - 1) * per_page, per_page)
    rows = [words.package_row(placement) for placement in found]
    return {**words.page(rows, total, page, per_page), "packages": [row["filename"] for row in rows]}


@router.get("/artifacts", summary="Packages by name, with their versions", dependencies=_READ)
def artifacts(
    app: App,
    who: Who,
    search: Text = None,
    q: Text = None,
    distribution: Text = None,
    format: Text = None,  # noqa: A002 - the contract's word
    arch: Text = None,
    status: Text = None,
    page: Page = 1,
    per_page: PerPage = 50,
) -> dict[str, Any]:
    """One row for each name; held packages are listed too, quarantined ones when auditors ask for that status."""
    standing = standing_named(status)
    if standing == "nowhere":
        return words.page([], 0, page, per_page)
    waits = {"waits": True, "there": False}.get(standing or "")
    conditions = replace(wanted(search or q, distribution, arch, format), waits=waits)
    look = app.listings.quarantined if standing == "apart" else app.listings.artifacts
    found, total = look(who, conditions, (page - 1) * per_page, per_page)
    rows = [words.artifact_row(artifact) for artifact in found]
    return words.page(rows, total, page, per_page)


@router.post("/artifacts/admin/sync-index", summary="Publish every distribution anew", dependencies=_REBUILD)
def sync_index(app: App, who: Who) -> dict[str, Any]:
    """Have every index compared with the catalog and rebuilt where it differs."""
    return {"status": "ok", "packages_indexed": app.suites.republish(who)}


@router.get("/artifacts/{name}", summary="One package with all its versions", dependencies=_READ)
def artifact(name: str, app: App, who: Who) -> dict[str, Any]:
    """Versions by number, each with its files; the history of the name."""
    return words.artifact_detail(app.listings.artifact(who, name))


@router.get("/artifacts/{name}/{version}", summary="One version in full", dependencies=_READ)
def version(
    name: str, version: str, app: App, who: Who, arch: Text = None, distribution: Text = None
) -> dict[str, Any]:
    """The manifest of one file; name the architecture when a version has several."""
    found, is_latest = app.listings.version(who, name, version, arch, distribution)
    return words.version_detail(found, is_latest=is_latest)


@router.delete("/artifacts/{name}", summary="Remove a package", dependencies=_DELETE)
async def remove(
    name: str,
    app: App,
    who: Who,
    format: Text = None,  # noqa: A002 - the contract's word
    distribution: Text = None,
) -> dict[str, Any]:
    """Remove all versions; clients no longer see them when the answer comes."""
    removal = await run_in_threadpool(app.movements.remove, who, name, None, None, distribution, format_named(format))
    await published(app, removal.revisions)
    return {
        "status": "deleted",
        "package": name,
        "versions": sorted({key.version for key in removal.keys}),
        "distributions": sorted({suite.codename for suite in removal.suites}),
    }


@router.delete("/artifacts/{name}/{version}", summary="Remove one version", dependencies=_DELETE)
async def remove_version(
    name: str, version: str, app: App, who: Who, arch: Text = None, distribution: Text = None
) -> dict[str, Any]:
    """Remove exactly this version; others stay installable."""
    removal = await run_in_threadpool(app.movements.remove, who, name, version, arch, distribution)
    await published(app, removal.revisions)
    return {
        "status": "deleted",
        "package": name,
        "version": version,
        "architectures": sorted({key.architecture for key in removal.keys}),
        "distributions": sorted({suite.codename for suite in removal.suites}),
    }


async def published(app: Application, revisions: Revisions) -> None:
    """Wait until clients see the change.

    Raises:
        PublicationLate: it is recorded and will be published, but not in time for this answer.
    """
    for suite_id, revision in revisions.items():
        if await app.publications.until(suite_id, revision, _WAIT_SECONDS) is None:
            raise PublicationLate("the change is recorded, but its publication takes long; look again in a minute")
