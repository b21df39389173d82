"""The services of this package side by side."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.services.dashboard.events import Events
from entrepot.services.dashboard.logs import Logs
from entrepot.services.dashboard.service import Dashboard


@dataclass(frozen=True, slots=True)
class Watching:
    """What entry points have of them."""

    dashboard: Dashboard
    events: Events
    logs: Logs
