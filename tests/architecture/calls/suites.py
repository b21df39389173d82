"""Suites by their whole names."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/suites", Role.READER),
    Call("POST", "/suites", Role.ADMIN, {"json": {"format": "deb", "archive": "walked", "codename": "walked"}}),
    Call("GET", "/suites/{format}/{archive}/{codename}", Role.READER),
    Call("PATCH", "/suites/{format}/{archive}/{codename}", Role.ADMIN, {"json": {}}),
    Call("DELETE", "/suites/{format}/{archive}/{codename}", Role.ADMIN),
    Call("GET", "/suites/{format}/{archive}/{codename}/states", Role.READER),
)
