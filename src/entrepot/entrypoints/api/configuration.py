"""The settings document (contract 4.12)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError

from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.bodies import bounded, content_type, json_of
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.errors import InvalidRequest, MistypedSetting

router = APIRouter(tags=["settings"])
_EXAMPLE = {"retention_days": 90, "ldap": {"enabled": True, "url": "ldaps://directory.example"}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "example": _EXAMPLE}}},
    }
}


@router.get("/settings", dependencies=[Depends(requiring(Permission.SETTING_READ))])
def show(app: App, who: Who) -> dict[str, Any]:
    """Every setting that can be changed while the server runs, nested and under flat names; secrets are masked."""
    return dict(app.configurations.show(who))


async def given_object(request: Request, _who: Who) -> dict[str, Any]:
    """A dependency: the body of a signed-in caller's request, an object of any keys."""
    body = await bounded(request)
    if body and content_type(request) != "application/json":
        raise InvalidRequest("send the body with Content-Type: application/json")
    given = json_of(body)
    if not isinstance(given, dict):
        raise RequestValidationError(
            [{"type": "dict_type", "loc": ("body",), "msg": "must be an object", "input": None}]
        )
    return given


@router.patch("/settings", dependencies=[Depends(requiring(Permission.SETTING_WRITE))], openapi_extra=_BODY)
def change(app: App, who: Who, given: Annotated[dict[str, Any], Depends(given_object)]) -> dict[str, Any]:
    """Change some settings, nested or flat; null brings a default back, a mask leaves a secret as it is."""
    try:
        return dict(app.configurations.change(who, given))
    except MistypedSetting as error:
        loc = ("body", *str(error.facts.get("setting", "")).split("."))
        raise RequestValidationError([{"type": "setting", "loc": loc, "msg": error.detail, "input": None}]) from None
