"""Environments: names under which machines see snapshots, moved in one step and back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Page, Text
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.state_words import environment_words, move_words, moves_words, plan_words
from entrepot.services.snapshots.environments import Aim

router = APIRouter(tags=["environments"])

MayRead = Annotated[Actor, Depends(requiring(Permission.SUITE_READ))]
_MayMove = Depends(requiring(Permission.ENVIRONMENT_MOVE))
_MayWrite = Depends(requiring(Permission.ENVIRONMENT_WRITE))
_MOST = 500
_LINES = 1000


class EnvironmentRequest(BaseModel):
    """A new environment, empty at first."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "prod", "protected": True}})

    name: str = Field(max_length=64)
    description: str = Field("", max_length=1000)
    protected: bool = Field(default=False, description="Only administrators move it, and say why")


class EnvironmentChange(BaseModel):
    """What is not named stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"protected": True}})

    description: str | None = Field(None, max_length=1000)
    protected: bool | None = None


class Target(BaseModel):
    """A snapshot of one distribution."""

    distribution: str = Field(max_length=200)
    snapshot: str = Field(max_length=128)


class MoveRequest(BaseModel):
    """Where to point: at snapshots that are named, or at what another environment shows (all of it, or some)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"targets": [{"distribution": "jammy", "snapshot": "2026-11-21"}]},
                {"from": "qa", "distributions": ["jammy"], "reason": "tested"},
            ]
        }
    )

    targets: list[Target] = Field(default_factory=list, max_length=100)
    source: str | None = Field(None, alias="from", max_length=64)
    distributions: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list, max_length=100)
    reason: str = Field("", max_length=1000)
    override: bool = Field(default=False, description="Move although the plan shows harm; needs a reason")


class BackRequest(BaseModel):
    """Which distribution, or all that the newest move touched."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "the new kernel does not boot"}})

    distribution: str | None = Field(None, max_length=200)
    reason: str = Field("", max_length=1000)


@router.get("/environments", summary="Environments and what they show")
def environments(app: App, who: MayRead) -> dict[str, Any]:
    """By name."""
    found = [environment_words(one) for one in app.environments.all(who)]
    return {"environments": found, "total": len(found)}


@router.post(
    "/environments",
    summary="Make an environment",
    status_code=201,
    dependencies=[_MayWrite],
    openapi_extra=described(EnvironmentRequest),
)
def create(
    app: App, who: Who, given: Annotated[EnvironmentRequest, Depends(json_body(EnvironmentRequest))]
) -> dict[str, Any]:
    """Its address below every archive is ``env/NAME/``."""
    made = app.environments.create(who, given.name, given.description, protected=given.protected)
    return environment_words(made)


@router.get("/environments/{name}", summary="One environment")
def environment(name: str, app: App, who: MayRead) -> dict[str, Any]:
    """With the snapshot of each distribution in it."""
    return environment_words(app.environments.one(who, name))


@router.patch(
    "/environments/{name}",
    summary="Change an environment",
    dependencies=[_MayWrite],
    openapi_extra=described(EnvironmentChange),
)
def change(
    name: str, app: App, who: Who, given: Annotated[EnvironmentChange, Depends(json_body(EnvironmentChange))]
) -> dict[str, Any]:
    """Its description, and whether it is protected."""
    return environment_words(app.environments.change(who, name, given.description, protected=given.protected))


@router.delete("/environments/{name}", summary="Remove an environment", dependencies=[_MayWrite])
def remove(name: str, app: App, who: Who) -> dict[str, Any]:
    """Only one that shows nothing; snapshots stay."""
    app.environments.remove(who, name)
    return {"status": "removed", "name": name}


@router.get("/environments/{name}/history", summary="Where an environment was pointed to")
def history(
    name: str, app: App, who: MayRead, distribution: Text = None, page: Page = 1, per_page: Page = 50
) -> dict[str, Any]:
    """Every move, newest first."""
    limit = min(per_page, _MOST)
    found, total = app.environments.history(who, name, distribution, (page - 1) * limit, limit)
    return words.page(moves_words(found), total, page, limit)


@router.post(
    "/environments/{name}/plan",
    summary="What a move would do",
    dependencies=[Depends(requiring(Permission.SUITE_READ))],
    openapi_extra=described(MoveRequest),
)
def plan(
    name: str,
    app: App,
    who: Who,
    given: Annotated[MoveRequest, Depends(json_body(MoveRequest))],
    limit: Annotated[int, Query(ge=1, le=100_000)] = _LINES,
) -> dict[str, Any]:
    """What machines would get and lose, what would break, and what was refused.  Changes nothing."""
    return plan_words(app.environments.plan(who, name, _aim(given)), limit)


@router.post(
    "/environments/{name}/point",
    summary="Move an environment",
    dependencies=[_MayMove],
    openapi_extra=described(MoveRequest),
)
def point(
    name: str, app: App, who: Who, given: Annotated[MoveRequest, Depends(json_body(MoveRequest))]
) -> dict[str, Any]:
    """All distributions at once; machines see it with their next request.  A move that does harm is refused (409)."""
    done = app.environments.point(who, name, _aim(given), given.reason, override=given.override)
    return {"status": "moved" if done.changes else "unchanged", **plan_words(done, _LINES)}


@router.post(
    "/environments/{name}/rollback",
    summary="Show what was shown before",
    dependencies=[_MayMove],
    openapi_extra=described(BackRequest),
)
def roll_back(
    name: str, app: App, who: Who, given: Annotated[BackRequest, Depends(json_body(BackRequest))]
) -> dict[str, Any]:
    """In one step; asked again, it goes forward to what was left."""
    moved = app.environments.roll_back(who, name, given.distribution, given.reason)
    return {"status": "moved", "environment": name, "distributions": [move_words(one) for one in moved]}


@router.delete(
    "/environments/{name}/distributions/{codename}",
    summary="Take a distribution out of an environment",
    dependencies=[_MayMove],
)
def take_out(name: str, codename: str, app: App, who: Who, reason: Text = None) -> dict[str, Any]:
    """Machines find nothing of it there any more."""
    return environment_words(app.environments.take_out(who, name, codename, reason or ""))


def _aim(given: MoveRequest) -> Aim:
    return Aim([(one.distribution, one.snapshot) for one in given.targets], given.source, given.distributions)
