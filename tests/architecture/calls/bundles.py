"""Bundles and exports."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/bundles", Role.MAINTAINER),
    Call("POST", "/bundles", Role.MAINTAINER, {"json": {"states": ["jammy@absent"]}}),
    Call("GET", "/bundles/key", Role.MAINTAINER),
    Call("POST", "/bundles/import", Role.ADMIN, {"content": b"no volume"}),
    Call("POST", "/bundles/import/files", Role.ADMIN, {"json": {"files": ["absent.tar"]}}),
    Call("GET", "/bundles/{bundle}", Role.MAINTAINER),
    Call("DELETE", "/bundles/{bundle}", Role.MAINTAINER),
    Call("GET", "/bundles/{bundle}/volumes/{volume}", Role.MAINTAINER),
    Call("POST", "/bundles/{bundle}/import", Role.ADMIN, {"json": {}}),
    Call("POST", "/exports", Role.ADMIN, {"json": {"state": "jammy", "folder": "www"}}),
)
