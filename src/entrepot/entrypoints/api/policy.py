"""The policy on packages, everywhere and in single distributions (contract 4.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from entrepot.domain.model.package import Format
from entrepot.domain.model.security_policy import SecurityPolicy
from entrepot.domain.model.suite import DEFAULT_ARCHIVE
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.artifacts import Page
from entrepot.entrypoints.api.configuration import given_object
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.promotion_words import VERDICTS
from entrepot.services.configuration.policies import SuitePolicy
from entrepot.services.intake.forecasts import Effect, Foreseen

router = APIRouter(tags=["security"])

_MayRead = Depends(requiring(Permission.SETTING_READ))
_MayWrite = Depends(requiring(Permission.SETTING_WRITE))
_EXAMPLE = {"high": "block", "skipped": {"cve": "review"}, "cooldown": {"days": 7}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "example": _EXAMPLE}}},
    }
}
_Archive = Annotated[str, Query(max_length=100, description="Where the distribution is; main if unsaid")]
_Format = Annotated[Format | None, Query(description="Of the distribution, where two have the same name")]
PerPage = Annotated[int, Query(ge=1, le=500)]
_Given = Annotated[dict[str, Any], Depends(given_object)]


@router.get("/security/policy", summary="What findings and uncertainty lead to", dependencies=[_MayRead])
def show(app: App, who: Who) -> dict[str, Any]:
    """In every distribution; ``distributions`` names those that have something otherwise."""
    return _everywhere(*app.policies.show(who))


@router.patch("/security/policy", summary="Change the policy", dependencies=[_MayWrite], openapi_extra=_BODY)
def change(app: App, who: Who, given: _Given) -> dict[str, Any]:
    """Any subset of what GET shows; null brings a default back.  What is published stays where it is."""
    return _everywhere(*app.policies.change(who, given))


@router.post(
    "/security/policy/preview",
    summary="What a changed policy would do",
    dependencies=[_MayRead],
    openapi_extra=_BODY,
)
def preview(
    app: App,
    who: Who,
    given: _Given,
    distribution: Annotated[str | None, Query(max_length=200, description="Change that of this one alone")] = None,
    format: _Format = None,  # noqa: A002
    page: Page = 1,
    per_page: PerPage = 50,
) -> dict[str, Any]:
    """To what is published and to what waits now, from what is stored about it; nothing is changed.

    The body is that of PATCH.  ``complete`` is false when there is more than can be looked at in one request.
    """
    found = app.forecasts.preview(who, given, distribution, format, (page - 1) * per_page, per_page)
    return {
        "checked": found.checked,
        "complete": found.complete,
        "counts": {effect.value: found.counts[effect] for effect in Effect},
        "packages": words.page([_foreseen(one) for one in found.page], found.total, page, per_page),
    }


@router.get("/security/policy/suites/{codename}", summary="The policy of one distribution", dependencies=[_MayRead])
def show_suite(
    codename: str,
    app: App,
    who: Who,
    archive: _Archive = DEFAULT_ARCHIVE,
    format: _Format = None,  # noqa: A002
) -> dict[str, Any]:
    """All that holds there; ``own`` is what it has otherwise."""
    return _of_suite(app.policies.show_suite(who, f"{archive}/{codename}", format))


@router.patch(
    "/security/policy/suites/{codename}",
    summary="Change the policy of one distribution",
    dependencies=[_MayWrite],
    openapi_extra=_BODY,
)
def change_suite(
    codename: str,
    app: App,
    who: Who,
    given: _Given,
    archive: _Archive = DEFAULT_ARCHIVE,
    format: _Format = None,  # noqa: A002
) -> dict[str, Any]:
    """Any subset; null lets what holds everywhere hold there as well."""
    return _of_suite(app.policies.change_suite(who, f"{archive}/{codename}", given, format))


@router.delete(
    "/security/policy/suites/{codename}", summary="Let a distribution have the common policy", dependencies=[_MayWrite]
)
def remove_suite(
    codename: str,
    app: App,
    who: Who,
    archive: _Archive = DEFAULT_ARCHIVE,
    format: _Format = None,  # noqa: A002
) -> dict[str, Any]:
    """Takes off everything that it has otherwise."""
    return _of_suite(app.policies.remove_suite(who, f"{archive}/{codename}", format))


def _foreseen(one: Foreseen) -> dict[str, Any]:
    stopping = one.judgement.stopping
    return {
        "name": one.key.name,
        "version": one.key.version,
        "arch": one.key.architecture,
        "distribution": one.suite.codename,
        "effect": one.effect.value,
        "before": VERDICTS[one.before],
        "after": VERDICTS[one.judgement.verdict],
        "reasons": [ground.message for ground in stopping],
        "codes": sorted({ground.code for ground in stopping}),
    }


def _everywhere(policy: SecurityPolicy, suites: Sequence[str]) -> dict[str, Any]:
    return {**policy.model_dump(mode="json"), "distributions": [name.partition("/")[2] for name in suites]}


def _of_suite(found: SuitePolicy) -> dict[str, Any]:
    suite = found.suite
    return {
        "distribution": suite.codename,
        "archive": suite.archive.name,
        "format": suite.format.value,
        "own": dict(found.own),
        **found.policy.model_dump(mode="json"),
    }
