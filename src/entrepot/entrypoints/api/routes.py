"""The routes of an application, also those of routers in routers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute


def routes_of(router: Any) -> Iterator[APIRoute]:
    """Each of them, in the order in which they are tried."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_of(inner)
        elif isinstance(route, APIRoute):
            yield route


def allowed_methods(router: Any, path: str) -> list[str]:
    """What may be done with a path; nothing when there is none."""
    found = {method for route in routes_of(router) if route.path_regex.match(path) for method in route.methods or ()}
    return sorted(found | ({"HEAD"} if "GET" in found else set()) | ({"OPTIONS"} if found else set()))
