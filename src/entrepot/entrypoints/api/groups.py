"""Groups of accounts (contract 4.13)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from entrepot.adapters.catalog.groups import Group, Member
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.account_words import Body
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.words import when
from entrepot.services.access.groups import GroupChange, role_of

_TAGS = ["groups"]
# Asked before anything of the request is looked at.
mine = APIRouter(tags=[*_TAGS], dependencies=[Depends(requiring(Permission.PROFILE_READ))])
reading = APIRouter(tags=[*_TAGS], dependencies=[Depends(requiring(Permission.GROUP_READ))])
writing = APIRouter(tags=[*_TAGS], dependencies=[Depends(requiring(Permission.GROUP_WRITE))])


class GroupChangeRequest(BaseModel):
    """What shall be different; whatever is absent is as it was, and ``default_role`` of null is no role."""

    model_config = ConfigDict(strict=True)

    name: str = Field("", max_length=256, examples=["release team"])
    description: str = Field("", max_length=4096)
    color: str = Field("blue", max_length=64)
    default_role: Annotated[str, Field(max_length=64)] | None = Field(None, examples=["uploader"])

    def change(self) -> GroupChange:
        """Only what was sent."""
        given = self.model_dump(include=self.model_fields_set)
        if "default_role" in given:
            given["default_role"] = given["default_role"] or ""
        return GroupChange(**given)


class GroupRequest(GroupChangeRequest):
    """A new group."""

    name: str = Field(max_length=256, examples=["release team"])


class MemberRequest(BaseModel):
    """Who shall be in it."""

    model_config = ConfigDict(strict=True)

    username: str = Field(max_length=256, examples=["rita"])


def _row(group: Group) -> Body:
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "color": group.color,
        "default_role": role_of(group),
        "member_count": group.member_count,
        "created_at": when(group.created_at),
        "created_by": group.created_by,
    }


def _member(member: Member) -> Body:
    return {
        "username": member.username,
        "full_name": member.full_name,
        "active": member.active,
        "added_at": when(member.added_at),
        "added_by": member.added_by,
    }


@mine.get("/groups/me", summary="Your own groups")
def my_groups(app: App, who: Who) -> dict[str, Any]:
    """By name; for an API token, those of whoever made it."""
    return {"groups": [_row(group) for group in app.groups.mine(who)]}


@reading.get("/groups", summary="Groups")
def groups(app: App, who: Who) -> dict[str, Any]:
    """By name."""
    rows = [_row(group) for group in app.groups.all(who)]
    return {"groups": rows, "total": len(rows)}


@writing.post("/groups", summary="Create a group", status_code=201, openapi_extra=described(GroupRequest))
def create_group(
    app: App, who: Who, given: Annotated[GroupRequest, Depends(json_body(GroupRequest))]
) -> dict[str, Any]:
    """``default_role``, of the program or a custom one, is a role of all its members."""
    return {"group": _row(app.groups.create(who, given.change()))}


@reading.get("/groups/{group_id}", summary="One group")
def group(group_id: str, app: App, who: Who) -> dict[str, Any]:
    """By id or name."""
    return {"group": _row(app.groups.one(who, group_id))}


@writing.put("/groups/{group_id}", summary="Change a group", openapi_extra=described(GroupChangeRequest))
def change_group(
    group_id: str,
    app: App,
    who: Who,
    given: Annotated[GroupChangeRequest, Depends(json_body(GroupChangeRequest))],
) -> dict[str, Any]:
    """Another role holds for all members from their next request on."""
    return {"group": _row(app.groups.change(who, group_id, given.change()))}


@writing.delete("/groups/{group_id}", summary="Remove a group", status_code=204)
def remove_group(group_id: str, app: App, who: Who) -> None:
    """Its members stay, without what they had through it."""
    app.groups.remove(who, group_id)


@reading.get("/groups/{group_id}/members", summary="Members of a group")
def members(group_id: str, app: App, who: Who) -> dict[str, Any]:
    """By user name."""
    rows = [_member(member) for member in app.groups.members(who, group_id)]
    return {"members": rows, "total": len(rows)}


@writing.post(
    "/groups/{group_id}/members",
    summary="Take an account into a group",
    status_code=201,
    openapi_extra=described(MemberRequest),
)
def add_member(
    group_id: str,
    app: App,
    who: Who,
    given: Annotated[MemberRequest, Depends(json_body(MemberRequest))],
) -> dict[str, Any]:
    """From its next request on it has the group's role."""
    app.groups.add_member(who, group_id, given.username)
    return {"status": "ok", "username": given.username}


@writing.delete("/groups/{group_id}/members/{username}", summary="Take an account out of a group", status_code=204)
def remove_member(group_id: str, username: str, app: App, who: Who) -> None:
    """From its next request on it has nothing through the group."""
    app.groups.remove_member(who, group_id, username)


router = APIRouter()
for part in (mine, reading, writing):
    router.include_router(part)
