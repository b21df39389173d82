"""Suites that follow an upstream: with its own signature, or with chosen packages signed here."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from entrepot.adapters.catalog.choices import Choice, ChoiceState
from entrepot.domain.model.package import Format
from entrepot.domain.policy.permissions import Permission
from entrepot.domain.upstream.mirror import DownloadPolicy, MirrorKind, OnBad
from entrepot.domain.upstream.sieve import EVERYTHING, Filter
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Page
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.limits import Limited
from entrepot.entrypoints.api.words import when
from entrepot.services.upstream.mirrors.mirroring import Accepted
from entrepot.services.upstream.mirrors.register import MirrorChange, MirrorDraft, MirrorStanding

router = APIRouter(tags=["mirrors"], prefix="/mirrors")

_READ = [Depends(requiring(Permission.SOURCE_READ))]
_PREVIEW = [Depends(requiring(Permission.SOURCE_READ)), Depends(Limited("import"))]
_WRITE = [Depends(requiring(Permission.SOURCE_WRITE)), Depends(Limited("import"))]
_RUN = [Depends(requiring(Permission.SOURCE_SYNC)), Depends(Limited("import"))]
_TOPS = {Format.DEB: "apt", Format.RPM: "rpm"}
_SOURCES = "Source packages of apt, too"
_INSTALLER = "Images of the Debian installer, too"
_POLICY = "Packages are fetched before their index is shown (immediate), or when a machine asks for one (on_demand)"
_HOURS = "So many hours after one run comes the next; 0: by hand only"
_ON_BAD = "A package that is missing upstream, or not as listed: fail the run, skip it and say so, or have it wait"
_FILTER = "kind=resigned: which packages are taken"
_KEEP = "kind=resigned: packages that are gone upstream stay"
_MOST_SHOWN = 100

State = Annotated[ChoiceState | None, Query(description="Of one state only")]
Word = Annotated[str, Field(min_length=1, max_length=128)]


class FilterForm(BaseModel):
    """What is given has to hold; an empty one takes everything."""

    model_config = ConfigDict(extra="forbid")

    names: list[Word] = Field([], max_length=500, description="Globs for names", examples=[["nginx*", "curl"]])
    regex: StrictStr = Field("", max_length=256, description="For a whole name: . [] | () * + ? {2,5} \\d \\w")
    exclude: list[Word] = Field([], max_length=500, description="Globs for names that are never taken")
    sections: list[Word] = Field([], max_length=500, description="Globs for sections of debs, groups of rpms")
    priorities: list[Word] = Field([], max_length=20, description="Of debs", examples=[["required", "important"]])
    components: list[Word] = Field([], max_length=100)
    architectures: list[Word] = Field([], max_length=100)
    newest: StrictInt = Field(0, ge=0, le=1000, description="So many versions of each name; 0: all")
    with_dependencies: StrictBool = Field(default=False, description="And whatever they need")

    def filter(self) -> Filter:
        """As the services have it."""
        return Filter.from_json(self.model_dump())


class MirrorUpdate(BaseModel):
    """What is given is changed."""

    every_hours: StrictInt | None = Field(None, ge=0, le=8784, description=_HOURS, examples=[6])
    on_bad: OnBad | None = Field(None, description=_ON_BAD)
    filter: FilterForm | None = Field(None, description=_FILTER)
    keep_removed: StrictBool | None = Field(None, description=_KEEP)
    download_policy: DownloadPolicy | None = Field(None, description=_POLICY)
    sources: StrictBool | None = Field(None, description=_SOURCES)
    installer: StrictBool | None = Field(None, description=_INSTALLER)


class MirrorRequest(BaseModel):
    """What to follow, and where to show it."""

    name: StrictStr = Field(max_length=64, examples=["debian"])
    source: StrictStr = Field(max_length=64, description="Name or number of a source", examples=["debian-bookworm"])
    archive: StrictStr | None = Field(None, max_length=64, description="Its place in addresses; its name if unsaid")
    codename: StrictStr | None = Field(None, max_length=64, description="rpm: its place within the archive")
    every_hours: StrictInt = Field(24, ge=0, le=8784, description=_HOURS)
    on_bad: OnBad = Field(OnBad.FAIL, description=_ON_BAD)
    kind: MirrorKind = Field(MirrorKind.VERBATIM, description="The upstream's own files, or packages signed here")
    filter: FilterForm | None = Field(None, description=_FILTER)
    keep_removed: StrictBool = Field(default=False, description=_KEEP)
    download_policy: DownloadPolicy = Field(DownloadPolicy.IMMEDIATE, description=_POLICY)
    sources: StrictBool = Field(default=False, description=_SOURCES)
    installer: StrictBool = Field(default=False, description=_INSTALLER)


class PreviewRequest(BaseModel):
    """What to choose from, and by what."""

    source: StrictStr = Field(max_length=64, description="Name or number of a source", examples=["debian-bookworm"])
    filter: FilterForm = Field(description=_FILTER, examples=[{"names": ["nginx*"], "with_dependencies": True}])


class RunRequest(BaseModel):
    """How to run."""

    accept_loss: StrictBool = Field(
        default=False, description="Also when most packages are gone upstream", examples=[True]
    )
    accept_bad: StrictBool = Field(default=False, description="Also without files that are no good (on_bad=hold)")


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
    fields = given.model_dump(exclude={"filter"})
    wanted = EVERYTHING if given.filter is None else given.filter.filter()
    return _words(app.mirrors.create(who, MirrorDraft(**fields, filter=wanted)))


@router.post("/preview", summary="Preview a filter", dependencies=_PREVIEW, openapi_extra=described(PreviewRequest))
def preview(app: App, who: Who, given: Annotated[PreviewRequest, Depends(json_body(PreviewRequest))]) -> dict[str, Any]:
    """What it takes of a source as it was synchronised last; nothing is fetched."""
    source, chosen = app.mirrors.preview(who, given.source, given.filter.filter())
    named, needed = chosen.named, chosen.needed
    return {
        "source": source.name,
        "packages": chosen.count,
        "bytes": chosen.size_bytes,
        "named": len(named),
        "needed": len(needed),
        "examples": [str(one.key) for one in named[:_MOST_SHOWN]],
        "needed_examples": [str(one.key) for one in needed[:_MOST_SHOWN]],
        "unresolved": list(chosen.unresolved[:_MOST_SHOWN]),
        "unresolved_count": chosen.unresolved_count,
    }


@router.get("/{mirror}", summary="Show a mirror", dependencies=_READ)
def one_mirror(mirror: str, app: App, who: Who) -> dict[str, Any]:
    """By name."""
    return _words(app.mirrors.one(who, mirror))


@router.get("/{mirror}/packages", summary="Packages of a mirror", dependencies=_READ)
def mirror_packages(
    mirror: str, app: App, who: Who, state: State = None, page: Page = 1, per_page: Page = 50
) -> dict[str, Any]:
    """What a mirror that is signed here has chosen, where each stands, and why it is not shown."""
    limit = min(per_page, _MOST_SHOWN)
    found, total = app.mirrors.packages(who, mirror, state, (page - 1) * limit, limit)
    return words.page([_package(one) for one in found], total, page, limit)


@router.patch("/{mirror}", summary="Change a mirror", dependencies=_WRITE, openapi_extra=described(MirrorUpdate))
def change_mirror(
    mirror: str, app: App, who: Who, given: Annotated[MirrorUpdate, Depends(json_body(MirrorUpdate))]
) -> dict[str, Any]:
    """How often it runs, how strict it is, and what it takes, from the next run on; ``immediate`` begins one."""
    wanted = None if given.filter is None else given.filter.filter()
    change = MirrorChange(
        given.every_hours,
        given.on_bad,
        wanted,
        given.keep_removed,
        given.download_policy,
        given.sources,
        given.installer,
    )
    return _words(app.mirrors.change(who, mirror, change))


@router.delete("/{mirror}", summary="Remove a mirror", dependencies=_WRITE)
def remove_mirror(mirror: str, app: App, who: Who) -> dict[str, Any]:
    """A verbatim one with its suite: machines find nothing there any more.  The source stays."""
    return {"status": "deleted", "name": app.mirrors.remove(who, mirror).name}


@router.post(
    "/{mirror}/run", summary="Run a mirror", status_code=202, dependencies=_RUN, openapi_extra=described(RunRequest)
)
def run_mirror(
    mirror: str, app: App, who: Who, given: Annotated[RunRequest, Depends(json_body(RunRequest))]
) -> dict[str, Any]:
    """Begin, or join the run that goes on; ``/jobs/{job_id}`` says how far it is."""
    begun = app.mirror_runs.begin(who, mirror, Accepted(given.accept_loss, given.accept_bad))
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
        "kind": mirror.kind.value,
        "filter": mirror.filter.to_json(),
        "keep_removed": mirror.keep_removed,
        "download_policy": mirror.download_policy.value,
        "sources": mirror.sources,
        "installer": mirror.installer,
        "held": _count(one, ChoiceState.HELD),
        "refused": _count(one, ChoiceState.REFUSED),
        "bad": _count(one, ChoiceState.BAD),
        "status": _status(one),
        "job_id": one.job,
        "files": state.file_count,
        "bytes": state.size_bytes,
        "stored_files": max(0, state.file_count - one.absent_files),
        "stored_bytes": max(0, state.size_bytes - one.absent_bytes),
        "upstream_time": None if root is None else when(root.moment),
        "last_run": when(state.attempted_at),
        "last_good_run": when(state.checked_at),
        "last_change": when(state.changed_at),
        "error": state.error or None,
        "error_code": state.error_code or None,
        "notes": list(state.notes),
    }


def _package(one: Choice) -> dict[str, Any]:
    return {
        "name": one.key.name,
        "version": one.key.version,
        "arch": one.key.architecture,
        "component": one.component or None,
        "bytes": one.size_bytes,
        "digest": one.digest,
        "needed": one.needed,
        "state": one.state.value,
        "reason": one.reason or None,
    }


def _count(one: MirrorStanding, state: ChoiceState) -> int:
    return one.counts.get(state, (0, 0))[0]


def _status(one: MirrorStanding) -> str:
    if one.job is not None:
        return "running"
    if one.mirror.state.error_code:
        return "error"
    return "ok" if one.mirror.state.checked_at is not None else "never"
