"""Suites that follow an upstream."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/mirrors", Role.MAINTAINER),
    Call("POST", "/mirrors", Role.MAINTAINER, {"json": {"name": "calls", "source": "debian-bookworm"}}),
    Call("POST", "/mirrors/preview", Role.MAINTAINER, {"json": {"source": "debian-bookworm", "filter": {}}}),
    Call("GET", "/mirrors/{mirror}", Role.MAINTAINER),
    Call("GET", "/mirrors/{mirror}/packages", Role.MAINTAINER),
    Call("PATCH", "/mirrors/{mirror}", Role.MAINTAINER, {"json": {"every_hours": 12}}),
    Call("POST", "/mirrors/{mirror}/run", Role.MAINTAINER, {"json": {}}),
    Call("DELETE", "/mirrors/{mirror}", Role.MAINTAINER),
    Call("GET", "/import/mirror/sources", Role.READER),
    Call("POST", "/import/mirror/sources", Role.MAINTAINER, {"json": {"sources": {"debian-bookworm": False}}}),
    Call("GET", "/import/mirror/schedule", Role.READER),
    Call("POST", "/import/mirror/schedule", Role.ADMIN, {"json": {"hour": 4}}),
    Call("POST", "/import/mirror/start/{source}", Role.MAINTAINER),
    Call("GET", "/import/mirror/jobs", Role.READER),
    Call("GET", "/import/mirror/jobs/{job_id}", Role.READER),
    Call("GET", "/import/mirror/jobs/{job_id}/stream", Role.READER),
    Call("POST", "/import/mirror/jobs/{job_id}/cancel", Role.UPLOADER),
)
