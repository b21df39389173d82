"""What this node tries, and how long it leaves alone what failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from entrepot.domain.jobs.goals import Goal

FIRST_SECONDS, LONGEST_SECONDS = 2.0, 60.0


class Attempts:
    """Goals that run here and goals that failed here, by key.

    Whoever submits a goal because something happened is never kept waiting.  Only what is found undone again and again
    is left alone for longer each time, so that a suite that cannot be published does not keep a processor busy or fill
    the log.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._failures: dict[str, tuple[int, datetime]] = {}

    @contextmanager
    def trying(self, goal: Goal, now: Callable[[], datetime]) -> Iterator[None]:
        """Around one pursuit."""
        with self._lock:
            self._running.add(goal.key)
        try:
            yield
        except BaseException:
            with self._lock:
                count, _ = self._failures.get(goal.key, (0, None))
                pause = min(FIRST_SECONDS * 2 ** min(count, 10), LONGEST_SECONDS)
                self._failures[goal.key] = (count + 1, now() + timedelta(seconds=pause))
            raise
        else:
            with self._lock:
                self._failures.pop(goal.key, None)
        finally:
            with self._lock:
                self._running.discard(goal.key)

    def due(self, goals: Collection[Goal], now: datetime) -> list[Goal]:
        """Those to be tried now, in order; failures of what is not to be done any more are forgotten."""
        with self._lock:
            wanted = {goal.key for goal in goals}
            self._failures = {key: failed for key, failed in self._failures.items() if key in wanted}
            return [goal for goal in goals if goal.key not in self._running and self._rested(goal, now)]

    def _rested(self, goal: Goal, now: datetime) -> bool:
        failed = self._failures.get(goal.key)
        return failed is None or now >= failed[1]
