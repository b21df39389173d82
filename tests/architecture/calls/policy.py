"""What findings, uncertainty, licences and age lead to."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/security/policy", Role.ADMIN),
    Call("PATCH", "/security/policy", Role.ADMIN, {"json": {"low": "warn"}}),
    Call("POST", "/security/policy/preview", Role.ADMIN, {"json": {"low": "warn"}}),
    Call("GET", "/security/policy/suites/{codename}", Role.ADMIN),
    Call("PATCH", "/security/policy/suites/{codename}", Role.ADMIN, {"json": {"low": "warn"}}),
    Call("DELETE", "/security/policy/suites/{codename}", Role.ADMIN),
)
