"""Groups: accounts that share a role (contract 4.13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.groups import Group, Member
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyExists, InvalidRequest, NotFound
from entrepot.services.access.rights import demand_group, demand_reach, refuse_own_loss
from entrepot.services.access.rules import (
    can_be_username,
    check_color,
    check_description,
    check_group_name,
    role_names,
)

_MOST_GROUPS = 1000


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What shall be different; none is as it was.  An empty ``default_role`` is no role."""

    name: str | None = None
    description: str | None = None
    color: str | None = None
    default_role: str | None = None

    def applied(self, group: Group) -> Group:
        """The group as it shall be.

        Raises:
            InvalidRequest: a field breaks its rule.
        """
        found = replace(
            group,
            name=group.name if self.name is None else self.name,
            description=group.description if self.description is None else self.description,
            color=group.color if self.color is None else self.color,
        )
        check_group_name(found.name)
        check_description(found.description)
        check_color(found.color)
        if self.default_role is None:
            return found
        if not self.default_role:
            return replace(found, default_role=None, custom_role="")
        names = role_names([self.default_role])
        return replace(found, default_role=next(iter(names.builtin), None), custom_role="".join(names.custom))


class Groups:
    """Make, change and remove groups, and say who is in them."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    def all(self, actor: Actor) -> list[Group]:
        """By name."""
        demand(actor, Permission.GROUP_READ)
        with self._catalog.read() as reading:
            return reading.groups()

    def mine(self, actor: Actor) -> list[Group]:
        """Those of whoever asks."""
        demand(actor, Permission.PROFILE_READ)
        with self._catalog.read() as reading:
            account = reading.account(actor.owner)
            names = frozenset() if account is None else account.groups
            return [group for group in reading.groups() if group.name in names]

    def one(self, actor: Actor, ident: str) -> Group:
        """By id or name.  Raises ``NotFound``."""
        demand(actor, Permission.GROUP_READ)
        with self._catalog.read() as reading:
            return _known(reading, ident)

    def members(self, actor: Actor, ident: str) -> list[Member]:
        """By name.  Raises ``NotFound``."""
        demand(actor, Permission.GROUP_READ)
        with self._catalog.read() as reading:
            return reading.members(_known(reading, ident).id)

    def create(self, actor: Actor, change: GroupChange) -> Group:
        """A new group without members.

        Raises:
            InvalidRequest: a field breaks its rule, or there is no such role.
            AlreadyExists: the name is taken.
            PermissionDenied: the role carries what the actor lacks.
        """
        demand(actor, Permission.GROUP_WRITE)
        now = self._now()
        group = change.applied(Group(0, "", "", "blue", None, "", now, actor.owner))
        with self._catalog.write() as unit:
            unit.hold_accounts()
            if len(unit.groups()) >= _MOST_GROUPS:
                raise InvalidRequest(f"there are {_MOST_GROUPS} groups already; remove one that nobody needs")
            demand_group(actor, unit.custom_roles(), group)
            made = unit.add_group(group)
            unit.audit(AuditEntry("GROUP_CREATE", "SUCCESS", actor, now, detail=_detail(group)))
            return _known(unit, str(made))

    def change(self, actor: Actor, ident: str, change: GroupChange) -> Group:
        """Set what differs; another role holds for all members from their next request on.

        Raises:
            NotFound, InvalidRequest, AlreadyExists: as for a new one.
            PermissionDenied: the old or the new role carries what the actor lacks.
            AccountProtected: the actor's own rights would go.
        """
        demand(actor, Permission.GROUP_WRITE)
        with self._catalog.write() as unit:
            unit.hold_accounts()
            before = _known(unit, ident)
            after = change.applied(before)
            if after == before:
                return before
            for group in (before, after):
                demand_group(actor, unit.custom_roles(), group)
            unit.change_group(after)
            refuse_own_loss(unit, actor)
            detail = {**_detail(after), "name_before": before.name, "default_role_before": role_of(before)}
            unit.audit(AuditEntry("GROUP_UPDATE", "SUCCESS", actor, self._now(), detail=detail))
            return _known(unit, str(before.id))

    def remove(self, actor: Actor, ident: str) -> None:
        """The accounts stay; what they had through the group goes.

        Raises:
            NotFound: there is none.
            PermissionDenied: its role carries what the actor lacks.
            AccountProtected: the actor's own rights would go.
        """
        demand(actor, Permission.GROUP_WRITE)
        with self._catalog.write() as unit:
            unit.hold_accounts()
            group = _known(unit, ident)
            demand_group(actor, unit.custom_roles(), group)
            unit.remove_group(group.id)
            refuse_own_loss(unit, actor)
            unit.audit(AuditEntry("GROUP_DELETE", "SUCCESS", actor, self._now(), detail=_detail(group)))

    def add_member(self, actor: Actor, ident: str, username: str) -> Group:
        """From the next request on the account has the group's role.

        Raises:
            NotFound: there is no such group or account.
            AlreadyExists: it is a member.
            PermissionDenied: the group's role, or the account, carries what the actor lacks.
        """
        demand(actor, Permission.GROUP_WRITE)
        with self._catalog.write() as unit:
            unit.hold_accounts()
            group = self._reachable(unit, actor, ident, username)
            if not unit.add_member(group.id, username, self._now(), actor.owner):
                raise AlreadyExists(f"{username} is a member of {group.name} already")
            self._note(unit, "GROUP_MEMBER_ADD", actor, group, username)
        return group

    def remove_member(self, actor: Actor, ident: str, username: str) -> None:
        """From the next request on the account has nothing through the group.

        Raises:
            NotFound: there is no such group, or the account is not a member.
            PermissionDenied: the group's role, or the account, carries what the actor lacks.
            AccountProtected: the actor's own rights would go.
        """
        demand(actor, Permission.GROUP_WRITE)
        with self._catalog.write() as unit:
            unit.hold_accounts()
            group = self._reachable(unit, actor, ident, username)
            if not unit.remove_member(group.id, username):
                raise NotFound(f"{username} is not a member of {group.name}")
            refuse_own_loss(unit, actor)
            self._note(unit, "GROUP_MEMBER_REMOVE", actor, group, username)

    @staticmethod
    def _reachable(unit: Writing, actor: Actor, ident: str, username: str) -> Group:
        group = _known(unit, ident)
        account = unit.account(username) if can_be_username(username) else None
        if account is None:
            raise NotFound(f"there is no user {username[:64]!r}")
        demand_group(actor, unit.custom_roles(), group)
        demand_reach(actor, account)
        return group

    def _note(self, unit: Writing, action: str, actor: Actor, group: Group, username: str) -> None:
        detail: dict[str, JsonValue] = {**_detail(group), "username": username}
        unit.audit(AuditEntry(action, "SUCCESS", actor, self._now(), detail=detail))


def role_of(group: Group) -> str | None:
    """The name of its role, of either kind."""
    return group.default_role.value if group.default_role else group.custom_role or None


def _known(reading: Reading, ident: str) -> Group:
    for group in reading.groups():
        if ident in (str(group.id), group.name):
            return group
    raise NotFound(f"there is no group {ident[:64]!r}")


def _detail(group: Group) -> dict[str, JsonValue]:
    return {"group": group.name, "default_role": role_of(group)}
