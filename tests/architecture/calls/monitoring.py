"""What programs that watch the server ask."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (Call("GET", "/metrics", Role.AUDITOR),)
