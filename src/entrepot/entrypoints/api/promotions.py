"""Packages from distribution to distribution (contract 4.3, 4.8)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictBool, StrictStr
from starlette.concurrency import run_in_threadpool

from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import promotion_words, words
from entrepot.entrypoints.api.artifacts import Page, PerPage, Text, published
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.limits import Limited
from entrepot.entrypoints.api.promotion_words import STATES, migration_body, pending_row, policy_verdict, promotion_body
from entrepot.errors import InvalidRequest
from entrepot.services.intake.promotions import Promotion, PromotionRequest, PromotionStatus

router = APIRouter(tags=["promotions"])

Word = Annotated[StrictStr, Field(min_length=1, max_length=128)]
Name = Annotated[StrictStr, Field(min_length=1, max_length=256)]
Long = Annotated[StrictStr, Field(max_length=4000)]
Number = Annotated[int, Path(ge=1, le=2**62)]
_FROM = AliasChoices("from_dist", "from_distribution", "from")
_TO = AliasChoices("to_dist", "to_distribution", "to")
_MAY_PROMOTE = [Depends(requiring(Permission.PACKAGE_PROMOTE))]
_MAY_DECIDE = [Depends(requiring(Permission.PROMOTION_DECIDE)), Depends(Limited("promotion_decision"))]
_DISTRIBUTIONS = [*_MAY_PROMOTE, Depends(Limited("distributions"))]
_OUTCOMES: dict[int | str, dict[str, Any]] = {
    200: {"description": "It is there: promoted now, or before"},
    202: {"description": "Held: an administrator decides"},
    400: {"description": "Unknown or identical distribution, other format, no justification"},
    404: {"description": "The source has no such package"},
    409: {"description": "The policy refuses it, or the target knows the version with other content"},
}


class Ends(BaseModel):
    """Both spellings of the documents (contract D-16)."""

    model_config = ConfigDict(populate_by_name=True)

    from_dist: Word = Field(validation_alias=_FROM, examples=["bookworm"])
    to_dist: Word = Field(validation_alias=_TO, examples=["noble"])


class ArtifactPromotion(Ends):
    """A version of the package that the path names."""

    version: Name | None = Field(None, examples=["1.0-1"])
    arch: Word | None = None
    force: StrictBool = False
    justification: Long = ""


class DistributionPromotion(ArtifactPromotion):
    """A version of a package."""

    package: Name = Field(validation_alias=AliasChoices("package", "name"), examples=["hello"])


class MigrateRequest(Ends):
    """All packages, or those of some names."""

    packages: Annotated[list[Name], Field(max_length=10_000)] | None = Field(None, examples=[["hello"]])


class Decision(BaseModel):
    """Why."""

    justification: Long = Field(
        "", validation_alias=AliasChoices("justification", "reason", "comment"), examples=["seen and tested"]
    )


@router.get(
    "/artifacts/admin/pending-promotions", summary="Promotions that wait for a decision", dependencies=_MAY_PROMOTE
)
def pending(app: App, who: Who, status: Text = "pending", page: Page = 1, per_page: PerPage = 50) -> dict[str, Any]:
    """Or those that were decided: ``status`` is pending, approved, rejected, blocked or all.  Newest first."""
    if status not in STATES:
        raise InvalidRequest(f"unknown status {str(status)[:40]!r}; there are {', '.join(STATES)}")
    found, total = app.transfers.promotions.pending(who, STATES[status], (page - 1) * per_page, per_page)
    rows = [pending_row(one) for one in found]
    return {"total": total, "status": status, "items": words.page(rows, total, page, per_page)}


@router.get(
    "/artifacts/{name}/promote/targets",
    summary="Where a package may be promoted to",
    dependencies=[Depends(requiring(Permission.PACKAGE_READ))],
)
def targets(name: str, app: App, who: Who, from_dist: Text = None) -> dict[str, Any]:
    """Distributions of the same format, and what the policy says now about the newest version."""
    home, others, verdict = app.transfers.promotions.targets(who, name, from_dist)
    return {
        "package": name,
        "from_dist": home.codename,
        "targets": [suite.codename if suite.archive.name == "main" else suite.full_name for suite in others],
        "policy_verdict": policy_verdict(verdict),
    }


@router.post(
    "/artifacts/{name}/promote",
    summary="Promote a package",
    dependencies=[*_MAY_PROMOTE, Depends(Limited("promote"))],
    openapi_extra=described(ArtifactPromotion),
    responses=_OUTCOMES,
)
async def promote_artifact(
    name: str, given: Annotated[ArtifactPromotion, Depends(json_body(ArtifactPromotion))], app: App, who: Who
) -> JSONResponse:
    """The newest version unless one is named.  ``force`` is for administrators, and needs a justification."""
    return await _promote(app, who, name, given, "approved")


@router.post(
    "/distributions/promote",
    summary="Put a package into another distribution",
    dependencies=_DISTRIBUTIONS,
    openapi_extra=described(DistributionPromotion),
    responses=_OUTCOMES,
)
async def promote(
    given: Annotated[DistributionPromotion, Depends(json_body(DistributionPromotion))], app: App, who: Who
) -> JSONResponse:
    """The newest version unless one is named, every architecture unless one is named."""
    return await _promote(app, who, given.package, given, "ok")


async def _promote(app: Application, who: Actor, name: str, given: ArtifactPromotion, done_word: str) -> JSONResponse:
    request = PromotionRequest(
        name, given.from_dist, given.to_dist, given.version, given.arch, given.force, given.justification
    )
    return await _answer(app, await run_in_threadpool(app.transfers.promotions.promote, who, request), name, done_word)


async def _answer(app: Application, promotion: Promotion, name: str, done_word: str) -> JSONResponse:
    if promotion.status is PromotionStatus.BLOCKED:
        return JSONResponse(promotion_words.refusal(promotion, name), 409)
    await published(app, promotion.revisions)
    held = promotion.status is PromotionStatus.PENDING
    return JSONResponse(promotion_body(promotion, name, done_word=done_word), 202 if held else 200)


@router.post(
    "/artifacts/{name}/promote/{promotion_id}/approve",
    summary="Let a held promotion happen",
    dependencies=_MAY_DECIDE,
    openapi_extra=described(Decision),
    responses={key: _OUTCOMES[key] for key in (200, 400, 404, 409)},
)
async def approve(
    name: str, promotion_id: Number, given: Annotated[Decision, Depends(json_body(Decision))], app: App, who: Who
) -> JSONResponse:
    """Clients see the package when the answer comes.  The policy is asked again."""
    done = await run_in_threadpool(app.transfers.promotions.approve, who, name, promotion_id, given.justification)
    return await _answer(app, done, name, "approved")


@router.post(
    "/artifacts/{name}/promote/{promotion_id}/reject",
    summary="End a held promotion",
    dependencies=_MAY_DECIDE,
    openapi_extra=described(Decision),
    responses={key: _OUTCOMES[key] for key in (200, 400, 404, 409)},
)
async def reject(
    name: str, promotion_id: Number, given: Annotated[Decision, Depends(json_body(Decision))], app: App, who: Who
) -> dict[str, Any]:
    """It can be asked for again."""
    return pending_row(
        await run_in_threadpool(app.transfers.promotions.reject, who, name, promotion_id, given.justification)
    )


@router.post(
    "/distributions/migrate",
    summary="Put all packages of a distribution into another one",
    dependencies=_DISTRIBUTIONS,
    openapi_extra=described(MigrateRequest),
    responses={200: {"description": "Done, or done in part"}, 400: _OUTCOMES[400]},
)
async def migrate(
    given: Annotated[MigrateRequest, Depends(json_body(MigrateRequest))], app: App, who: Who
) -> dict[str, Any]:
    """Each past the policy of a single promotion; the source keeps them.  What cannot go does not stop the others."""
    done = await run_in_threadpool(
        app.transfers.migrations.migrate, who, given.from_dist, given.to_dist, given.packages
    )
    await published(app, done.revisions)
    return migration_body(done)
