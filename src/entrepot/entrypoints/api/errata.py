"""What clients are told about updates: errata, and rollouts by percentage."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.erratum import Erratum, ErratumKind, Fixed, Notice, Rollout, Step
from entrepot.domain.model.finding import Severity
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.artifacts import published
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.limits import Limited
from entrepot.entrypoints.api.words import when
from entrepot.services.errata.notices import Told
from entrepot.services.errata.rollouts import Moved

router = APIRouter(tags=["errata"])

MayRead = Annotated[Actor, Depends(requiring(Permission.PACKAGE_READ))]
_MayWrite = Depends(requiring(Permission.ERRATUM_WRITE))
_Limited = Depends(Limited("distributions"))


class Named(BaseModel):
    """Every file of one version in the distribution."""

    name: str = Field(max_length=256, examples=["hello"])
    version: str = Field(max_length=256, examples=["1.2-3"])


class AmendRequest(BaseModel):
    """What to say anew; the rest stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"severity": "high", "cves": ["CVE-2026-12345"]}})

    kind: ErratumKind | None = None
    severity: Severity | None = None
    title: str | None = Field(None, max_length=500)
    description: str | None = Field(None, max_length=20_000)
    cves: list[str] | None = Field(None, max_length=100)
    links: list[str] | None = Field(None, max_length=100)
    packages: list[Named] | None = Field(None, max_length=200)

    def notice(self, code: str | None = None) -> Notice:
        """For the service."""
        packages = None if self.packages is None else [(one.name, one.version) for one in self.packages]
        return Notice(code, self.kind, self.severity, self.title, self.description, self.cves, self.links, packages)


class ErratumRequest(AmendRequest):
    """A notice about packages of the distribution; without a code it gets the next one of the year."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "security",
                "severity": "high",
                "title": "hello: overflow in the greeting",
                "description": "A long name no longer overflows.",
                "cves": ["CVE-2026-12345"],
                "packages": [{"name": "hello", "version": "1.2-3"}],
            }
        }
    )

    code: str | None = Field(None, max_length=64)


class StepRequest(BaseModel):
    """So many percent of machines, for so many hours."""

    percentage: int = Field(ge=0, le=99)
    hours: int = Field(24, ge=1, le=8760)


class RolloutRequest(BaseModel):
    """Packages and steps; without steps 10, 25, 50 and 75 percent for a day each."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "packages": [{"name": "hello", "version": "1.2-3"}],
                "steps": [{"percentage": 10, "hours": 24}, {"percentage": 50, "hours": 24}],
            }
        }
    )

    packages: list[Named] = Field(max_length=200)
    steps: list[StepRequest] = Field(default_factory=list, max_length=50)


@router.get("/distributions/{codename}/errata", summary="Errata of a distribution")
def errata(codename: str, app: App, who: MayRead) -> dict[str, Any]:
    """Newest first; each with those of its packages that are in the distribution now."""
    suite, found = app.notices.all(who, codename)
    return {"distribution": suite.codename, "errata": [_erratum(one, suite) for one in found], "total": len(found)}


@router.post(
    "/distributions/{codename}/errata",
    summary="Tell clients why there is an update",
    status_code=201,
    dependencies=[_MayWrite, _Limited],
    openapi_extra=described(ErratumRequest),
)
async def issue(
    codename: str, app: App, who: Who, given: Annotated[ErratumRequest, Depends(json_body(ErratumRequest))]
) -> dict[str, Any]:
    """Answers when clients see it: dnf in updateinfo.xml, others in errata.json, both under the suite's signature."""
    notice = given.notice(given.code)
    return await _shown(app, await run_in_threadpool(app.notices.issue, who, codename, notice))


@router.get("/distributions/{codename}/errata/{code}", summary="One erratum")
def erratum(codename: str, code: str, app: App, who: MayRead) -> dict[str, Any]:
    """By its code."""
    suite, found = app.notices.one(who, codename, code)
    return _erratum(found, suite)


@router.patch(
    "/distributions/{codename}/errata/{code}",
    summary="Amend an erratum",
    dependencies=[_MayWrite],
    openapi_extra=described(AmendRequest),
)
async def amend(
    codename: str, code: str, app: App, who: Who, given: Annotated[AmendRequest, Depends(json_body(AmendRequest))]
) -> dict[str, Any]:
    """What is not named stays.  Answers when clients see it."""
    return await _shown(app, await run_in_threadpool(app.notices.amend, who, codename, code, given.notice()))


