"""Sign-in, sessions, and the caller's own account (contract 4.1 and 4.13)."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from entrepot.domain.policy.permissions import Permission, permitted
from entrepot.entrypoints.api import account_words
from entrepot.entrypoints.api.account_words import Older
from entrepot.entrypoints.api.bodies import bounded, content_type, described, json_body, json_of, parsed
from entrepot.entrypoints.api.context import Address, App, Who, bearer
from entrepot.entrypoints.api.limits import LimitedByAddress
from entrepot.services.access import Challenge, Session

router = APIRouter(tags=["auth"])

_FORM = "application/x-www-form-urlencoded"


class Credentials(BaseModel):
    """Name and password."""

    model_config = ConfigDict(strict=True)

    username: str = Field(max_length=256, examples=["admin"])
    password: str = Field(max_length=1024, examples=["your password"])


class PasswordChange(BaseModel):
    """The caller's own password, old and new."""

    model_config = ConfigDict(strict=True)

    current_password: str = Field(max_length=1024, examples=["your password"])
    new_password: str = Field(max_length=1024, examples=["your next password"])


async def credentials(request: Request) -> Credentials:
    """From JSON, or from a form as OAuth clients send it."""
    body = await bounded(request)
    if content_type(request) == _FORM:
        return parsed(Credentials, dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20)))
    return parsed(Credentials, json_of(body))


def presented(request: Request) -> str:
    """The credential that the caller was recognised by; for routes that ask who it is as well."""
    return bearer(request) or ""


Presented = Annotated[str, Depends(presented)]


@router.post(
    "/auth/token",
    summary="Sign in",
    dependencies=[Depends(LimitedByAddress("auth_token"))],
    responses={401: {"description": "Name and password do not fit, or the account is not active"}},
    openapi_extra=described(Credentials, "application/json", _FORM),
)
async def sign_in(given: Annotated[Credentials, Depends(credentials)], app: App, address: Address) -> dict[str, Any]:
    """A session token for a user name and password; 60 minutes unless configured otherwise.

    The secret of an API token is taken as a password, with any user name.  An account with a second factor is answered
    with an ``mfa_token`` for ``POST /auth/mfa/authenticate`` and no session.
    """
    return _session(await run_in_threadpool(app.access.sign_in, given.username, given.password, address))


def _session(session: Session | Challenge) -> dict[str, Any]:
    if isinstance(session, Challenge):
        return {"access_token": None, "token_type": "bearer", "mfa_required": True, "mfa_token": session.mfa_token}
    return {"access_token": session.token, "token_type": "bearer", "expires_in": session.expires_in_seconds}


@router.get("/auth/me", summary="Your own profile")
def me(app: App, who: Who, older: Older) -> dict[str, Any]:
    """Name, roles and permissions of whoever asks."""
    granted = [permission.code for permission in Permission if permitted(who, permission)]
    return account_words.profile(who, app.access.profile(who), granted, older=older)


@router.post("/auth/logout", summary="End your session")
def log_out(app: App, who: Who, credential: Presented) -> dict[str, Any]:
    """The token is worth nothing from the next request on, and so are those that it was refreshed from or to."""
    app.access.log_out(who, credential)
    return {"status": "logged_out"}


@router.post("/auth/refresh", summary="Go on with your session")
def refresh(app: App, who: Who, credential: Presented) -> dict[str, Any]:
    """A token for another lifetime; 30 days after the sign-in a new sign-in is due."""
    return _session(app.access.refresh(who, credential))


@router.post(
    "/auth/change-password",
    summary="Change your own password",
    openapi_extra=described(PasswordChange),
    responses={429: {"description": "The present password was wrong too often"}},
)
def change_password(
    app: App, who: Who, credential: Presented, given: Annotated[PasswordChange, Depends(json_body(PasswordChange))]
) -> dict[str, Any]:
    """Your other sessions end; this one goes on."""
    app.access.change_password(who, credential, given.current_password, given.new_password)
    return {"status": "ok", "message": "The password is changed; your other sessions have ended."}
