"""Retention, pins, schedules, signing keys."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("POST", "/artifacts/{name}/{version}/pin", Role.MAINTAINER, {"json": {}}),
    Call("DELETE", "/artifacts/{name}/{version}/pin", Role.MAINTAINER),
    Call("GET", "/artifacts/admin/gc-preview", Role.ADMIN),
    Call("POST", "/artifacts/admin/version-gc", Role.ADMIN, {"params": {"max_versions": 0}}),
    Call("GET", "/settings/retention", Role.ADMIN),
    Call("POST", "/settings/run-retention", Role.ADMIN),
    Call("GET", "/settings/next-sync", Role.ADMIN),
    Call("GET", "/settings/gpg", Role.ADMIN),
    Call("POST", "/settings/gpg/generate", Role.ADMIN, {"json": {"archive": "absent"}}),
    Call("POST", "/settings/gpg/retire", Role.ADMIN, {"json": {"archive": "absent"}}),
    Call("POST", "/settings/gpg/extend", Role.ADMIN, {"json": {"archive": "absent", "expire": "1y"}}),
    Call("POST", "/settings/gpg/export", Role.ADMIN),
)
