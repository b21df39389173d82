"""Lists of software."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/sbom/export", Role.AUDITOR),
    Call("GET", "/sbom/preview", Role.AUDITOR),
    Call("GET", "/sbom/{name}/{version}", Role.AUDITOR),
    Call("GET", "/sbom/{name}/{version}/vex", Role.AUDITOR),
)
