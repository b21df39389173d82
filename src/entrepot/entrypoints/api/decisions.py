"""Decisions that were made, quarantine, and what comes of both in time (contract 4.6)."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictStr
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.decisions import DecisionFilter
from entrepot.adapters.catalog.records import PackageFilter
from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.decisions import DecisionAction
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Page, Text, published
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.decision_words import assigned_body, assignee_named, record, report_body, turn_body
from entrepot.entrypoints.api.security import CveIds, Days, Word
from entrepot.errors import InvalidRequest
from entrepot.services.intake.decisions.records import Change
from entrepot.services.publish.reading import POOL_SECONDS

router = APIRouter(tags=["security"])

Number = Annotated[int, Path(ge=1, le=2**62)]
PerPage = Annotated[int, Query(ge=1, le=500)]
_WAIT_SECONDS = 60
_MAY_READ = [Depends(requiring(Permission.REVIEW_READ))]
_MAY_DECIDE = [Depends(requiring(Permission.REVIEW_DECIDE))]
_MAY_OVERRIDE = [Depends(requiring(Permission.REVIEW_OVERRIDE))]
_GONE: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such decision"},
    409: {"description": "It is in force no longer"},
}
_OWN: dict[int | str, dict[str, Any]] = {403: {"description": "Somebody else made it, and you are no administrator"}}
_NO_PACKAGE: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such package"}}


class AssignRequest(BaseModel):
    """Who is to look after it; nobody, where it is null."""

    assigned_to: Word | None = Field(None, examples=["rita"])
    assigned_to_type: Word | None = Field(None, examples=["user"])


class ChangeRequest(BaseModel):
    """What is to be different; the rest stays."""

    model_config = ConfigDict(populate_by_name=True)

    action: Annotated[StrictStr, Field(max_length=40)] | None = None
    justification: Annotated[StrictStr, Field(max_length=8000)] | None = Field(
        None, validation_alias=AliasChoices("justification", "comment", "reason")
    )
    expires_in_days: Days | None = Field(None, examples=[14])
    target_version: Word | None = None
    cve_ids: CveIds | None = None


class ResolveRequest(BaseModel):
    """What was done."""

    model_config = ConfigDict(populate_by_name=True)

    note: Annotated[StrictStr, Field(max_length=4000, examples=["1.2-4 is out"])] = Field(
        "", validation_alias=AliasChoices("resolution_note", "note", "comment")
    )


class QuarantineRequest(BaseModel):
    """Why, and which file of the version if not all."""

    reason: Annotated[StrictStr, Field(max_length=4000, examples=["the build host was broken into"])] = ""
    arch: Annotated[StrictStr, Field(max_length=64)] | None = None


def _filter(
    package: str | None, version: str | None, distribution: str | None, status: str, action: str | None
) -> DecisionFilter:
    actions: tuple[DecisionAction, ...] = ()
    if action not in (None, "", "all"):
        if action not in list(DecisionAction):
            raise InvalidRequest(f"unknown action {str(action)[:40]!r}; there are {', '.join(DecisionAction)}")
        actions = (DecisionAction(str(action)),)
    wanted = PackageFilter(name=package or "", version=version or "", suite=distribution or "")
    return DecisionFilter(wanted, in_force=None if status == "all" else status == "in_force", actions=actions)


@router.get("/security/decisions", summary="Decisions about packages", dependencies=_MAY_READ)
def decisions(
    app: App,
    who: Who,
    package: Text = None,
    version: Text = None,
    distribution: Text = None,
    action: Text = None,
    status: Literal["in_force", "ended", "all"] = "all",
    page: Page = 1,
    per_page: PerPage = 50,
) -> dict[str, Any]:
    """Newest first; those that ended are kept."""
    conditions = _filter(package, version, distribution, status, action)
    return _decisions(app, who, conditions, page, per_page, mine=False)


@router.get("/security/decisions/unassigned", summary="Decisions that nobody looks after", dependencies=_MAY_READ)
def unassigned(app: App, who: Who, page: Page = 1, per_page: PerPage = 50) -> dict[str, Any]:
    """Those in force, newest first."""
    return _decisions(app, who, DecisionFilter(unassigned=True, in_force=True), page, per_page, mine=False)


@router.get("/security/decisions/mine", summary="Decisions that I look after", dependencies=_MAY_READ)
def mine(app: App, who: Who, page: Page = 1, per_page: PerPage = 50) -> dict[str, Any]:
    """Those in force that were handed to the caller or one of their groups, newest first."""
    return _decisions(app, who, DecisionFilter(in_force=True), page, per_page, mine=True)


def _decisions(
    app: Application, who: Actor, conditions: DecisionFilter, page: int, per_page: int, *, mine: bool
) -> dict[str, Any]:
    found, total = app.decisions.records.page(who, conditions, (page - 1) * per_page, per_page, mine=mine)
    rows = [record(one, app.now()) for one in found]
    return {"decisions": rows, "count": len(rows), **words.page(rows, total, page, per_page)}


@router.patch(
    "/security/decisions/{decision_id}/assign",
    summary="Hand a decision to somebody",
    dependencies=_MAY_DECIDE,
    openapi_extra=described(AssignRequest),
    responses={400: {"description": "There is no such account or group"}, **_GONE},
)
def assign(
    decision_id: Number, given: Annotated[AssignRequest, Depends(json_body(AssignRequest))], app: App, who: Who
) -> dict[str, Any]:
    """Or to nobody."""
    assignee = assignee_named(given.assigned_to, given.assigned_to_type)
    return record(app.decisions.records.assign(who, decision_id, assignee), app.now())


@router.put(
    "/security/decisions/{decision_id}",
    summary="Change a decision",
    dependencies=_MAY_DECIDE,
    openapi_extra=described(ChangeRequest),
    responses={400: {"description": "Another action: revoke the decision instead"}, **_OWN, **_GONE},
)
def change(
    decision_id: Number, given: Annotated[ChangeRequest, Depends(json_body(ChangeRequest))], app: App, who: Who
) -> dict[str, Any]:
    """Its reason, its end counted from now, or what it waits for.  Only one's own, but for administrators."""
    if given.action is not None:
        raise InvalidRequest("a decision does not become another one: revoke it, then decide anew")
    wanted = Change(given.justification, given.expires_in_days, given.target_version, given.cve_ids)
    return record(app.decisions.records.change(who, decision_id, wanted), app.now())


