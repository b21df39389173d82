"""People and programs that somebody else vouches for."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("POST", "/settings/test-ldap", Role.ADMIN, {"json": {}}),
    # Open: what is asked for is what the provider or the CI platform says.
    Call("GET", "/auth/oidc/login", None),
    Call("GET", "/auth/oidc/callback", None),
    Call("POST", "/auth/oidc/session", None, {"json": {"code": "wrong"}}),
    Call("GET", "/auth/oidc/terminal", None),
    Call("POST", "/auth/token-exchange", None, {"json": {"subject_token": "wrong"}}),
)
