"""Uploaded files become packages of a repo."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.entrypoints.api.context import App
from entrepot.entrypoints.dialects.aptly.base import suite_of
from entrepot.entrypoints.dialects.credentials import Publisher
from entrepot.errors import EntrepotError, NotFound
from entrepot.services.intake.incoming import Taken
from entrepot.services.intake.receipts import ReceiptStatus

router = APIRouter(tags=["aptly"])


@router.post("/api/repos/{repo}/file/{folder}", summary="Add uploaded files to a distribution")
async def add_folder(
    request: Request,
    app: App,
    who: Publisher,
    repo: str,
    folder: str,
    *,
    noRemove: bool = False,  # noqa: N803 - aptly's name
) -> dict[str, Any]:
    """Answered when clients can install what was added. Files that fail are named, and stay."""
    return await _add(request, app, who, repo, folder, None, keep=noRemove)


@router.post("/api/repos/{repo}/file/{folder}/{name}", summary="Add an uploaded file to a distribution")
async def add_file(
    request: Request,
    app: App,
    who: Publisher,
    repo: str,
    folder: str,
    name: str,
    *,
    noRemove: bool = False,  # noqa: N803 - aptly's name
) -> dict[str, Any]:
    """The same for one file."""
    return await _add(request, app, who, repo, folder, name, keep=noRemove)


async def _add(
    request: Request, app: Application, who: Actor, repo: str, folder: str, name: str | None, *, keep: bool
) -> dict[str, Any]:
    suite = await run_in_threadpool(suite_of, app, who, repo)
    try:
        files = await run_in_threadpool(app.incoming.files, who, folder, name)
    except NotFound as error:
        path = folder if name is None else f"{folder}/{name}"
        return _report([], [(path, f"Unable to process {path}: {error.detail}")])
    packages = [file for file in files if file.name.endswith(".deb")]
    ignored = [
        (f"{folder}/{file.name}", f"Unknown file extension: {file.name}") for file in files if file not in packages
    ]
    taken = await run_in_threadpool(lambda: app.incoming.take(who, packages, suite.full_name, keep=keep))
    return await _reported(request, app, folder, taken, ignored)


async def _reported(
    request: Request, app: Application, folder: str, taken: list[Taken], failed: list[tuple[str, str]]
) -> dict[str, Any]:
    added = []
    for one in taken:
        path, receipt = f"{folder}/{one.name}", one.receipt
        if receipt is None or receipt.status is ReceiptStatus.REFUSED:
            reason = one.error.detail if one.error else "; ".join(receipt.reasons) if receipt else ""
            failed.append((path, f"Unable to import file {path}: {reason}"))
            continue
        key = receipt.key
        shown = f"{key.name}_{key.version}_{key.architecture}"
        if receipt.status is ReceiptStatus.HELD:
            failed.append((path, f"{shown} waits for a review: {'; '.join(receipt.reasons)}"))
            continue
        if receipt.revision is not None:
            await app.publications.until(receipt.suite.id, receipt.revision, request.app.state.publish_wait_seconds)
        added.append(f"{shown} added")
    return _report(added, failed)


def _report(added: list[str], failed: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "FailedFiles": [path for path, _ in failed],
        "Report": {"Warnings": [warning for _, warning in failed], "Added": added, "Removed": []},
    }


@router.post("/api/repos/{repo}/include/{folder}", summary="Add what .changes files list to a distribution")
async def include_folder(request: Request, app: App, who: Publisher, repo: str, folder: str) -> dict[str, Any]:
    """Every .changes file of the folder."""
    return await _include(request, app, who, repo, folder, None)


@router.post("/api/repos/{repo}/include/{folder}/{name}", summary="Add what a .changes file lists to a distribution")
async def include_file(request: Request, app: App, who: Publisher, repo: str, folder: str, name: str) -> dict[str, Any]:
    """One .changes file."""
    return await _include(request, app, who, repo, folder, name)


async def _include(
    request: Request, app: Application, who: Actor, repo: str, folder: str, name: str | None
) -> dict[str, Any]:
    suite = await run_in_threadpool(suite_of, app, who, repo)
    files = await run_in_threadpool(app.incoming.files, who, folder, name)
    taken: list[Taken] = []
    failed: list[tuple[str, str]] = []
    for file in files:
        if not file.name.endswith(".changes"):
            continue
        try:
            found = await run_in_threadpool(app.incoming.take_set, who, file, suite.full_name)
        except EntrepotError as error:
            failed.append((f"{folder}/{file.name}", error.detail))
        else:
            taken += found.taken
    if not taken and not failed:
        raise NotFound(f"there is no .changes file in {folder}")
    return await _reported(request, app, folder, taken, failed)
