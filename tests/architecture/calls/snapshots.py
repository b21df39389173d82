"""States that are kept, and names that show them."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

_AIM = {"json": {"targets": [{"distribution": "jammy", "snapshot": "absent"}]}}
CALLS = (
    Call("GET", "/snapshots", Role.READER),
    Call("POST", "/snapshots", Role.MAINTAINER, {"json": {"distribution": "absent"}}),
    Call("POST", "/snapshots/merge", Role.MAINTAINER, {"json": {"states": ["jammy", "noble"], "into": "jammy"}}),
    Call("POST", "/snapshots/merge/jobs", Role.MAINTAINER, {"json": {"states": ["jammy", "noble"], "into": "jammy"}}),
    Call("GET", "/snapshots/diff", Role.READER, {"params": {"from": "jammy", "to": "noble"}}),
    Call("GET", "/snapshots/contents", Role.READER, {"params": {"of": "jammy"}}),
    Call("GET", "/snapshots/{codename}/{name}", Role.READER),
    Call("DELETE", "/snapshots/{codename}/{name}", Role.MAINTAINER),
    Call("GET", "/environments", Role.READER),
    Call("POST", "/environments", Role.ADMIN, {"json": {"name": "made-here"}}),
    Call("GET", "/environments/{name}", Role.READER),
    Call("PATCH", "/environments/{name}", Role.ADMIN, {"json": {}}),
    Call("DELETE", "/environments/{name}", Role.ADMIN),
    Call("GET", "/environments/{name}/history", Role.READER),
    Call("POST", "/environments/{name}/plan", Role.READER, _AIM),
    Call("POST", "/environments/{name}/point", Role.MAINTAINER, _AIM),
    Call("POST", "/environments/{name}/rollback", Role.MAINTAINER, {"json": {}}),
    Call("DELETE", "/environments/{name}/distributions/{codename}", Role.MAINTAINER),
)
