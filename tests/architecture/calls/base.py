"""A request to a route, and who may make it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from entrepot.domain.model.actor import Role

# Whatever a place in a route is filled with that is not simply absent.
PLACES = {"version": "1.0", "id": "1", "decision_id": "999", "volume": "1"}


@dataclass(frozen=True, slots=True)
class Call:
    """A well-formed request about something that is not there; ``role`` is the lowest that may ask, none is open."""

    method: str
    route: str
    role: Role | None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    challenge: str = "Bearer"

    @property
    def path(self) -> str:
        """With the places filled in."""
        return re.sub(r"\{(\w+)(?::\w+)?\}", lambda place: PLACES.get(place[1], "absent"), self.route)
