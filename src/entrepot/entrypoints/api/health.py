"""Health probes (contract 4.11)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from entrepot import __version__
from entrepot.entrypoints.api import words
from entrepot.entrypoints.api.context import App, Visitor

router = APIRouter(tags=["health"])

_HARD = ("database", "storage")


_UNWELL: dict[int | str, dict[str, Any]] = {
    503: {
        "description": "Database or storage fails; the body is the same",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.get("/health", summary="Health of every component", responses=_UNWELL)
def health(app: App, who: Visitor) -> JSONResponse:
    """Open to all; callers who are signed in see details."""
    components = app.health.components()
    states = {component.name: component.state for component in components}
    broken = [name for name in _HARD if states[name] == "error"]
    ailing = [name for name, state in states.items() if state in ("error", "degraded")]
    status = "error" if broken else "degraded" if ailing else "ok"
    body: dict[str, Any] = {
        "status": status,
        "health": {"ok": "healthy", "degraded": "degraded", "error": "unhealthy"}[status],
        "version": f"v{__version__}",
        "timestamp": words.when(app.now()),
        "components": states,
        "subsystems": states,
    }
    if who is not None:
        body["checks"] = {
            component.name: {"state": component.state, "detail": component.detail} for component in components
        }
    return JSONResponse(body, 503 if broken else 200)


@router.get("/health/live", summary="Is the process alive?")
async def live(app: App) -> dict[str, Any]:
    """No look at anything outside the process."""
    return {"status": "ok", "alive": True, "timestamp": words.when(app.now())}


@router.get("/health/ready", summary="Can requests be served?", responses=_UNWELL)
def ready(app: App) -> JSONResponse:
    """Database and storage must answer."""
    states = {component.name: component.state for component in app.health.components()}
    failing = [name for name in _HARD if states[name] == "error"]
    body: dict[str, Any] = {
        "status": "not_ready" if failing else "ready",
        "ready": not failing,
        "timestamp": words.when(app.now()),
        "checks": {name: states[name] for name in (*_HARD, "clamav", "grype")},
    }
    if failing:
        body["failing"] = failing
    return JSONResponse(body, 503 if failing else 200)
