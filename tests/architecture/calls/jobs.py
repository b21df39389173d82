"""Long work."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/jobs", Role.READER),
    Call("GET", "/jobs/{job_id}", Role.READER),
    Call("GET", "/jobs/{job_id}/stream", Role.READER),
    Call("POST", "/jobs/{job_id}/cancel", Role.UPLOADER),
)
