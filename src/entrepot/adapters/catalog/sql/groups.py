"""Custom roles and groups; and what accounts and API tokens have through them, as columns of their own queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from entrepot.adapters.catalog.groups import CustomRole, Group, Member
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.actor import Role, name_key
from entrepot.errors import AlreadyExists


def _joined(column: sa.ColumnElement[str], query: sa.Select[tuple[str]], owner: sa.Table) -> sa.ScalarSelect[str]:
    """Values of a column in one text; none of them has a comma."""
    listed = query.with_only_columns(sa.func.aggregate_strings(column, ","))
    return listed.correlate(owner).scalar_subquery()


def _own(held: sa.Table) -> sa.Select[tuple[str]]:
    return sa.select(t.role.c.name).join(held, held.c.role_id == t.role.c.id)


_ROLES = _own(t.account_role).where(t.account_role.c.account_id == t.account.c.id)
_GROUPS = (
    sa.select(t.account_group.c.name)
    .join(t.membership, t.membership.c.group_id == t.account_group.c.id)
    .where(t.membership.c.account_id == t.account.c.id)
)
_GROUP_ROLES = _GROUPS.join(t.role, t.role.c.id == t.account_group.c.role_id)
_ROLE_IDS = sa.union_all(
    sa.select(t.account_role.c.role_id).where(t.account_role.c.account_id == t.account.c.id).correlate(t.account),
    sa.select(t.account_group.c.role_id)
    .join(t.membership, t.membership.c.group_id == t.account_group.c.id)
    .where(t.membership.c.account_id == t.account.c.id, t.account_group.c.role_id.is_not(None))
    .correlate(t.account),
)
_GRANTS = sa.select(t.role_permission.c.permission).where(t.role_permission.c.role_id.in_(_ROLE_IDS))
_TOKEN_ROLES = _own(t.api_token_role).where(t.api_token_role.c.api_token_id == t.api_token.c.id)
_TOKEN_GRANTS = _TOKEN_ROLES.join(t.role_permission, t.role_permission.c.role_id == t.role.c.id)

ACCOUNT_RIGHTS: dict[str, sa.ScalarSelect[str]] = {
    "custom": _joined(t.role.c.name, _ROLES, t.account),
    "groups": _joined(t.account_group.c.name, _GROUPS, t.account),
    "inherited": _joined(t.account_group.c.default_role, _GROUPS, t.account),
    "inherited_custom": _joined(t.role.c.name, _GROUP_ROLES, t.account),
    "grants": _joined(t.role_permission.c.permission, _GRANTS, t.account),
}
"""Beside the columns of ``account``: everything that decides what it may, in the same query."""

TOKEN_RIGHTS: dict[str, sa.ScalarSelect[str]] = {
    "token_custom": _joined(t.role.c.name, _TOKEN_ROLES, t.api_token),
    "token_grants": _joined(t.role_permission.c.permission, _TOKEN_GRANTS, t.api_token),
}
"""Beside the columns of ``api_token``."""


class GroupQueries:
    """Implements ``GroupReading`` and ``GroupWriting``."""

    _connection: sa.Connection

    def custom_roles(self) -> list[CustomRole]:
        """All, each with its permissions."""
        permissions: dict[int, set[str]] = defaultdict(set)
        for row in self._connection.execute(sa.select(t.role_permission)):
            permissions[row.role_id].add(row.permission)
        held = sa.select(sa.func.count()).where(t.account_role.c.role_id == t.role.c.id).scalar_subquery()
        query = sa.select(t.role, held.label("holders")).order_by(t.role.c.name_key)
        return [
            CustomRole(
                id=row.id,
                name=row.name,
                label=row.label,
                description=row.description,
                color=row.color,
                permissions=frozenset(permissions[row.id]),
                created_at=row.created_at,
                created_by=row.created_by,
                holder_count=row.holders,
            )
            for row in self._connection.execute(query)
        ]

    def groups(self) -> list[Group]:
        """All, each with the number of its members."""
        members = sa.select(sa.func.count()).where(t.membership.c.group_id == t.account_group.c.id).scalar_subquery()
        query = (
            sa.select(t.account_group, t.role.c.name.label("custom_role"), members.label("members"))
            .join(t.role, t.role.c.id == t.account_group.c.role_id, isouter=True)
            .order_by(t.account_group.c.name_key)
        )
        return [
            Group(
                id=row.id,
                name=row.name,
                description=row.description,
                color=row.color,
                default_role=None if row.default_role is None else Role(row.default_role),
                custom_role=row.custom_role or "",
                created_at=row.created_at,
                created_by=row.created_by,
                member_count=row.members,
            )
            for row in self._connection.execute(query)
        ]

    def members(self, group_id: int) -> list[Member]:
        """Accounts of a group."""
        query = (
            sa.select(t.account.c.username, t.account.c.full_name, t.account.c.active, t.membership)
            .join(t.membership, t.membership.c.account_id == t.account.c.id)
            .where(t.membership.c.group_id == group_id)
            .order_by(t.account.c.username)
        )
        return [
            Member(row.username, row.full_name, row.active, row.added_at, row.added_by)
            for row in self._connection.execute(query)
        ]

    def add_custom_role(self, role: CustomRole) -> int:
        """A new role with its permissions."""
        query = sa.insert(t.role).values(
            name=role.name,
            name_key=name_key(role.name),
            label=role.label,
            description=role.description,
            color=role.color,
            created_at=role.created_at,
            created_by=role.created_by,
        )
        try:
            made = int(self._connection.execute(query.returning(t.role.c.id)).scalar_one())
        except IntegrityError as error:
            raise AlreadyExists(f"role {role.name} exists already, or one with a name alike") from error
        self.set_permissions(made, role.permissions)
        return made

    def change_custom_role(self, role_id: int, values: Mapping[str, str]) -> None:
        """Set columns."""
        if values:
            self._connection.execute(sa.update(t.role).where(t.role.c.id == role_id).values(dict(values)))

    def set_permissions(self, role_id: int, permissions: Collection[str]) -> None:
        """Replace them."""
        self._connection.execute(sa.delete(t.role_permission).where(t.role_permission.c.role_id == role_id))
        rows = [{"role_id": role_id, "permission": code} for code in sorted(permissions)]
        if rows:
            self._connection.execute(sa.insert(t.role_permission), rows)

    def remove_custom_role(self, role_id: int) -> None:
        """The database takes along what refers to it."""
        self._connection.execute(sa.delete(t.role).where(t.role.c.id == role_id))

    def give_custom_roles(self, username: str, names: Collection[str]) -> None:
        """Replace those of an account."""
        mine = sa.select(t.account.c.id).where(t.account.c.username == username).scalar_subquery()
        self._connection.execute(sa.delete(t.account_role).where(t.account_role.c.account_id == mine))
        found = sa.select(mine, t.role.c.id).where(t.role.c.name.in_(names))
        self._connection.execute(sa.insert(t.account_role).from_select(["account_id", "role_id"], found))

    def give_token_custom_roles(self, ident: str, names: Collection[str]) -> None:
        """Those of a new token."""
        token = sa.select(t.api_token.c.id).where(t.api_token.c.ident == ident).scalar_subquery()
        found = sa.select(token, t.role.c.id).where(t.role.c.name.in_(names))
        self._connection.execute(sa.insert(t.api_token_role).from_select(["api_token_id", "role_id"], found))

    def add_group(self, group: Group) -> int:
        """A new group, without members."""
        query = sa.insert(t.account_group).values(
            **_group_columns(group), created_at=group.created_at, created_by=group.created_by
        )
        try:
            return int(self._connection.execute(query.returning(t.account_group.c.id)).scalar_one())
        except IntegrityError as error:
            raise AlreadyExists(f"group {group.name} exists already, or one with a name alike") from error

    def change_group(self, group: Group) -> None:
        """Set everything but its origin."""
        query = sa.update(t.account_group).where(t.account_group.c.id == group.id).values(**_group_columns(group))
        try:
            self._connection.execute(query)
        except IntegrityError as error:
            raise AlreadyExists(f"group {group.name} exists already, or one with a name alike") from error

    def remove_group(self, group_id: int) -> None:
        """The database takes along its memberships."""
        self._connection.execute(sa.delete(t.account_group).where(t.account_group.c.id == group_id))

    def add_member(self, group_id: int, username: str, now: datetime, by: str) -> bool:
        """In one statement, since two may add the same one at once."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        found = sa.select(t.account.c.id, sa.literal(group_id), sa.literal(now, t.Moment), sa.literal(by)).where(
            t.account.c.username == username
        )
        query = insert(t.membership).from_select(["account_id", "group_id", "added_at", "added_by"], found)
        return self._connection.execute(query.on_conflict_do_nothing()).rowcount == 1

    def remove_member(self, group_id: int, username: str) -> bool:
        """True for the one who removed it."""
        mine = sa.select(t.account.c.id).where(t.account.c.username == username).scalar_subquery()
        query = sa.delete(t.membership).where(t.membership.c.group_id == group_id, t.membership.c.account_id == mine)
        return self._connection.execute(query).rowcount == 1


def _group_columns(group: Group) -> dict[str, object]:
    role_id = sa.select(t.role.c.id).where(t.role.c.name == group.custom_role).scalar_subquery()
    return {
        "name": group.name,
        "name_key": name_key(group.name),
        "description": group.description,
        "color": group.color,
        "default_role": None if group.default_role is None else group.default_role.value,
        "role_id": role_id if group.custom_role else None,
    }
