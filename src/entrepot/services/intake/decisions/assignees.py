"""People and groups that can be told to look after something."""

from __future__ import annotations

from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.catalog.decisions import Assignee
from entrepot.domain.model.actor import Actor
from entrepot.errors import InvalidRequest


def known_assignee(reading: Reading, wanted: Assignee) -> Assignee:
    """The account or group that is meant.

    Raises:
        InvalidRequest: there is none of that name.
    """
    if wanted.is_group:
        if any(group.name == wanted.name for group in reading.groups()):
            return wanted
        raise InvalidRequest(f"there is no group {wanted.name[:100]!r}")
    account = reading.account(wanted.name)
    if account is None or not account.active:
        raise InvalidRequest(f"there is no active account {wanted.name[:100]!r}")
    return Assignee(account.username)


def names_of(reading: Reading, actor: Actor) -> tuple[Assignee, ...]:
    """As whom somebody may have been told: their account, and its groups."""
    account = reading.account(actor.owner)
    groups = () if account is None else sorted(account.groups)
    return (Assignee(actor.owner), *(Assignee(name, is_group=True) for name in groups))
