"""Settings, and what goes with them."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/settings", Role.ADMIN),
    Call("PATCH", "/settings", Role.ADMIN, {"json": {}}),
)
