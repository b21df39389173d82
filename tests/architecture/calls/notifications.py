"""Mail and webhooks."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("POST", "/settings/test-webhook", Role.ADMIN, {"json": {}}),
    Call("POST", "/settings/test-email", Role.ADMIN, {"json": {}}),
    Call("GET", "/notifications/deliveries", Role.ADMIN),
    Call("POST", "/notifications/deliveries/{id}/redeliver", Role.ADMIN),
    Call("GET", "/templates", Role.ADMIN),
    Call("GET", "/templates/{name}", Role.ADMIN),
    Call("PUT", "/templates/{name}", Role.ADMIN, {"json": {}}),
    Call("POST", "/templates/{name}/reset", Role.ADMIN),
    Call("POST", "/templates/{name}/preview", Role.ADMIN, {"json": {}}),
)
