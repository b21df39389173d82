"""The antivirus scanner."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/security/clamav/status", Role.MAINTAINER),
    Call("POST", "/security/clamav/update", Role.ADMIN),
)
