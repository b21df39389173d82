"""API tokens, for administrators (contract 4.1)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from entrepot.domain.model.actor import Role
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import account_words
from entrepot.entrypoints.api.account_words import Older, RoleFields
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.services.access.api_tokens import NewApiToken
from entrepot.services.access.rules import RoleNames

# Asked before anything of the request is looked at.
router = APIRouter(tags=["auth"], dependencies=[Depends(requiring(Permission.TOKEN_WRITE))])

Distribution = Annotated[str, Field(max_length=128)]


class TokenRequest(RoleFields):
    """A new API token.  Without ``expires_days`` it has no end, without ``distributions`` no limit."""

    name: str = Field(max_length=256, examples=["ci"])
    expires_days: int | None = Field(None, examples=[90])
    distributions: Annotated[list[Distribution], Field(max_length=256)] | None = Field(None, examples=[["jammy"]])


@router.get("/auth/api-tokens", summary="API tokens")
def api_tokens(app: App, who: Who, older: Older) -> dict[str, Any]:
    """Live ones first; never a secret, but its last four characters."""
    rows = [account_words.api_token(token, older=older) for token in app.api_tokens.all(who)]
    return {"tokens": rows, "total": len(rows)}


@router.post("/auth/api-tokens", summary="Create an API token", status_code=201, openapi_extra=described(TokenRequest))
def create_api_token(
    app: App, who: Who, older: Older, given: Annotated[TokenRequest, Depends(json_body(TokenRequest))]
) -> dict[str, Any]:
    """An uploader unless ``role`` or ``roles`` says otherwise.  The secret is in this answer and nowhere else."""
    roles = given.named() or RoleNames(frozenset({Role.UPLOADER}))
    new = NewApiToken(given.name, roles.builtin, given.expires_days, given.distributions, roles.custom)
    token, secret = app.api_tokens.create(who, new)
    return {
        **account_words.api_token(token, older=older),
        "token": secret,
        "message": "Copy this token now; it is not shown again.",
    }


@router.delete("/auth/api-tokens/{token}", summary="Revoke an API token")
def revoke_api_token(token: str, app: App, who: Who) -> dict[str, Any]:
    """By id or name; it is worth nothing from the next request on."""
    revoked = app.api_tokens.revoke(who, token)
    return {"status": "revoked", "id": revoked.ident, "name": revoked.name}
