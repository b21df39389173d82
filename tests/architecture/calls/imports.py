"""Search, resolution and imports."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/import/search", Role.READER, {"params": {"q": "curl"}}),
    Call("GET", "/import/resolve/{package_name}", Role.READER),
    Call("POST", "/import/fetch", Role.UPLOADER, {"json": {"name": "curl"}}),
    Call("POST", "/import/packages", Role.MAINTAINER, {"json": {"source_id": 1, "package": "curl"}}),
    Call("POST", "/import/batch", Role.UPLOADER, {"json": {"packages": ["curl"]}}),
    Call("POST", "/import/analyze-dockerfile", Role.UPLOADER, {"json": {"content": "FROM debian:12"}}),
    Call("GET", "/import/groups", Role.READER),
    Call("DELETE", "/import/groups/{group_name}", Role.ADMIN),
)