@router.delete("/distributions/{codename}/errata/{code}", summary="Withdraw an erratum", dependencies=[_MayWrite])
async def withdraw(codename: str, code: str, app: App, who: Who) -> dict[str, Any]:
    """The packages stay.  Answers when clients are told no more of it."""
    told = await run_in_threadpool(app.notices.withdraw, who, codename, code)
    await published(app, {told.suite.id: told.revision})
    return {"status": "withdrawn", "code": told.erratum.code, "distribution": told.suite.codename}


@router.get("/distributions/{codename}/rollouts", summary="Rollouts of a distribution")
def rollouts(codename: str, app: App, who: MayRead) -> dict[str, Any]:
    """Newest first, ended ones too."""
    suite, found = app.rollouts.all(who, codename)
    return {"distribution": suite.codename, "rollouts": [_rollout(one, suite) for one in found], "total": len(found)}


@router.post(
    "/distributions/{codename}/rollouts",
    summary="Offer an update to a part of the machines first",
    status_code=201,
    dependencies=[_MayWrite, _Limited],
    openapi_extra=described(RolloutRequest),
)
async def begin(
    codename: str, app: App, who: Who, given: Annotated[RolloutRequest, Depends(json_body(RolloutRequest))]
) -> dict[str, Any]:
    """For apt.  Answers when clients see the first percentage; the other steps follow by themselves."""
    packages = [(one.name, one.version) for one in given.packages]
    steps = [Step(one.percentage, one.hours) for one in given.steps]
    return await _moved(app, await run_in_threadpool(app.rollouts.begin, who, codename, packages, steps))


@router.post(
    "/distributions/{codename}/rollouts/{number}/pause",
    summary="Keep a rollout where it is",
    dependencies=[_MayWrite, _Limited],
)
async def pause(codename: str, number: int, app: App, who: Who) -> dict[str, Any]:
    """Machines that were offered the update keep being offered it."""
    return await _moved(app, await run_in_threadpool(app.rollouts.pause, who, codename, number))


@router.post(
    "/distributions/{codename}/rollouts/{number}/resume",
    summary="Let a rollout go on",
    dependencies=[_MayWrite, _Limited],
)
async def resume(codename: str, number: int, app: App, who: Who) -> dict[str, Any]:
    """The step in force gets its whole time again."""
    return await _moved(app, await run_in_threadpool(app.rollouts.resume, who, codename, number))


@router.post(
    "/distributions/{codename}/rollouts/{number}/finish",
    summary="Offer the update to all machines now",
    dependencies=[_MayWrite, _Limited],
)
async def finish(codename: str, number: int, app: App, who: Who) -> dict[str, Any]:
    """Whatever steps are left."""
    return await _moved(app, await run_in_threadpool(app.rollouts.finish, who, codename, number))


@router.post(
    "/distributions/{codename}/rollouts/{number}/stop",
    summary="Take the update out of the distribution",
    dependencies=[_MayWrite, _Limited],
)
async def stop(codename: str, number: int, app: App, who: Who) -> dict[str, Any]:
    """Machines that have it keep it; nobody else gets it."""
    return await _moved(app, await run_in_threadpool(app.rollouts.stop, who, codename, number))


async def _shown(app: Application, told: Told) -> dict[str, Any]:
    await published(app, {told.suite.id: told.revision})
    return _erratum(told.erratum, told.suite)


async def _moved(app: Application, moved: Moved) -> dict[str, Any]:
    await published(app, {moved.suite.id: moved.revision})
    return _rollout(moved.rollout, moved.suite)


def _erratum(erratum: Erratum, suite: Suite) -> dict[str, Any]:
    return {
        "code": erratum.code,
        "distribution": suite.codename,
        "kind": erratum.kind.value,
        "severity": erratum.severity.value,
        "title": erratum.title,
        "description": erratum.description,
        "cves": list(erratum.cves),
        "links": list(erratum.links),
        "packages": [_package(one) for one in erratum.packages],
        "issued_at": when(erratum.issued_at),
        "updated_at": when(erratum.updated_at),
        "issued_by": erratum.issued_by,
    }


def _rollout(rollout: Rollout, suite: Suite) -> dict[str, Any]:
    return {
        "id": rollout.id,
        "distribution": suite.codename,
        "state": rollout.state.value,
        "percentage": rollout.percentage,
        "steps": [{"percentage": step.percentage, "hours": step.hours} for step in rollout.steps],
        "at_step": rollout.at_step,
        "next_at": when(rollout.next_at),
        "packages": [_package(one) for one in rollout.packages],
        "begun_by": rollout.begun_by,
        "begun_at": when(rollout.begun_at),
        "changed_at": when(rollout.changed_at),
    }


def _package(package: Fixed) -> dict[str, Any]:
    return {
        "name": package.key.name,
        "version": package.key.version,
        "arch": package.key.architecture,
        "filename": package.filename,
    }
