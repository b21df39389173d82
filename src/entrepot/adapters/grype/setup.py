"""The engine that the settings name."""

from __future__ import annotations

from entrepot.adapters.grype.base import Engine
from entrepot.adapters.grype.program import Grype
from entrepot.settings import Settings


def engine_of(settings: Settings) -> Engine | None:
    """None where there is no second one."""
    if not settings.grype:
        return None
    database = settings.grype_database or settings.data.absolute() / "grype"
    return Grype(settings.grype, database, settings.grype_answer_seconds)
