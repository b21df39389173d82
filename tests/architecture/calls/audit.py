"""The audit log."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (Call("GET", "/artifacts/audit/logs", Role.AUDITOR),)
