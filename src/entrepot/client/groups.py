"""The part of the client about groups of accounts and about roles."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.client.answers import shaped
from entrepot.client.answers_people import (
    GroupAnswer,
    Groups,
    Joined,
    Members,
    MyGroups,
    RoleAnswer,
    RoleNames,
    RolePermissions,
    Roles,
)
from entrepot.client.segments import segment
from entrepot.client.wire import Wire, sent


class GroupsTheme:
    """``Client.groups``.  A group is named by its id or its name; changes need an administrator."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def all(self) -> Groups:
        """``GET /groups``."""
        return shaped(self._wire("GET", "/groups"), Groups, groups=list, total=int)

    def mine(self) -> MyGroups:
        """``GET /groups/me``: the caller's own."""
        return shaped(self._wire("GET", "/groups/me"), MyGroups, groups=list)

    def one(self, group: str) -> GroupAnswer:
        """``GET /groups/{group_id}``."""
        return shaped(self._wire("GET", f"/groups/{segment(group)}"), GroupAnswer, group=dict)

    def create(
        self, name: str, *, default_role: str | None = None, description: str | None = None, color: str | None = None
    ) -> GroupAnswer:
        """``POST /groups``; ``default_role`` is a role of all its members."""
        payload = sent(name=name, default_role=default_role, description=description, color=color)
        return shaped(self._wire("POST", "/groups", payload=payload), GroupAnswer, group=dict)

    def change(
        self,
        group: str,
        *,
        name: str | None = None,
        default_role: str | None = None,
        description: str | None = None,
        color: str | None = None,
    ) -> GroupAnswer:
        """``PUT /groups/{group_id}``: what is none stays as it is; an empty ``default_role`` is no role."""
        payload = sent(name=name, description=description, color=color)
        if default_role is not None:
            payload["default_role"] = default_role or None
        return shaped(self._wire("PUT", f"/groups/{segment(group)}", payload=payload), GroupAnswer, group=dict)

    def remove(self, group: str) -> None:
        """``DELETE /groups/{group_id}``: its members stay, without what they had through it."""
        self._wire.answer("DELETE", f"/groups/{segment(group)}")

    def members(self, group: str) -> Members:
        """``GET /groups/{group_id}/members``."""
        return shaped(self._wire("GET", f"/groups/{segment(group)}/members"), Members, members=list, total=int)

    def add_member(self, group: str, username: str) -> Joined:
        """``POST /groups/{group_id}/members``."""
        path = f"/groups/{segment(group)}/members"
        return shaped(self._wire("POST", path, payload={"username": username}), Joined, username=str)

    def remove_member(self, group: str, username: str) -> None:
        """``DELETE /groups/{group_id}/members/{username}``."""
        self._wire.answer("DELETE", f"/groups/{segment(group)}/members/{segment(username)}")


class RolesTheme:
    """``Client.roles``.  A role is named by its id or its name; those of the program cannot be changed."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def names(self) -> RoleNames:
        """``GET /auth/roles``: needs no credential."""
        return shaped(self._wire("GET", "/auth/roles"), RoleNames, roles=dict)

    def all(self) -> Roles:
        """``GET /roles``."""
        return shaped(self._wire("GET", "/roles"), Roles, roles=list, total=int)

    def one(self, role: str) -> RoleAnswer:
        """``GET /roles/{role_id}``."""
        return shaped(self._wire("GET", f"/roles/{segment(role)}"), RoleAnswer, role=dict)

    def create(
        self,
        name: str,
        permissions: Sequence[str],
        *,
        label: str | None = None,
        description: str | None = None,
        color: str | None = None,
    ) -> RoleAnswer:
        """``POST /roles``."""
        payload = sent(name=name, permissions=list(permissions), label=label, description=description, color=color)
        return shaped(self._wire("POST", "/roles", payload=payload), RoleAnswer, role=dict)

    def change(
        self, role: str, *, label: str | None = None, description: str | None = None, color: str | None = None
    ) -> RoleAnswer:
        """``PUT /roles/{role_id}``: texts for people; what is none stays as it is."""
        payload = sent(label=label, description=description, color=color)
        return shaped(self._wire("PUT", f"/roles/{segment(role)}", payload=payload), RoleAnswer, role=dict)

    def remove(self, role: str) -> None:
        """``DELETE /roles/{role_id}``: nobody has it any more."""
        self._wire.answer("DELETE", f"/roles/{segment(role)}")

    def permissions(self, role: str) -> RolePermissions:
        """``GET /roles/{role_id}/permissions``."""
        return shaped(self._wire("GET", f"/roles/{segment(role)}/permissions"), RolePermissions)

    def set_permissions(self, role: str, permissions: Sequence[str]) -> RolePermissions:
        """``PUT /roles/{role_id}/permissions``: these and no others."""
        path = f"/roles/{segment(role)}/permissions"
        return shaped(self._wire("PUT", path, payload={"permissions": list(permissions)}), RolePermissions)
