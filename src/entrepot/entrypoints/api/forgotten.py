"""Forgotten passwords (contract 4.1)."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from entrepot.entrypoints.api.bodies import described, open_json_body
from entrepot.entrypoints.api.context import Address, App
from entrepot.entrypoints.api.limits import LimitedByAddress

router = APIRouter(tags=["auth"])

# Answers come at the end of a round: a mail to write takes a millisecond or two, which strangers could measure.
_ROUND_SECONDS = 0.25

_SENT = "If there is an account of that name or address, a link is on its way to it."


class Forgotten(BaseModel):
    """One of the two, or both."""

    model_config = ConfigDict(strict=True)

    username: str = Field("", max_length=256, examples=["rita"])
    email: str = Field("", max_length=256, examples=["rita@example.org"])


class NewPassword(BaseModel):
    """What the link says, and the password that shall be."""

    model_config = ConfigDict(strict=True)

    token: str = Field(max_length=256, examples=["from the link"])
    new_password: str = Field(max_length=1024, examples=["your next password"])


@router.post(
    "/auth/forgot-password",
    summary="Ask for a link to a new password",
    dependencies=[Depends(LimitedByAddress("forgot_password"))],
    openapi_extra=described(Forgotten),
)
async def forgot_password(
    given: Annotated[Forgotten, Depends(open_json_body(Forgotten))], app: App, address: Address
) -> dict[str, Any]:
    """The answer is the same whether or not there is such an account."""
    if not given.username and not given.email:
        missing = {"type": "missing", "loc": ("body", "email"), "msg": "email or username is required", "input": None}
        raise RequestValidationError([missing])
    begun = time.monotonic()
    await run_in_threadpool(app.resets.ask, given.username, given.email, address)
    taken = time.monotonic() - begun
    await asyncio.sleep(math.ceil(taken / _ROUND_SECONDS) * _ROUND_SECONDS - taken)
    return {"status": "ok", "message": _SENT}


@router.post(
    "/auth/reset-password",
    summary="Set a new password with a link",
    dependencies=[Depends(LimitedByAddress("reset_password"))],
    openapi_extra=described(NewPassword),
)
def reset_password(
    given: Annotated[NewPassword, Depends(open_json_body(NewPassword))], app: App, address: Address
) -> dict[str, Any]:
    """The link is good once; all sessions of the account end."""
    app.resets.use(given.token, given.new_password, address)
    return {"status": "ok", "message": "The password is changed; sign in with it."}