@router.delete(
    "/security/decisions/{decision_id}",
    summary="Revoke a decision",
    dependencies=_MAY_DECIDE,
    responses={**_OWN, **_GONE},
)
async def revoke(
    decision_id: Number, app: App, who: Who, reason: Annotated[str, Query(max_length=4000)] = ""
) -> dict[str, Any]:
    """The package leaves the index, if the decision had let it in, and waits again.  The record is kept as revoked."""
    revoked = await run_in_threadpool(app.decisions.records.revoke, who, decision_id, reason)
    await published(app, revoked.revisions)
    return {"status": "ok", "decision": record(revoked.decision, app.now()), "withdrawn": bool(revoked.revisions)}


@router.get(
    "/security/packages/{name}/{version}/decision",
    summary="What was decided about a package",
    dependencies=[Depends(requiring(Permission.PACKAGE_READ))],
    responses=_NO_PACKAGE,
)
def decision(name: str, version: str, app: App, who: Who, arch: Text = None) -> dict[str, Any]:
    """The newest decision, none where nobody has decided; and all before it."""
    found = [record(one, app.now()) for one in app.decisions.records.of_package(who, name, version, arch)]
    return {"package": name, "version": version, "decision": found[0] if found else None, "history": found}


@router.post(
    "/security/packages/{name}/{version}/decision/resolve",
    summary="Say that what a decision asked for was done",
    dependencies=_MAY_DECIDE,
    openapi_extra=described(ResolveRequest),
    responses={
        404: {"description": "No decision about it is in force"},
        409: {"description": "It is resolved already"},
    },
)
def resolve(
    name: str,
    version: str,
    given: Annotated[ResolveRequest, Depends(json_body(ResolveRequest))],
    app: App,
    who: Who,
    arch: Text = None,
) -> dict[str, Any]:
    """The decision stays in force until its end."""
    return {
        "status": "ok",
        "decision": record(app.decisions.records.resolve(who, name, version, arch, given.note), app.now()),
    }


