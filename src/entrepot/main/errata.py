"""What clients are told about updates."""

from __future__ import annotations

from typing import TypedDict

from entrepot.main.parts import Parts
from entrepot.services.errata import Notices, Rollouts


class Errata(TypedDict):
    """By their names in the application."""

    notices: Notices
    rollouts: Rollouts


def errata(parts: Parts) -> Errata:
    """Both write into suites, and wait for nobody."""
    return Errata(
        notices=Notices(parts.catalog, parts.queue, parts.now),
        rollouts=Rollouts(parts.catalog, parts.queue, parts.now),
    )
