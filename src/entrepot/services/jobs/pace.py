"""How often progress is written: a few times a second, whatever a worker says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from entrepot.adapters.catalog.jobs import JobChange
from entrepot.adapters.catalog.records import JsonValue

Event = tuple[datetime, Mapping[str, JsonValue]]

WRITE_EVERY_SECONDS = 0.4
_MOST_WAITING = 200
_EVENT_BYTES = 4096
_TEXT = 500


@dataclass(slots=True)
class Pace:
    """What waits to be written of one job."""

    change: JobChange = field(default_factory=JobChange)
    events: list[Event] = field(default_factory=list)
    left_out: int = 0
    written_at: float = float("-inf")
    asked_at: float = float("-inf")
    wanted: bool = False

    def add(self, change: JobChange, event: Event | None) -> None:
        """Later counts replace earlier ones; of a flood of events the last ones are left out, and that is told."""
        given = {name: value for name in change.__slots__ if (value := getattr(change, name)) is not None}
        self.change = replace(self.change, **given)
        if event is not None:
            if len(self.events) < _MOST_WAITING:
                self.events.append((event[0], bounded(event[1])))
            else:
                self.left_out += 1

    def due(self, now: float) -> bool:
        """Whether it is time to write."""
        return now - self.written_at >= WRITE_EVERY_SECONDS

    def take(self, now: float, at: datetime) -> tuple[JobChange, list[Event]]:
        """All that waits; the caller writes it."""
        change, events = self.change, self.events
        if self.left_out:
            events = [*events, (at, {"level": "info", "message": f"{self.left_out} more events at once, not kept"})]
        self.change, self.events, self.left_out, self.written_at = JobChange(), [], 0, now
        return change, events

    @property
    def waits(self) -> bool:
        """Whether there is anything."""
        return not self.change.empty or bool(self.events)


def bounded(event: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """An event as it is kept: not more than 4 KiB; of a larger one the short texts and numbers."""
    if len(json.dumps(event, default=str)) <= _EVENT_BYTES:
        return event
    short: dict[str, JsonValue] = {}
    for name, value in list(event.items())[:12]:
        if isinstance(value, str):
            short[name[:40]] = value[: _TEXT // (1 if name == "message" else 5)]
        elif isinstance(value, (int, float)) or value is None:
            short[name[:40]] = value
    return short
