"""The services about accounts of this server itself, put together; they differ in nothing but what they do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.mail.base import Mail
from entrepot.domain.model.configuration import Configuration
from entrepot.services.access.api_tokens import ApiTokens
from entrepot.services.access.attempts import Attempts
from entrepot.services.access.factors import SecondFactors
from entrepot.services.access.groups import Groups
from entrepot.services.access.limits import RateLimits
from entrepot.services.access.rescue import Rescue
from entrepot.services.access.resets import PasswordResets
from entrepot.services.access.roles import Roles
from entrepot.services.access.users import Users


class Accounts(TypedDict):
    """By their names in the application."""

    users: Users
    api_tokens: ApiTokens
    limits: RateLimits
    second_factors: SecondFactors
    resets: PasswordResets
    rescue: Rescue
    roles: Roles
    groups: Groups


def accounts(
    catalog: Catalog,
    secret: bytes,
    settings: Callable[[], Configuration],
    post: Callable[[Writing, Mail], None],
    site: Callable[[], str],
    now: Callable[[], datetime],
) -> Accounts:
    """``post`` sends a mail of a unit; ``site`` is where people find this server."""
    attempts = Attempts(settings, now)
    return Accounts(
        users=Users(catalog, attempts, now),
        api_tokens=ApiTokens(catalog, secret, now),
        limits=RateLimits(catalog, settings, now),
        second_factors=SecondFactors(catalog, secret, attempts, now, site),
        resets=PasswordResets(catalog, secret, attempts, post, site, now),
        rescue=Rescue(catalog, attempts, now),
        roles=Roles(catalog, now),
        groups=Groups(catalog, now),
    )
