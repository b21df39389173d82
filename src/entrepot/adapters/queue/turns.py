"""One pursuit per key at a time, and one more when it was asked for meanwhile; slow goals leave room for others."""

from __future__ import annotations

import threading

from entrepot.domain.jobs.goals import Goal


class Turns:
    """Which goals run on this node, and which have to run again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._again: dict[str, bool] = {}

    def begin(self, goal: Goal) -> bool:
        """True when the caller has to run the goal; false when the one that runs will do another round."""
        with self._lock:
            if goal.key in self._again:
                self._again[goal.key] = True
                return False
            self._again[goal.key] = False
            return True

    def adopt(self, goal: Goal) -> None:
        """Make sure that there is a turn: a pursuit recovered after a crash was not begun in this process."""
        with self._lock:
            self._again.setdefault(goal.key, False)

    def another(self, goal: Goal) -> bool:
        """After a round: true when it was asked for meanwhile, else the turn ends."""
        with self._lock:
            if self._again.get(goal.key):
                self._again[goal.key] = False
                return True
            self._again.pop(goal.key, None)
            return False

    def end(self, goal: Goal) -> bool:
        """After a failed round: end the turn; true when somebody had asked for another."""
        with self._lock:
            return self._again.pop(goal.key, False)

    def count(self) -> int:
        """Turns now."""
        with self._lock:
            return len(self._again)


class Room:
    """For one kind of goals that may take minutes or hours: they must never fill all threads of a node."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._inside: set[str] = set()
        self._waiting: dict[str, Goal] = {}

    def enter(self, goal: Goal) -> bool:
        """True when the caller may start the goal; false when ``leave`` will hand it out later."""
        with self._lock:
            if len(self._inside) < self._places:
                self._inside.add(goal.key)
                return True
            self._waiting[goal.key] = goal
            return False

    def adopt(self, goal: Goal) -> None:
        """Count a goal that runs already: recovered after a crash, or taken from the shared queue."""
        with self._lock:
            self._inside.add(goal.key)
            self._waiting.pop(goal.key, None)

    def leave(self, goal: Goal) -> Goal | None:
        """After the goal; which one to start in its place."""
        with self._lock:
            self._inside.discard(goal.key)
            if not self._waiting or len(self._inside) >= self._places:
                return None
            key = next(iter(self._waiting))
            self._inside.add(key)
            return self._waiting.pop(key)
