"""The second engine for vulnerabilities."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/security/grype/status", Role.MAINTAINER),
    Call("POST", "/security/grype/update", Role.ADMIN),
)
