"""Roles of the program, and custom ones (contract 4.1 and 4.13)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from entrepot.adapters.catalog.groups import CustomRole
from entrepot.domain.model.actor import ROLE_ALIASES, Role
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.account_words import Body
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.words import when
from entrepot.services.access.roles import RoleTexts

_TAGS = ["roles"]
# Asked before anything of the request is looked at.
open_to_all = APIRouter(tags=["auth"])
reading = APIRouter(tags=[*_TAGS], dependencies=[Depends(requiring(Permission.ROLE_READ))])
writing = APIRouter(tags=[*_TAGS], dependencies=[Depends(requiring(Permission.ROLE_WRITE))])

_TEXTS = {
    Role.ADMIN: ("Administrator", "May do everything", "#DC2626"),
    Role.MAINTAINER: ("Maintainer", "Removes, promotes and decides", "#D97706"),
    Role.AUDITOR: ("Auditor", "Reads evidence: audit, reviews, SBOM", "#2563EB"),
    Role.UPLOADER: ("Uploader", "Uploads and imports packages", "#059669"),
    Role.READER: ("Reader", "Sees packages, distributions and findings", "#64748B"),
}

Code = Annotated[str, Field(max_length=64)]
Codes = Annotated[list[Code], Field(max_length=500)]


class RoleChangeRequest(BaseModel):
    """Texts for people; whatever is absent is as it was."""

    model_config = ConfigDict(strict=True)

    label: str = Field("", max_length=1024, examples=["Release auditor"])
    description: str = Field("", max_length=4096)
    color: str = Field("gray", max_length=64)

    def texts(self) -> RoleTexts:
        """Only what was sent."""
        return RoleTexts(**self.model_dump(include=self.model_fields_set & {"label", "description", "color"}))


class RoleRequest(RoleChangeRequest):
    """A new custom role."""

    name: str = Field(max_length=256, examples=["release-auditor"])
    permissions: Codes = Field([], examples=[["audit.read", "package.read"]])


class PermissionsRequest(BaseModel):
    """All that the role shall carry."""

    model_config = ConfigDict(strict=True)

    permissions: Codes = Field(examples=[["audit.read", "package.read"]])


def _codes(role: Role) -> list[str]:
    return sorted(permission.code for permission in Permission if permission.role.level <= role.level)


def _built_in(role: Role) -> Body:
    label, text, color = _TEXTS[role]
    return {
        "id": role.value,
        "name": role.value,
        "label": label,
        "description": text,
        "color": color,
        "is_builtin": True,
        "level": role.level,
        "permissions": _codes(role),
        "created_at": None,
        "created_by": None,
    }


def _custom(role: CustomRole) -> Body:
    return {
        "id": role.id,
        "name": role.name,
        "label": role.label,
        "description": role.description,
        "color": role.color,
        "is_builtin": False,
        "level": 0,
        "permissions": sorted(role.permissions),
        "user_count": role.holder_count,
        "created_at": when(role.created_at),
        "created_by": role.created_by,
    }


def _row(role: CustomRole | Role) -> Body:
    return _built_in(role) if isinstance(role, Role) else _custom(role)


def _ordered() -> list[Role]:
    return sorted(Role, key=lambda role: -role.level)


@open_to_all.get("/auth/roles", summary="The roles there are")
def role_names(app: App) -> dict[str, Any]:
    """Every role with its level and permissions; open to all.  Custom ones come last and have level 0."""
    found: dict[str, Any] = {}
    for role in _ordered():
        row = _built_in(role)
        aliases = [alias for alias, meant in ROLE_ALIASES.items() if meant is role]
        found[role.value] = {key: row[key] for key in ("label", "description", "color", "level")}
        found[role.value] |= {"aliases": aliases, "permissions": row["permissions"]}
    custom = {role.name: _custom(role) for role in app.roles.open()}
    for name, row in custom.items():
        shown = {key: row[key] for key in ("label", "description", "color", "level", "permissions")}
        found[name] = {**shown, "aliases": [], "custom": True}
    items = list(found)
    for alias, meant in ROLE_ALIASES.items():
        found[alias] = {**found[meant.value], "alias_of": meant.value}
    return {"roles": found, "items": items}


@reading.get("/roles", summary="Roles and permissions")
def roles(app: App, who: Who) -> dict[str, Any]:
    """Those of the program first, then custom ones; and every permission that a custom role can carry."""
    rows = [*(_built_in(role) for role in _ordered()), *(_custom(role) for role in app.roles.all(who))]
    codes = sorted(permission.code for permission in Permission)
    categories: dict[str, list[str]] = {}
    for code in codes:
        categories.setdefault(code.partition(".")[0], []).append(code)
    return {"roles": rows, "total": len(rows), "all_permissions": codes, "permission_categories": categories}


@writing.post("/roles", summary="Create a custom role", status_code=201, openapi_extra=described(RoleRequest))
def create_role(app: App, who: Who, given: Annotated[RoleRequest, Depends(json_body(RoleRequest))]) -> dict[str, Any]:
    """Nobody has it yet: give it to accounts, to groups or to API tokens."""
    return {"role": _custom(app.roles.create(who, given.name, given.permissions, given.texts()))}


@reading.get("/roles/{role_id}", summary="One role")
def role(role_id: str, app: App, who: Who) -> dict[str, Any]:
    """By id or name."""
    return {"role": _row(app.roles.one(who, role_id))}


@writing.put(
    "/roles/{role_id}", summary="Change the texts of a custom role", openapi_extra=described(RoleChangeRequest)
)
def change_role(
    role_id: str,
    app: App,
    who: Who,
    given: Annotated[RoleChangeRequest, Depends(json_body(RoleChangeRequest))],
) -> dict[str, Any]:
    """Label, description and color; a role keeps its name."""
    return {"role": _custom(app.roles.change(who, role_id, given.texts()))}


@writing.delete("/roles/{role_id}", summary="Remove a custom role", status_code=204)
def remove_role(role_id: str, app: App, who: Who) -> None:
    """Nobody has it any more, from the next request on."""
    app.roles.remove(who, role_id)


@reading.get("/roles/{role_id}/permissions", summary="What a role may do")
def role_permissions(role_id: str, app: App, who: Who) -> dict[str, Any]:
    """Permission codes."""
    return {"permissions": _row(app.roles.one(who, role_id))["permissions"]}


@writing.put(
    "/roles/{role_id}/permissions", summary="Say what a custom role may do", openapi_extra=described(PermissionsRequest)
)
def set_role_permissions(
    role_id: str,
    app: App,
    who: Who,
    given: Annotated[PermissionsRequest, Depends(json_body(PermissionsRequest))],
) -> dict[str, Any]:
    """These permissions and no others, for everybody who has the role, from their next request on."""
    return {"permissions": sorted(app.roles.set_permissions(who, role_id, given.permissions).permissions)}


router = APIRouter()
for part in (open_to_all, reading, writing):
    router.include_router(part)
