"""Reviews, decisions, quarantine."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

_PACKAGE = "/security/packages/{name}/{version}"

CALLS: tuple[Call, ...] = (
    Call("GET", "/security/review-queue", Role.AUDITOR),
    Call("POST", f"{_PACKAGE}/decide", Role.MAINTAINER, {"json": {"decision": "approve", "justification": "read"}}),
    Call("POST", f"{_PACKAGE}/quarantine", Role.MAINTAINER, {"json": {"reason": "suspicious"}}),
    Call("PATCH", f"{_PACKAGE}/assign", Role.MAINTAINER, {"json": {"assigned_to": None}}),
    Call("GET", f"{_PACKAGE}/decision", Role.READER),
    Call("POST", f"{_PACKAGE}/decision/resolve", Role.MAINTAINER, {"json": {"resolution_note": "done"}}),
    Call("GET", "/security/decisions", Role.AUDITOR),
    Call("GET", "/security/decisions/unassigned", Role.AUDITOR),
    Call("GET", "/security/decisions/mine", Role.AUDITOR),
    Call("PUT", "/security/decisions/{decision_id}", Role.MAINTAINER, {"json": {"expires_in_days": 3}}),
    Call("DELETE", "/security/decisions/{decision_id}", Role.MAINTAINER),
    Call("PATCH", "/security/decisions/{decision_id}/assign", Role.MAINTAINER, {"json": {"assigned_to": None}}),
    Call("POST", "/security/check-sla", Role.ADMIN),
    Call("GET", "/security/report", Role.AUDITOR),
)
