"""The last log records of this process, in memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

_MOST = 2000
_MOST_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line.  ``service`` is the part of the program that wrote it: the event up to its first dot."""

    number: int
    timestamp: str
    level: str
    service: str
    event: str
    fields: Mapping[str, str]


class LogRing:
    """Bounded in number and size; written by any thread."""

    def __init__(self, most: int = _MOST) -> None:
        self.capacity = most
        self._records: deque[LogRecord] = deque(maxlen=most)
        self._lock = threading.Lock()
        self._number = 0

    def add(self, timestamp: str, level: str, event: str, fields: Mapping[str, object], service: str = "") -> None:
        """Forgets the oldest one beyond the limit."""
        texts = {name: str(value)[:_MOST_CHARACTERS] for name, value in fields.items()}
        named = service or (event.partition(".")[0] if "." in event and " " not in event else "server")
        with self._lock:
            self._number += 1
            record = LogRecord(self._number, timestamp, level, named, event[:_MOST_CHARACTERS], texts)
            self._records.append(record)

    def after(self, number: int) -> list[LogRecord]:
        """What came after a number and is still there, oldest first."""
        with self._lock:
            return [record for record in self._records if record.number > number]

    def last(self) -> int:
        """Number of the newest record; 0 for none."""
        with self._lock:
            return self._number
