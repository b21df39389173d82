"""One at a time for the same thing, in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Whoever comes second for a key waits, and finds what the first one left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Nobody else has this key meanwhile."""
        with self._lock:
            lock, waiting = self._taken.get(key, (threading.Lock(), 0))
            self._taken[key] = (lock, waiting + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, waiting = self._taken[key]
                if waiting == 1:
                    del self._taken[key]
                else:
                    self._taken[key] = (lock, waiting - 1)
