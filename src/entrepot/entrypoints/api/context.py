"""What every route needs: the application, and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from entrepot.application import Application
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import NotSignedIn


def application(request: Request) -> Application:
    """The one application of this process."""
    return cast("Application", request.app.state.application)


def address(request: Request) -> str:
    """The peer's address; proxy headers are not believed."""
    return request.client.host if request.client else ""


# Dependencies that look at nothing but memory are coroutines: others cost a change of threads each.
async def _application(request: Request) -> Application:
    return application(request)


async def _address(request: Request) -> str:
    return address(request)


def bearer(request: Request) -> str | None:
    """The token of an ``Authorization: Bearer`` header; none without one.

    Raises:
        NotSignedIn: the header is of another scheme, or there are several.
    """
    found = request.headers.getlist("authorization")
    if not found:
        return None
    scheme, _, token = found[0].partition(" ")
    if len(found) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("send one header Authorization: Bearer <token>")
    return token.strip()


def current_actor(request: Request) -> Actor:
    """Whoever asks.

    Raises:
        NotSignedIn: no good token came along.
    """
    token = bearer(request)
    if token is None:
        raise NotSignedIn("sign in first: POST /auth/token, then send Authorization: Bearer <token>")
    actor = application(request).access.authenticate(token, address(request))
    request.state.actor = actor
    return actor


@dataclass(frozen=True, slots=True)
class Requiring:
    """A dependency for routes and routers: whoever asks, if they may."""

    permission: Permission

    async def __call__(self, who: Who) -> Actor:
        """Whoever asks.

        Raises:
            PermissionDenied: they may not.
        """
        demand(who, self.permission)
        return who


def requiring(permission: Permission) -> Requiring:
    """The guard of a permission."""
    return Requiring(permission)


def visitor(request: Request) -> Actor | None:
    """Whoever asks, or nobody: for routes that are open to all."""
    try:
        return current_actor(request)
    except NotSignedIn:
        return None


App = Annotated[Application, Depends(_application)]
Who = Annotated[Actor, Depends(current_actor)]
Visitor = Annotated[Actor | None, Depends(visitor)]
Address = Annotated[str, Depends(_address)]
