"""Download statistics, dashboard, logs, license."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/downloads/stats", Role.MAINTAINER),
    Call("GET", "/dashboard/summary", Role.READER),
    Call("GET", "/dashboard/stats", Role.READER),
    Call("GET", "/dashboard/history", Role.READER),
    Call("GET", "/dashboard/stats/enriched", Role.READER),
    Call("GET", "/dashboard/events", Role.READER, {"params": {"follow": "false"}}),
    Call("GET", "/dashboard/events/subscribers", Role.ADMIN),
    Call("GET", "/logs", Role.ADMIN),
    Call("GET", "/logs/services", Role.ADMIN),
    Call("GET", "/logs/stream", Role.ADMIN, {"params": {"follow": "false"}}),
    Call("GET", "/license", Role.ADMIN),
    Call("POST", "/license/activate", Role.ADMIN, {"json": {}}),
    Call("DELETE", "/license", Role.ADMIN),
)
