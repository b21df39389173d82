"""Versions, dependencies and promotions of packages."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

ENDS = {"from_dist": "jammy", "to_dist": "noble"}

CALLS = (
    Call("GET", "/artifacts/{name}/dependencies", Role.READER),
    Call("GET", "/artifacts/{name}/install", Role.READER),
    Call("GET", "/artifacts/{name}/versions", Role.READER),
    Call("GET", "/artifacts/{name}/versions/compare", Role.READER),
    Call("GET", "/artifacts/{name}/versions/{version}/snapshot", Role.READER),
    Call("GET", "/artifacts/{name}/versions/{version}/download", Role.READER),
    Call("GET", "/artifacts/{name}/{version}/why", Role.READER),
    Call("GET", "/artifacts/admin/pending-promotions", Role.MAINTAINER),
    Call("GET", "/artifacts/{name}/promote/targets", Role.READER),
    Call("POST", "/artifacts/{name}/promote", Role.MAINTAINER, {"json": ENDS}),
    Call(
        "POST", "/artifacts/{name}/promote/{promotion_id}/approve", Role.ADMIN, {"json": {"justification": "because"}}
    ),
    Call("POST", "/artifacts/{name}/promote/{promotion_id}/reject", Role.ADMIN, {"json": {"reason": "because"}}),
    Call("POST", "/distributions/migrate", Role.MAINTAINER, {"json": {**ENDS, "packages": ["absent"]}}),
)
