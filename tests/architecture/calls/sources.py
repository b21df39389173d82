"""Sources, and their synchronisation."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

_SOURCE = {"name": "calls", "type": "apt", "url": "http://192.0.2.1/debian", "distribution": "bookworm"}
CALLS = (
    Call("GET", "/import/sources", Role.MAINTAINER),
    Call("POST", "/import/sources", Role.MAINTAINER, {"json": _SOURCE}),
    Call("GET", "/import/sources/{source}", Role.MAINTAINER),
    Call("PATCH", "/import/sources/{source}", Role.MAINTAINER, {"json": {"label": "another"}}),
    Call("DELETE", "/import/sources/{source}", Role.MAINTAINER),
    Call("POST", "/import/sources/{source}/sync", Role.MAINTAINER),
    Call("GET", "/import/sync-status", Role.READER),
    Call("GET", "/import/sync-schedule", Role.READER),
    Call("GET", "/import/sync/jobs", Role.READER),
    Call("GET", "/import/sync/jobs/active", Role.READER),
    Call("GET", "/import/sync/jobs/{job_id}", Role.READER),
    Call("GET", "/import/sync/jobs/{job_id}/stream", Role.READER),
    Call("POST", "/import/sync/jobs/{job_id}/cancel", Role.UPLOADER),
    Call("POST", "/import/sync", Role.MAINTAINER, {"json": {}}),
    Call("POST", "/import/sync-security", Role.MAINTAINER),
    Call("POST", "/import/sync/start", Role.MAINTAINER),
    Call("POST", "/import/sync/start/{target}", Role.MAINTAINER),
    Call("POST", "/import/sync/{source}", Role.MAINTAINER),
)
