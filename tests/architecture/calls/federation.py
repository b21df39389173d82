"""People and programs that somebody else vouches for."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (Call("POST", "/settings/test-ldap", Role.ADMIN, {"json": {}}),)
