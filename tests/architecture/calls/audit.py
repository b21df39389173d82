"""The audit log."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/artifacts/audit/logs", Role.AUDITOR),
    Call("GET", "/artifacts/audit/export", Role.AUDITOR),
    Call("GET", "/artifacts/audit/export/archive", Role.ADMIN),
    Call("GET", "/artifacts/audit/export/user/{username}", Role.ADMIN),
    Call("GET", "/artifacts/audit/integrity", Role.ADMIN),
    # A public key, for whoever was given something that it signed.
    Call("GET", "/artifacts/audit/key", None),
)
