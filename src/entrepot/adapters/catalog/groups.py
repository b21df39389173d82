"""The part of the port about custom roles and groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.domain.model.actor import Role


@dataclass(frozen=True, slots=True)
class CustomRole:
    """A set of permissions with a name, defined by the site.  ``permissions`` are codes."""

    id: int
    name: str
    label: str
    description: str
    color: str
    permissions: frozenset[str]
    created_at: datetime
    created_by: str
    holder_count: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that share a role: one of the program's, or the custom one of a name, or none at all."""

    id: int
    name: str
    description: str
    color: str
    default_role: Role | None
    custom_role: str
    created_at: datetime
    created_by: str
    member_count: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """An account in a group."""

    username: str
    full_name: str
    active: bool
    added_at: datetime
    added_by: str


class GroupReading(Protocol):
    """What can be asked about custom roles and groups."""

    def custom_roles(self) -> list[CustomRole]:
        """By name."""
        ...

    def groups(self) -> list[Group]:
        """By name."""
        ...

    def members(self, group_id: int) -> list[Member]:
        """By name."""
        ...


class GroupWriting(GroupReading, Protocol):
    """What can be changed about them.  Whatever refers to something that goes, goes as well."""

    def add_custom_role(self, role: CustomRole) -> int:
        """Raises ``AlreadyExists``, for names that are just alike too; ``id`` is ignored."""
        ...

    def change_custom_role(self, role_id: int, values: Mapping[str, str]) -> None:
        """Set fields other than the name."""
        ...

    def set_permissions(self, role_id: int, permissions: Collection[str]) -> None:
        """These and no others."""
        ...

    def remove_custom_role(self, role_id: int) -> None:
        """Nobody has it any more."""
        ...

    def give_custom_roles(self, username: str, names: Collection[str]) -> None:
        """The account has these custom roles of its own, and no others."""
        ...

    def give_token_custom_roles(self, ident: str, names: Collection[str]) -> None:
        """The API token has these custom roles."""
        ...

    def add_group(self, group: Group) -> int:
        """Raises ``AlreadyExists``, for names that are just alike too; ``id`` is ignored."""
        ...

    def change_group(self, group: Group) -> None:
        """Name, texts and role as given, for the group of this id.  Raises ``AlreadyExists``."""
        ...

    def remove_group(self, group_id: int) -> None:
        """Its members have nothing through it any more."""
        ...

    def add_member(self, group_id: int, username: str, now: datetime, by: str) -> bool:
        """False when it is one already, or there is no such account."""
        ...

    def remove_member(self, group_id: int, username: str) -> bool:
        """False when it was none."""
        ...
