"""Second factors (contract 4.13)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.bodies import described, json_body, open_json_body
from entrepot.entrypoints.api.context import Address, App, Who, requiring
from entrepot.entrypoints.api.limits import LimitedByAddress
from entrepot.entrypoints.api.words import when

open_to_all = APIRouter(tags=["auth"])
# Asked before anything of the request is looked at.
own = APIRouter(tags=["auth"], dependencies=[Depends(requiring(Permission.PROFILE_WRITE))])
others = APIRouter(tags=["auth"], dependencies=[Depends(requiring(Permission.USER_WRITE))])

_KEEP = "Keep the recovery codes in a safe place; each is good for one sign-in, and they are not shown again."


class Code(BaseModel):
    """Six digits from the app, or a recovery code."""

    model_config = ConfigDict(strict=True)

    totp_code: str = Field(max_length=64, examples=["123456"])


class Answer(Code):
    """The second step of a sign-in."""

    mfa_token: str = Field(max_length=4096, examples=["the mfa_token of POST /auth/token"])


class Password(BaseModel):
    """The caller's own; empty, with a code, for accounts whose password another system keeps."""

    model_config = ConfigDict(strict=True)

    password: str = Field(max_length=1024, examples=["your password"])
    totp_code: str = Field("", max_length=64)


@open_to_all.post(
    "/auth/mfa/authenticate",
    summary="Sign in: the code of the second factor",
    dependencies=[Depends(LimitedByAddress("mfa_authenticate"))],
    openapi_extra=described(Answer),
)
def authenticate(
    given: Annotated[Answer, Depends(open_json_body(Answer))], app: App, address: Address
) -> dict[str, Any]:
    """A session for an ``mfa_token`` and a code, which may be a recovery code; neither can be used again."""
    session = app.access.sign_in_with_code(given.mfa_token, given.totp_code, address)
    return {"access_token": session.token, "token_type": "bearer", "expires_in": session.expires_in_seconds}


@own.get("/auth/mfa", summary="Your second factor")
def state(app: App, who: Who) -> dict[str, Any]:
    """Whether it is on, since when, and how many recovery codes are left."""
    found = app.second_factors.state(who)
    return {
        "mfa_enabled": found.since is not None,
        "mfa_since": when(found.since),
        "pending": found.pending,
        "recovery_codes_left": found.recovery_codes_left,
    }


@own.post("/auth/mfa/setup", summary="Begin with a second factor")
def begin(app: App, who: Who) -> dict[str, Any]:
    """A secret for an app that makes codes by time, also as a picture; it is on once a first code was sent."""
    made = app.second_factors.begin(who)
    return {
        "secret": made.secret,
        "otpauth_uri": made.address,
        "uri": made.address,
        "qr_code_base64": made.picture,
        "message": "Scan the picture, then send a code to POST /auth/mfa/confirm.",
    }


@own.post("/auth/mfa/confirm", summary="Switch your second factor on", openapi_extra=described(Code))
def confirm(app: App, who: Who, given: Annotated[Code, Depends(json_body(Code))]) -> dict[str, Any]:
    """With a first code; ten recovery codes are in this answer and nowhere else."""
    codes = app.second_factors.confirm(who, given.totp_code)
    return {"status": "ok", "mfa_enabled": True, "recovery_codes": codes, "message": _KEEP}


@own.post("/auth/mfa/recovery-codes", summary="New recovery codes", openapi_extra=described(Code))
def renew(app: App, who: Who, given: Annotated[Code, Depends(json_body(Code))]) -> dict[str, Any]:
    """In place of the old ones."""
    return {"recovery_codes": app.second_factors.renew_recovery_codes(who, given.totp_code), "message": _KEEP}


@own.post("/auth/mfa/disable", summary="Switch your second factor off", openapi_extra=described(Password))
def disable(app: App, who: Who, given: Annotated[Password, Depends(json_body(Password))]) -> dict[str, Any]:
    """With your password; if that is kept by a directory or an identity provider, with a code."""
    app.second_factors.disable(who, given.password, given.totp_code)
    return {"status": "ok", "mfa_enabled": False, "message": "Sign-in asks for the password only."}


@others.delete("/auth/users/{username}/mfa", summary="Take away the second factor of an account")
def reset(username: str, app: App, who: Who) -> dict[str, Any]:
    """For somebody whose phone is gone; for your own, use your password."""
    app.second_factors.reset(who, username)
    return {"status": "ok", "mfa_enabled": False, "username": username}


router = APIRouter()
for part in (open_to_all, own, others):
    router.include_router(part)
