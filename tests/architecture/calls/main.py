"""Sign-in, accounts, packages, distributions, reviews, health, pages."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

PACKAGE = b"not a package"
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="x_1_all.deb"\r\n\r\n' + PACKAGE + b"\r\n--b--\r\n"
)
PROMOTION = {"package": "absent", "from_dist": "jammy", "to_dist": "noble"}

CALLS = (
    Call("POST", "/auth/token", None, {"json": {"username": "nobody", "password": "wrong"}}),
    Call("GET", "/auth/roles", None),
    Call("GET", "/setup/status", None),
    # Open to whoever knows the one-time token of an installation without accounts.
    Call("POST", "/setup", None, {"json": {"admin_username": "x", "admin_password": "x"}}),
    # Pages; their links and forms need the same token or session as the API.
    Call("GET", "/", None),
    Call("GET", "/docs", None),
    Call("GET", "/setup", None),
    Call("POST", "/setup/form", None, {"content": b"token=wrong&admin_username=someone&admin_password=Wrong-1-token"}),
    Call("GET", "/health", None),
    Call("GET", "/health/live", None),
    Call("GET", "/health/ready", None),
    Call("GET", "/auth/me", Role.READER),
    Call("POST", "/auth/refresh", Role.READER),
    Call(
        "POST", "/auth/change-password", Role.READER, {"json": {"current_password": "x", "new_password": "Wrong-1-now"}}
    ),
    Call("POST", "/auth/logout", Role.READER),
    Call("GET", "/auth/users", Role.ADMIN),
    Call("POST", "/auth/users", Role.ADMIN, {"json": {"username": "walked", "password": "Walked-1-through"}}),
    Call("PATCH", "/auth/users/{username}", Role.ADMIN, {"json": {"active": True}}),
    Call("DELETE", "/auth/users/{username}", Role.ADMIN),
    Call("POST", "/auth/users/{username}/reset-password", Role.ADMIN, {"json": {"new_password": "Walked-1-through"}}),
    Call("GET", "/auth/api-tokens", Role.ADMIN),
    Call("POST", "/auth/api-tokens", Role.ADMIN, {"json": {"name": "walked"}}),
    Call("DELETE", "/auth/api-tokens/{token}", Role.ADMIN),
    Call("GET", "/packages", Role.READER),
    Call("GET", "/artifacts", Role.READER),
    Call("GET", "/artifacts/{name}", Role.READER),
    Call("GET", "/artifacts/{name}/{version}", Role.READER),
    Call("GET", "/distributions", Role.READER),
    Call("GET", "/distributions/{codename}/packages", Role.READER),
    Call("GET", "/archives", Role.READER),
    Call(
        "POST",
        "/upload",
        Role.UPLOADER,
        {"content": FORM, "headers": {"content-type": "multipart/form-data; boundary=b"}},
    ),
    Call(
        "POST",
        "/upload/stream",
        Role.UPLOADER,
        {"content": FORM, "headers": {"content-type": "multipart/form-data; boundary=b"}},
    ),
    Call("POST", "/artifacts/admin/sync-index", Role.MAINTAINER),
    Call("DELETE", "/artifacts/{name}", Role.MAINTAINER),
    Call("DELETE", "/artifacts/{name}/{version}", Role.MAINTAINER),
    Call("POST", "/distributions/promote", Role.MAINTAINER, {"json": PROMOTION}),
    Call("POST", "/distributions/init", Role.ADMIN, {"json": {"codename": "walked", "format": "deb"}}),
)
