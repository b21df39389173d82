"""The one-time set-up (contract 4.13)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, Field

from entrepot.entrypoints.api.bodies import described, open_json_body
from entrepot.entrypoints.api.context import Address, App, Visitor
from entrepot.entrypoints.api.limits import LimitedByAddress
from entrepot.entrypoints.api.words import when

router = APIRouter(tags=["auth"])


class SetupRequest(BaseModel):
    """The first administrator."""

    admin_username: str = Field(min_length=3, max_length=64, examples=["admin"])
    admin_password: str = Field(max_length=1024, examples=["your password"])
    admin_email: str = Field("", max_length=256)
    admin_full_name: str = Field("", max_length=256)


@router.get("/setup/status", summary="Does the first administrator exist?")
def setup_status(app: App) -> dict[str, Any]:
    """Open to all; says nothing about who."""
    done = app.access.setup_done()
    return {"setup_done": done, "needs_setup": not done, "checked_at": when(app.now())}


@router.get(
    "/setup/preflight",
    summary="Is everything ready for the set-up?",
    responses={401: {"description": "Set-up is done: sign in"}, 403: {"description": "The role is too low"}},
)
def preflight(app: App, who: Visitor) -> dict[str, Any]:
    """Open to all until the first administrator exists; then for administrators."""
    checks = app.preflight.checks(who)
    return {
        "checks": {check.name: {"ok": check.ok, "detail": check.detail} for check in checks},
        "ready": all(check.ok for check in checks if check.needed),
    }


@router.post(
    "/setup",
    summary="Create the first administrator, once",
    dependencies=[Depends(LimitedByAddress("auth_token"))],
    responses={403: {"description": "The token is not the one of this start"}},
    openapi_extra=described(SetupRequest),
)
def set_up(
    given: Annotated[SetupRequest, Depends(open_json_body(SetupRequest))],
    app: App,
    address: Address,
    x_setup_token: Annotated[str, Header(max_length=200)],
) -> dict[str, Any]:
    """Needs the one-time token that the server printed at its first start, in ``X-Setup-Token``."""
    session = app.access.set_up(
        x_setup_token, given.admin_username, given.admin_password, given.admin_email, given.admin_full_name, address
    )
    return {
        "admin_username": given.admin_username,
        "access_token": session.token,
        "token_type": "bearer",
        "message": "The first administrator exists; this page is closed for ever.",
    }
