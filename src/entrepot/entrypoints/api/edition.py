"""There is one edition, with everything in it (contract 4.13, D-04)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import requiring

router = APIRouter(tags=["license"])

_READ = [Depends(requiring(Permission.SETTING_READ))]
_WRITE = [Depends(requiring(Permission.SETTING_WRITE))]


class LicenseRequest(BaseModel):
    """A key; there is nothing that it could open."""

    license_key: str = Field("", max_length=8192, examples=["none is needed"])


@router.get("/license", summary="The edition", dependencies=_READ)
def license_() -> dict[str, Any]:
    """Everything is on, for ever."""
    return {
        "edition": "community",
        "valid": True,
        "expires_at": None,
        "features": {"all": True},
        "all_features": True,
    }


@router.post(
    "/license/activate", summary="Activate a license", dependencies=_WRITE, openapi_extra=described(LicenseRequest)
)
def activate_license(_given: Annotated[LicenseRequest, Depends(json_body(LicenseRequest))]) -> dict[str, Any]:
    """Changes nothing: no license is needed."""
    return {"status": "ok", "message": "no license is needed: every feature is on", **license_()}


@router.delete("/license", summary="Remove the license", dependencies=_WRITE)
def remove_license() -> dict[str, Any]:
    """Changes nothing: every feature stays on."""
    return {"status": "ok", "message": "there was no license; every feature stays on", **license_()}
