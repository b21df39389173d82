"""Suites that follow an upstream."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/mirrors", Role.MAINTAINER),
    Call("POST", "/mirrors", Role.MAINTAINER, {"json": {"name": "calls", "source": "debian-bookworm"}}),
    Call("POST", "/mirrors/preview", Role.MAINTAINER, {"json": {"source": "debian-bookworm", "filter": {}}}),
    Call("GET", "/mirrors/{mirror}", Role.MAINTAINER),
    Call("PATCH", "/mirrors/{mirror}", Role.MAINTAINER, {"json": {"every_hours": 12}}),
    Call("POST", "/mirrors/{mirror}/run", Role.MAINTAINER, {"json": {}}),
    Call("DELETE", "/mirrors/{mirror}", Role.MAINTAINER),
)
