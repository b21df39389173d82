"""Whom distributions trust; signatures and attestations of packages."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

SPKI = b"MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
KEY = b"-----BEGIN PUBLIC KEY-----\n" + SPKI + b"\n-----END PUBLIC KEY-----\n"
BINARY = {"content-type": "application/octet-stream"}

CALLS = (
    Call("GET", "/security/keyrings/{codename}/keys", Role.READER),
    Call("POST", "/security/keyrings/{codename}/keys", Role.ADMIN, {"content": KEY, "headers": BINARY}),
    Call("DELETE", "/security/keyrings/{codename}/keys/{fingerprint}", Role.ADMIN),
    Call("GET", "/security/keyrings/{codename}/rules", Role.READER),
    Call("PUT", "/security/keyrings/{codename}/rules", Role.ADMIN, {"json": {"rules": []}}),
    Call("GET", "/artifacts/{name}/{version}/provenance", Role.READER),
    Call("GET", "/artifacts/{name}/{version}/attestations", Role.READER),
    Call("POST", "/artifacts/{name}/{version}/attestations", Role.UPLOADER, {"content": b"{}", "headers": BINARY}),
    Call("GET", "/artifacts/{name}/{version}/attestations/{digest}", Role.READER),
)