@router.patch(
    "/security/packages/{name}/{version}/assign",
    summary="Hand a package that waits to somebody",
    dependencies=_MAY_DECIDE,
    openapi_extra=described(AssignRequest),
    responses={400: {"description": "There is no such account or group"}, 404: {"description": "It does not wait"}},
)
def assign_waiting(
    name: str,
    version: str,
    given: Annotated[AssignRequest, Depends(json_body(AssignRequest))],
    app: App,
    who: Who,
    arch: Text = None,
) -> dict[str, Any]:
    """Or to nobody."""
    assignee = assignee_named(given.assigned_to, given.assigned_to_type)
    return assigned_body(app.decisions.records.assign_waiting(who, name, version, arch, assignee))


@router.post(
    "/security/packages/{name}/{version}/quarantine",
    summary="Take a package out of everybody's reach",
    dependencies=_MAY_DECIDE,
    openapi_extra=described(QuarantineRequest),
    responses={
        200: {"description": "It is in no index and at no address any more"},
        202: {"description": "It is at no address any more; indexes without it are being published"},
        **_NO_PACKAGE,
    },
)
async def quarantine(
    name: str,
    version: str,
    given: Annotated[QuarantineRequest, Depends(json_body(QuarantineRequest))],
    app: App,
    who: Who,
    arch: Annotated[str | None, Query(max_length=64, include_in_schema=False)] = None,
    reason: Annotated[str, Query(max_length=4000, include_in_schema=False)] = "",
) -> JSONResponse:
    """Every file of the version, or that of one architecture, wherever it is, until a decision releases it."""
    loop = asyncio.get_running_loop()
    taken = await run_in_threadpool(
        app.decisions.quarantines.quarantine, who, name, version, given.arch or arch, given.reason or reason
    )
    forgotten_at = loop.time() + POOL_SECONDS  # by then no process gives out what it remembers
    waits = [app.publications.until(one, revision, _WAIT_SECONDS) for one, revision in taken.revisions.items()]
    generations = await asyncio.gather(*waits)
    if taken.changed:
        await asyncio.sleep(max(0.0, forgotten_at - loop.time()))
    done, moved = all(generations), bool(taken.revisions)
    body = {
        "status": "quarantined",
        "package": name,
        "version": version,
        "architectures": sorted({one.key.architecture for one in taken.packages}),
        "distributions": sorted(suite.codename for suite in taken.suites.values()),
        "file_moved": moved,
        "deb_moved": moved and any(one.key.format.value == "deb" for one in taken.packages),
        "changed": taken.changed,
        "message": f"{name} {version} is in quarantine"
        + ("" if done else "; indexes without it are being published, look again in a minute"),
    }
    return JSONResponse(body, 200 if done else 202)


@router.post(
    "/security/check-sla", summary="Look for decisions that end, and for late ones", dependencies=_MAY_OVERRIDE
)
def check_sla(app: App, who: Who) -> dict[str, Any]:
    """The same as happens by itself every few seconds: what has come to its end leaves, and people are told."""
    return turn_body(app.decisions.waivers.check(who), app.now())


@router.get("/security/report", summary="How decisions stand", dependencies=_MAY_READ)
def report(app: App, who: Who) -> dict[str, Any]:
    """Counts, exceptions, quarantine and the rules, for somebody who audits."""
    return report_body(app.decisions.reports.report(who))
