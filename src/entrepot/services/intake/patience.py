"""How long to leave a scanner alone that could not be reached."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

_FIRST_SECONDS = 1.0
_MOST_SECONDS = 15.0


class Patience:
    """Doubles the pause with each failure, and ends with the first success."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._until: datetime | None = None

    def pauses(self) -> bool:
        """Whether it is too early to try again."""
        with self._lock:
            return self._until is not None and self._now() < self._until

    @property
    def tries(self) -> bool:
        """Whether the last attempt failed: one is enough to see if that has changed."""
        return self._until is not None

    def failed(self) -> None:
        """Begin a pause, or a longer one."""
        with self._lock:
            if self._until is not None and self._now() < self._until:
                return  # others that had begun before
            self._seconds = min(_MOST_SECONDS, self._seconds * 2) or _FIRST_SECONDS
            self._until = self._now() + timedelta(seconds=self._seconds)

    def succeeded(self) -> None:
        """All is well."""
        with self._lock:
            self._seconds, self._until = 0.0, None
