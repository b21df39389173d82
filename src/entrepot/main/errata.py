"""What clients are told about updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from entrepot.domain.model.configuration import Configuration
from entrepot.main.parts import FORMATS, Parts
from entrepot.services.errata import Bulletins, Notices, Rollouts


class Errata(TypedDict):
    """By their names in the application."""

    notices: Notices
    rollouts: Rollouts
    bulletins: Bulletins


def errata(parts: Parts, configuration: Callable[[], Configuration]) -> Errata:
    """All write into suites, and wait for nobody."""
    return Errata(
        notices=Notices(parts.catalog, parts.queue, parts.now),
        rollouts=Rollouts(parts.catalog, parts.queue, parts.now),
        bulletins=Bulletins(parts.catalog, parts.queue, FORMATS, configuration, parts.now),
    )
