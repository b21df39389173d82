"""Groups, roles, second factors, forgotten passwords."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    # Open until the first administrator exists; here nobody ever signs in as one.
    Call("GET", "/setup/preflight", None),
    Call("POST", "/auth/forgot-password", None, {"json": {"username": "absent"}}),
    Call("POST", "/auth/reset-password", None, {"json": {"token": "absent", "new_password": "Walked-1-through"}}),
    Call("GET", "/reset-password", None),
    Call("POST", "/reset-password/form", None, {"content": b"token=absent&new_password=Walked-1&again=Walked-1"}),
    Call("POST", "/auth/mfa/authenticate", None, {"json": {"mfa_token": "x", "totp_code": "123456"}}),
    Call("GET", "/auth/mfa", Role.READER),
    Call("POST", "/auth/mfa/setup", Role.READER),
    Call("POST", "/auth/mfa/confirm", Role.READER, {"json": {"totp_code": "x"}}),
    Call("POST", "/auth/mfa/recovery-codes", Role.READER, {"json": {"totp_code": "x"}}),
    Call("POST", "/auth/mfa/disable", Role.READER, {"json": {"password": "x"}}),
    Call("DELETE", "/auth/users/{username}/mfa", Role.ADMIN),
    Call("GET", "/groups", Role.READER),
    Call("GET", "/groups/me", Role.READER),
    Call("POST", "/groups", Role.ADMIN, {"json": {"name": "walked"}}),
    Call("GET", "/groups/{group_id}", Role.READER),
    Call("PUT", "/groups/{group_id}", Role.ADMIN, {"json": {"description": "walked"}}),
    Call("DELETE", "/groups/{group_id}", Role.ADMIN),
    Call("GET", "/groups/{group_id}/members", Role.READER),
    Call("POST", "/groups/{group_id}/members", Role.ADMIN, {"json": {"username": "absent"}}),
    Call("DELETE", "/groups/{group_id}/members/{username}", Role.ADMIN),
    Call("GET", "/roles", Role.READER),
    Call("POST", "/roles", Role.ADMIN, {"json": {"name": "walked", "permissions": ["audit.read"]}}),
    Call("GET", "/roles/{role_id}", Role.READER),
    Call("PUT", "/roles/{role_id}", Role.ADMIN, {"json": {"label": "walked"}}),
    Call("DELETE", "/roles/{role_id}", Role.ADMIN),
    Call("GET", "/roles/{role_id}/permissions", Role.READER),
    Call("PUT", "/roles/{role_id}/permissions", Role.ADMIN, {"json": {"permissions": []}}),
)
