"""Sign-in and the caller's own profile (contract 4.1), and the one-time set-up (4.13)."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from entrepot.domain.model.actor import ROLE_ALIASES, Role
from entrepot.domain.policy.permissions import Permission, permitted
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.context import Address, App, Who
from entrepot.errors import BodyTooLarge

router = APIRouter(tags=["auth"])

_MOST_BYTES = 64 << 10
_ROLE_TEXTS = {
    Role.ADMIN: ("Administrator", "May do everything", "#DC2626"),
    Role.MAINTAINER: ("Maintainer", "Removes, promotes and decides", "#D97706"),
    Role.AUDITOR: ("Auditor", "Reads evidence: audit, reviews, SBOM", "#2563EB"),
    Role.UPLOADER: ("Uploader", "Uploads and imports packages", "#059669"),
    Role.READER: ("Reader", "Sees packages, distributions and findings", "#64748B"),
}


class Credentials(BaseModel):
    """Name and password."""

    username: str = Field(max_length=256, examples=["admin"])
    password: str = Field(max_length=1024, examples=["your password"])


class SetupRequest(BaseModel):
    """The first administrator."""

    admin_username: str = Field(min_length=3, max_length=64, examples=["admin"])
    admin_password: str = Field(max_length=1024, examples=["your password"])
    admin_email: str = Field("", max_length=256)
    admin_full_name: str = Field("", max_length=256)


async def credentials(request: Request) -> Credentials:
    """From JSON, or from a form as OAuth clients send it."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise BodyTooLarge("a sign-in has at most 64 KiB")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            fields = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20))
            return Credentials.model_validate(fields)
        return Credentials.model_validate_json(body)
    except ValidationError as error:
        errors = [{**one, "loc": ("body", *one["loc"]), "input": None} for one in error.errors(include_url=False)]
        raise RequestValidationError(errors) from None


_CREDENTIALS_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": Credentials.model_json_schema()}
            for kind in ("application/json", "application/x-www-form-urlencoded")
        },
    }
}


@router.post("/auth/token", summary="Sign in", openapi_extra=_CREDENTIALS_BODY)
async def sign_in(given: Annotated[Credentials, Depends(credentials)], app: App, address: Address) -> dict[str, Any]:
    """A session token for a user name and password; 60 minutes unless configured otherwise."""
    session = await run_in_threadpool(app.access.sign_in, given.username, given.password, address)
    return {"access_token": session.token, "token_type": "bearer", "expires_in": session.expires_in_seconds}


@router.get("/auth/me", summary="Your own profile")
def me(app: App, who: Who) -> dict[str, Any]:
    """Name, roles and permissions of whoever asks."""
    granted = [permission.code for permission in Permission if permitted(who, permission)]
    return words.profile(app.access.profile(who), granted)


@router.get("/auth/roles", summary="The roles there are")
def roles() -> dict[str, Any]:
    """Every role with its level and permissions; open to all."""
    found: dict[str, Any] = {}
    for role in sorted(Role, key=lambda role: -role.level):
        label, text, color = _ROLE_TEXTS[role]
        found[role.value] = {
            "label": label,
            "description": text,
            "color": color,
            "level": role.level,
            "aliases": [alias for alias, meant in ROLE_ALIASES.items() if meant is role],
            "permissions": [permission.code for permission in Permission if permission.role.level <= role.level],
        }
    items = list(found)
    for alias, meant in ROLE_ALIASES.items():
        found[alias] = {**found[meant.value], "alias_of": meant.value}
    return {"roles": found, "items": items}


@router.get("/setup/status", summary="Does the first administrator exist?")
def setup_status(app: App) -> dict[str, Any]:
    """Open to all; says nothing about who."""
    done = app.access.setup_done()
    return {"setup_done": done, "needs_setup": not done, "checked_at": words.when(app.now())}


@router.post("/setup", summary="Create the first administrator, once")
def set_up(
    given: SetupRequest, app: App, address: Address, x_setup_token: Annotated[str, Header(max_length=200)]
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
