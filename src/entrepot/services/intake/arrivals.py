"""Which packages are just being taken in: a publication that waits for them a moment takes them along."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Arrivals:
    """Counts packages between "whole" and "admitted" in this process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Around taking one in."""
        with self._changed:
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def settle(self, seconds: float) -> bool:
        """Wait until none is inside, at most for a time; whether it came to that."""
        with self._changed:
            return self._changed.wait_for(lambda: self._inside == 0, seconds)
