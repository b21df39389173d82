"""The last log records of the process that answers, for administrators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from entrepot.adapters.log_ring import LogRecord, LogRing
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand

_LEVELS = ("debug", "info", "warning", "error", "critical")


class Logs:
    """What was logged lately; the whole log is where standard error goes."""

    def __init__(self, ring: LogRing) -> None:
        self._ring = ring

    @property
    def capacity(self) -> int:
        """Most records that are kept."""
        return self._ring.capacity

    def last(self) -> int:
        """Number of the newest record."""
        return self._ring.last()

    def find(self, actor: Actor, *, level: str = "", service: str = "", text: str = "") -> Sequence[LogRecord]:
        """Of at least a level, newest first; an empty condition always holds."""
        demand(actor, Permission.SERVER_WATCH)
        least = _LEVELS.index(level) if level in _LEVELS else 0
        wanted = text.lower()
        return [
            record
            for record in reversed(self._ring.after(0))
            if (_LEVELS.index(record.level) if record.level in _LEVELS else 0) >= least
            and service in ("", record.service)
            and (wanted in record.event.lower() or any(wanted in value.lower() for value in record.fields.values()))
        ]

    def after(self, actor: Actor, number: int) -> tuple[Sequence[LogRecord], int]:
        """What came later, and the number of its last one."""
        demand(actor, Permission.SERVER_WATCH)
        found = self._ring.after(number)
        return found, found[-1].number if found else number

    def services(self, actor: Actor) -> Mapping[str, int]:
        """How many records each part of the program has there."""
        demand(actor, Permission.SERVER_WATCH)
        return dict(sorted(Counter(record.service for record in self._ring.after(0)).items()))
