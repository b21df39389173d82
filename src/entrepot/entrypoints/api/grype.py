"""The second engine for vulnerabilities (contract 4.6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends

from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.words import when
from entrepot.services.upkeep.grype import EngineState

Body = dict[str, Any]

router = APIRouter(tags=["security"])


@router.get(
    "/security/grype/status",
    summary="State of the second engine for vulnerabilities",
    dependencies=[Depends(requiring(Permission.ANTIVIRUS_READ))],
)
def grype_status(app: App, who: Who) -> dict[str, Any]:
    """Asked now: ``available`` says that a program is set up, ``valid`` that it has data to compare with."""
    state = app.grype.status(who)
    return {"available": state.configured, **_data_words(state, app.now()), "detail": _detail(state)}


@router.post(
    "/security/grype/update",
    summary="Fetch newer data for the second engine",
    dependencies=[Depends(requiring(Permission.ANTIVIRUS_UPDATE))],
)
def grype_update(app: App, who: Who) -> dict[str, Any]:
    """Runs ``grype db update``; ``warning`` says that it failed, and ``output`` why."""
    report = app.grype.update(who)
    return {
        "status": "ok" if report.complete else "warning",
        **_data_words(report.state, app.now()),
        "output": report.output or _detail(report.state),
    }


def _data_words(state: EngineState, now: datetime) -> Body:
    known = state.knowledge
    built = None if known is None else known.built_at
    return {
        "valid": state.usable,
        "db_schema": None if known is None else known.schema or None,
        "db_date": when(built),
        "db_age_days": None if built is None else max(0, (now - built).days),
    }


def _detail(state: EngineState) -> str:
    return state.fault or (state.knowledge.fault if state.knowledge is not None else "")
