"""Feeds of advisories."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/security/feeds/status", Role.MAINTAINER),
    Call("POST", "/security/feeds/refresh", Role.MAINTAINER, {"json": {}}),
    Call("POST", "/security/feeds/{name}", Role.ADMIN, {"content": b"{}"}),
)
