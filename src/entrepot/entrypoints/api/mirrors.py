"""Suites that show what an upstream shows, with its own signature."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictBool, StrictInt, StrictStr

from entrepot.domain.model.package import Format
from entrepot.domain.policy.permissions import Permission
from entrepot.domain.upstream.mirror import OnBad
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.limits import Limited
from entrepot.entrypoints.api.words import when
from entrepot.services.upstream.mirrors.register import MirrorDraft, MirrorStanding

router = APIRouter(tags=["mirrors"], prefix="/mirrors")

_READ = [Depends(requiring(Permission.SOURCE_READ))]
_WRITE = [Depends(requiring(Permission.SOURCE_WRITE)), Depends(Limited("import"))]
_RUN = [Depends(requiring(Permission.SOURCE_SYNC)), Depends(Limited("import"))]
_TOPS = {Format.DEB: "apt", Format.RPM: "rpm"}
_HOURS = "So many hours after one run comes the next; 0: by hand only"
_ON_BAD = "A package that is missing upstream, or not as listed: fail the run, or skip it and say so"


class MirrorChange(BaseModel):
    """What is given is changed."""

    every_hours: StrictInt | None = Field(None, ge=0, le=8784, description=_HOURS, examples=[6])
    on_bad: OnBad | None = Field(None, description=_ON_BAD)


class MirrorRequest(BaseModel):
    """What to follow, and where to show it."""

    name: StrictStr = Field(max_length=64, examples=["debian"])
    source: StrictStr = Field(max_length=64, description="Name or number of a source", examples=["debian-bookworm"])
    archive: StrictStr | None = Field(None, max_length=64, description="Its place in addresses; its name if unsaid")
    codename: StrictStr | None = Field(None, max_length=64, description="rpm: its place within the archive")
    every_hours: StrictInt = Field(24, ge=0, le=8784, description=_HOURS)
    on_bad: OnBad = Field(OnBad.FAIL, description=_ON_BAD)


class RunRequest(BaseModel):
    """How to run."""

    accept_loss: StrictBool = Field(
        default=False, description="Also when most packages are gone upstream", examples=[True]
    )


@router.get("", summary="List mirrors", dependencies=_READ)
def mirrors(app: App, who: Who) -> dict[str, Any]:
    """By name, and how each stands."""
    rows = [_words(one) for one in app.mirrors.all(who)]
    return {"mirrors": rows, "total": len(rows)}


@router.post("", summary="Add a mirror", status_code=201, dependencies=_WRITE, openapi_extra=described(MirrorRequest))
def add_mirror(
    app: App, who: Who, given: Annotated[MirrorRequest, Depends(json_body(MirrorRequest))]
) -> dict[str, Any]:
    """Of a source.  Nothing is fetched before its first run, and nothing is shown before that has ended."""
    return _words(app.mirrors.create(who, MirrorDraft(**given.model_dump())))


@router.get("/{mirror}", summary="Show a mirror", dependencies=_READ)
def one_mirror(mirror: str, app: App, who: Who) -> dict[str, Any]:
    """By name."""
    return _words(app.mirrors.one(who, mirror))


@router.patch("/{mirror}", summary="Change a mirror", dependencies=_WRITE, openapi_extra=described(MirrorChange))
def change_mirror(
    mirror: str, app: App, who: Who, given: Annotated[MirrorChange, Depends(json_body(MirrorChange))]
) -> dict[str, Any]:
    """How often it runs, and how strict it is."""
    return _words(app.mirrors.change(who, mirror, given.every_hours, given.on_bad))


@router.delete("/{mirror}", summary="Remove a mirror", dependencies=_WRITE)
def remove_mirror(mirror: str, app: App, who: Who) -> dict[str, Any]:
    """With its suite: machines find nothing there any more.  The source stays."""
    return {"status": "deleted", "name": app.mirrors.remove(who, mirror).name}


@router.post(
    "/{mirror}/run", summary="Run a mirror", status_code=202, dependencies=_RUN, openapi_extra=described(RunRequest)
)
def run_mirror(
    mirror: str, app: App, who: Who, given: Annotated[RunRequest, Depends(json_body(RunRequest))]
) -> dict[str, Any]:
    """Begin, or join the run that goes on; ``/jobs/{job_id}`` says how far it is."""
    begun = app.mirror_runs.begin(who, mirror, accept_loss=given.accept_loss)
    return {
        "job_id": begun.job,
        "name": begun.mirror.name,
        "status": "running",
        "already_running": begun.already_running,
    }


def _words(one: MirrorStanding) -> dict[str, Any]:
    mirror, state, suite = one.mirror, one.mirror.state, one.suite
    root = state.root
    return {
        "name": mirror.name,
        "source": one.source.name,
        "type": _TOPS[suite.format],
        "distribution": suite.full_name,
        "path": f"/{_TOPS[suite.format]}/{suite.archive.name}",
        "components": list(one.source.components),
        "architectures": list(one.source.architectures),
        "every_hours": mirror.every_hours,
        "on_bad": mirror.on_bad.value,
        "status": _status(one),
        "job_id": one.job,
        "files": state.file_count,
        "bytes": state.size_bytes,
        "upstream_time": None if root is None else when(root.moment),
        "last_run": when(state.attempted_at),
        "last_good_run": when(state.checked_at),
        "last_change": when(state.changed_at),
        "error": state.error or None,
        "error_code": state.error_code or None,
        "notes": list(state.notes),
    }


def _status(one: MirrorStanding) -> str:
    if one.job is not None:
        return "running"
    if one.mirror.state.error_code:
        return "error"
    return "ok" if one.mirror.state.checked_at is not None else "never"
