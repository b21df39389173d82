"""Accounts, for administrators (contract 4.1)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from entrepot.domain.model.actor import Role
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api import account_words
from entrepot.entrypoints.api.account_words import Older, RoleFields
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.services.access.first import NewAccount
from entrepot.services.access.rules import RoleNames
from entrepot.services.access.users import AccountChange

# Asked before anything of the request is looked at.
router = APIRouter(tags=["auth"], dependencies=[Depends(requiring(Permission.USER_WRITE))])

_ALL = 1000


class UserRequest(RoleFields):
    """A new account."""

    username: str = Field(max_length=256, examples=["rita"])
    password: str = Field(max_length=1024, examples=["a good password"])
    full_name: str = Field("", max_length=1024)
    email: str = Field("", max_length=1024)


class UserChange(RoleFields):
    """What shall be different; whatever else is sent is ignored."""

    full_name: str = Field("", max_length=1024)
    email: str = Field("", max_length=1024)
    active: bool = True

    def change(self) -> AccountChange:
        """Only what was sent."""
        given = self.model_dump(include=self.model_fields_set - {"role", "roles"})
        named = self.named()
        if named is None:
            return AccountChange(**given)
        return AccountChange(roles=named.builtin, custom=named.custom, **given)


class NewPassword(BaseModel):
    """A password for somebody else."""

    model_config = ConfigDict(strict=True)

    new_password: str = Field(max_length=1024, examples=["a good password"])


@router.get("/auth/users", summary="Accounts")
def users(
    app: App,
    who: Who,
    older: Older,
    q: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = "",
    page: Annotated[int, Query(ge=1, le=10_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=_ALL)] = _ALL,
) -> dict[str, Any]:
    """By name; ``q`` is looked for in names and mail addresses."""
    found, total = app.users.page(who, q, (page - 1) * per_page, per_page)
    rows = [account_words.user(account, older=older) for account in found]
    return {"users": rows, "total": total, "page": page, "per_page": per_page, "pages": -(-total // per_page)}


@router.post("/auth/users", summary="Create an account", status_code=201, openapi_extra=described(UserRequest))
def create_user(
    app: App, who: Who, older: Older, given: Annotated[UserRequest, Depends(json_body(UserRequest))]
) -> dict[str, Any]:
    """A reader unless ``role`` or ``roles`` says otherwise."""
    roles = given.named() or RoleNames(frozenset({Role.READER}))
    new = NewAccount(given.username, given.password, roles.builtin, given.full_name, given.email, roles.custom)
    return account_words.user(app.users.create(who, new), older=older)


@router.patch("/auth/users/{username}", summary="Change an account", openapi_extra=described(UserChange))
def change_user(
    username: str, app: App, who: Who, older: Older, given: Annotated[UserChange, Depends(json_body(UserChange))]
) -> dict[str, Any]:
    """Roles hold from the next request on; an account that is switched off has no sessions any more."""
    return account_words.user(app.users.change(who, username, given.change()), older=older)


@router.delete("/auth/users/{username}", summary="Remove an account")
def remove_user(username: str, app: App, who: Who) -> dict[str, Any]:
    """Its sessions end and its API tokens are revoked."""
    app.users.remove(who, username)
    return {"status": "deleted", "username": username}


@router.post(
    "/auth/users/{username}/reset-password", summary="Give an account a password", openapi_extra=described(NewPassword)
)
def reset_password(
    username: str, app: App, who: Who, given: Annotated[NewPassword, Depends(json_body(NewPassword))]
) -> dict[str, Any]:
    """All its sessions end, and it is no longer locked after wrong passwords."""
    app.users.reset_password(who, username, given.new_password)
    return {"status": "ok", "message": f"{username} has a new password; all sessions of the account have ended."}
