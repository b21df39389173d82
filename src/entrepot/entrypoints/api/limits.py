"""Rate limits of routes (contract G9, table 1.1): declared beside the guard, counted after it, before the body is read.

::

    dependencies=[Depends(requiring(Permission.PACKAGE_UPLOAD)), Depends(Limited("upload"))]

Names are those of ``RATE_GROUPS``; a route that has two counts in both.  Routes without a guard take
``LimitedByAddress``.  ``tests/architecture/test_limits.py`` knows which routes must have which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import Request

from entrepot.domain.model.actor import Actor
from entrepot.domain.model.address import source_of
from entrepot.domain.model.configuration import RATE_GROUPS
from entrepot.entrypoints.api.context import Address, App, Who
from entrepot.errors import BadSetting
from entrepot.services.access import Allowance

_STATE = "allowance"


class Limit:
    """What both kinds know."""

    def __init__(self, *groups: str) -> None:
        unknown = set(groups) - set(RATE_GROUPS)
        if unknown or not groups:
            raise BadSetting(f"no such rate limit: {', '.join(sorted(unknown))}")
        self.groups = groups

    def use(self, request: Request, app: App, caller: str) -> None:
        """Count, and refuse when there is nothing left.  Raises ``TooManyAttempts``."""
        allowance = app.limits.use(caller, self.groups)
        setattr(request.state, _STATE, allowance)
        allowance.demand()


class Limited(Limit):
    """By user or API token; whoever asks has to be signed in."""

    def __call__(self, request: Request, app: App, who: Who) -> None:
        """Raises ``TooManyAttempts``."""
        self.use(request, app, caller_of(who))


def caller_of(who: Actor) -> str:
    """Whose rate it is: the API token's or the user's."""
    return who.name if who.account else f"user:{who.name}"


class LimitedByAddress(Limit):
    """By the address of whoever asks; for routes that are open."""

    def __call__(self, request: Request, app: App, address: Address) -> None:
        """Raises ``TooManyAttempts``."""
        self.use(request, app, f"address:{source_of(address)}")


def rate_headers(state: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """What an answer says about the limit that was counted for its request; nothing without one."""
    allowance = state.get(_STATE)
    if isinstance(allowance, Allowance):
        yield b"x-ratelimit-limit", str(allowance.rate.limit).encode()
        yield b"x-ratelimit-remaining", str(allowance.remaining).encode()
        yield b"x-ratelimit-reset", str(allowance.reset_at).encode()
