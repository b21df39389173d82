"""What accounts may, and who may decide about it.

Nobody gives, takes or touches rights that they lack themselves, and nobody takes away their own right to manage: so
that somebody who may manage accounts only cannot become an administrator by it.
"""

from __future__ import annotations

from collections.abc import Collection

from entrepot.adapters.catalog.accounts import Account, AccountReading
from entrepot.adapters.catalog.groups import CustomRole, Group
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.policy.permissions import Permission, carried, demand_rights_of
from entrepot.errors import AccountProtected
from entrepot.services.access.rules import permissions_of

_MANAGING = (Permission.USER_WRITE, Permission.GROUP_WRITE, Permission.ROLE_WRITE)


def actor_of(account: Account, address: str) -> Actor:
    """Whoever is signed in to an account, with all that comes through its groups."""
    return Actor(
        name=account.username,
        roles=account.roles | account.inherited,
        address=address,
        custom=account.custom | account.inherited_custom,
        grants=account.grants,
    )


def demand_giving(
    actor: Actor, known: Collection[CustomRole], roles: Collection[Role], custom: Collection[str]
) -> None:
    """Refuse to give roles that carry more than the actor has.

    Raises:
        InvalidRequest: there is no such custom role.
        PermissionDenied: naming what the actor lacks.
    """
    demand_rights_of(actor, carried(roles, permissions_of(known, custom)))


def demand_reach(actor: Actor, account: Account) -> None:
    """Refuse to manage an account that may more than the actor.

    Raises:
        PermissionDenied: naming what the actor lacks.
    """
    demand_rights_of(actor, carried(account.roles | account.inherited, account.grants))


def demand_group(actor: Actor, known: Collection[CustomRole], group: Group) -> None:
    """Refuse to decide about a group whose role carries more than the actor has.

    Raises:
        PermissionDenied: naming what the actor lacks.
    """
    roles = [] if group.default_role is None else [group.default_role]
    demand_giving(actor, known, roles, [group.custom_role] if group.custom_role else [])


def refuse_own_loss(reading: AccountReading, actor: Actor) -> None:
    """At the end of a change: whoever made it can still manage what they could before.

    Raises:
        AccountProtected: they would have locked themselves out; the change is dropped.
    """
    account = reading.account(actor.owner)
    if account is None:
        return
    left = carried(account.roles | account.inherited, account.grants)
    had = carried(actor.roles, actor.grants)
    lost = sorted(each.code for each in _MANAGING if each in had and each not in left)
    if lost:
        raise AccountProtected(f"you would take away your own rights: {', '.join(lost)}")
