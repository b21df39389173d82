"""Custom roles: sets of permissions with a name, beside the roles of the program (contract 4.13)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.groups import CustomRole, GroupReading
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import ROLE_ALIASES, Actor, Role
from entrepot.domain.policy.permissions import Permission, carried, demand, demand_rights_of
from entrepot.errors import BuiltInRole, InvalidRequest, NotFound
from entrepot.services.access.rights import refuse_own_loss
from entrepot.services.access.rules import check_color, check_description, check_full_name, check_role_name

_MOST_ROLES = 200
_CODES = {each.code: each for each in Permission}


@dataclass(frozen=True, slots=True)
class RoleTexts:
    """For people; none is as it was."""

    label: str | None = None
    description: str | None = None
    color: str | None = None

    def values(self) -> dict[str, str]:
        """What was given.

        Raises:
            InvalidRequest: a text breaks its rule.
        """
        check_full_name(self.label or "", "label")
        check_description(self.description or "")
        if self.color is not None:
            check_color(self.color)
        given = {"label": self.label, "description": self.description, "color": self.color}
        return {name: text for name, text in given.items() if text is not None}


class Roles:
    """Make, change and remove custom roles; who has one is decided with accounts and groups."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    def all(self, actor: Actor) -> list[CustomRole]:
        """Custom ones, by name."""
        demand(actor, Permission.ROLE_READ)
        return self.open()

    def open(self) -> list[CustomRole]:
        """Custom ones, by name, for everybody."""
        with self._catalog.read() as reading:
            return reading.custom_roles()

    def one(self, actor: Actor, ident: str) -> CustomRole | Role:
        """By id or name; a role of the program by name or alias.

        Raises:
            NotFound: there is none.
        """
        demand(actor, Permission.ROLE_READ)
        built_in = _built_in(ident)
        if built_in is not None:
            return built_in
        with self._catalog.read() as reading:
            return _known(reading, ident)

    def create(self, actor: Actor, name: str, permissions: Collection[str], texts: RoleTexts) -> CustomRole:
        """A new role that nobody has yet.

        Raises:
            InvalidRequest: a permission that does not exist, or a name or text against its rule.
            AlreadyExists: the name is taken, by a role of the program too.
            PermissionDenied: the actor lacks one of the permissions.
        """
        demand(actor, Permission.ROLE_WRITE)
        check_role_name(name)
        values, now = texts.values(), self._now()
        demand_rights_of(actor, _permissions(permissions))
        role = CustomRole(
            id=0,
            name=name,
            label=values.get("label") or name,
            description=values.get("description", ""),
            color=values.get("color", "gray"),
            permissions=frozenset(permissions),
            created_at=now,
            created_by=actor.owner,
        )
        with self._catalog.write() as unit:
            unit.hold_accounts()
            if len(unit.custom_roles()) >= _MOST_ROLES:
                raise InvalidRequest(f"there are {_MOST_ROLES} custom roles already; remove one that nobody needs")
            made = unit.add_custom_role(role)
            unit.audit(AuditEntry("ROLE_CREATE", "SUCCESS", actor, now, detail=_detail(role)))
            return _known(unit, str(made))

    def change(self, actor: Actor, ident: str, texts: RoleTexts) -> CustomRole:
        """Other texts.

        Raises:
            NotFound, InvalidRequest: there is none, or a text breaks its rule.
            BuiltInRole: it is a role of the program.
        """
        demand(actor, Permission.ROLE_WRITE)
        _refuse_built_in(ident)
        values = texts.values()
        with self._catalog.write() as unit:
            role = _known(unit, ident)
            differing = {name: text for name, text in values.items() if text != getattr(role, name)}
            if not differing:
                return role
            unit.change_custom_role(role.id, differing)
            detail: dict[str, JsonValue] = {"role": role.name, "changed": cast("JsonValue", sorted(differing))}
            unit.audit(AuditEntry("ROLE_UPDATE", "SUCCESS", actor, self._now(), detail=detail))
            return _known(unit, str(role.id))

    def set_permissions(self, actor: Actor, ident: str, permissions: Collection[str]) -> CustomRole:
        """Other permissions, for everybody who has the role, from their next request on.

        Raises:
            NotFound, InvalidRequest: there is no such role, or no such permission.
            BuiltInRole: it is a role of the program.
            PermissionDenied: the actor lacks a permission that the role had or gets.
            AccountProtected: the actor's own rights would go.
        """
        demand(actor, Permission.ROLE_WRITE)
        _refuse_built_in(ident)
        wanted = _permissions(permissions)
        with self._catalog.write() as unit:
            unit.hold_accounts()
            role = _known(unit, ident)
            demand_rights_of(actor, wanted | carried((), role.permissions))
            unit.set_permissions(role.id, frozenset(permissions))
            refuse_own_loss(unit, actor)
            after = _known(unit, str(role.id))
            detail = {**_detail(after), "permissions_before": cast("JsonValue", sorted(role.permissions))}
            unit.audit(AuditEntry("ROLE_UPDATE", "SUCCESS", actor, self._now(), detail=detail))
            return after

    def remove(self, actor: Actor, ident: str) -> None:
        """Nobody has it any more, from the next request on.

        Raises:
            NotFound: there is none.
            BuiltInRole: it is a role of the program.
            PermissionDenied: the role carries what the actor lacks.
            AccountProtected: the actor's own rights would go.
        """
        demand(actor, Permission.ROLE_WRITE)
        _refuse_built_in(ident)
        with self._catalog.write() as unit:
            unit.hold_accounts()
            role = _known(unit, ident)
            demand_rights_of(actor, carried((), role.permissions))
            unit.remove_custom_role(role.id)
            refuse_own_loss(unit, actor)
            unit.audit(AuditEntry("ROLE_DELETE", "SUCCESS", actor, self._now(), detail=_detail(role)))


def _built_in(ident: str) -> Role | None:
    word = ROLE_ALIASES.get(ident, ident)
    return Role(word) if word in set(Role) else None


def _refuse_built_in(ident: str) -> None:
    found = _built_in(ident)
    if found is not None:
        raise BuiltInRole(f"{found.value} is a role of the program and stays as it is; make a custom role instead")


def _known(reading: GroupReading, ident: str) -> CustomRole:
    for role in reading.custom_roles():
        if ident in (str(role.id), role.name):
            return role
    raise NotFound(f"there is no role {ident[:64]!r}")


def _permissions(codes: Collection[str]) -> frozenset[Permission]:
    for code in sorted(codes):
        if code not in _CODES:
            known = ", ".join(sorted(_CODES))
            raise InvalidRequest(f"there is no permission {code[:40]!r}; there are {known}", permission=code[:40])
    return frozenset(_CODES[code] for code in codes)


def _detail(role: CustomRole) -> dict[str, JsonValue]:
    return {"role": role.name, "permissions": cast("JsonValue", sorted(role.permissions))}
