"""The antivirus scanner (contract 4.6)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from entrepot.adapters.antivirus.base import Version
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.words import when
from entrepot.services.upkeep.antivirus import ScannerState

Body = dict[str, Any]

router = APIRouter(tags=["security"])


@router.get(
    "/security/clamav/status",
    summary="State of the antivirus scanner",
    dependencies=[Depends(requiring(Permission.ANTIVIRUS_READ))],
)
def clamav_status(app: App, who: Who) -> dict[str, Any]:
    """Asked now.  The scanner is reached over its socket, so that its files are not known here."""
    state = app.antivirus.status(who)
    version = None if state.version is None else state.version.program
    return {
        **clamav_block(state),
        "version": version,
        "db_files": [],
        "cooldown_until": None,
        "detail": state.fault or ("" if state.configured else "no antivirus scanner is set up; see ENTREPOT_CLAMD"),
    }


@router.post(
    "/security/clamav/update",
    summary="Take newer signatures",
    dependencies=[Depends(requiring(Permission.ANTIVIRUS_UPDATE))],
)
def clamav_update(app: App, who: Who) -> dict[str, Any]:
    """Runs the program of ``ENTREPOT_FRESHCLAM``, if there is one, and has clamd read its signatures again.

    ``warning`` says that a part of it failed; ``output`` tells which.
    """
    report = app.antivirus.update(who)
    return {
        "status": "ok" if report.complete else "warning",
        **signature_words(report.version),
        "output": report.output,
    }


def signature_words(version: Version | None) -> Body:
    """The scanner's signatures."""
    return {
        "db_version": None if version is None else version.database,
        "db_date": None if version is None else when(version.database_date),
    }


def clamav_block(state: ScannerState) -> Body:
    """The scanner on a dashboard."""
    running = state.version is not None
    return {"available": state.configured, **signature_words(state.version), "daemon_running": running}
