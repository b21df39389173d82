"""Goals that another process of the same server pursues."""

from __future__ import annotations

from collections.abc import Callable

from entrepot.adapters.queue.base import Pursuit
from entrepot.domain.jobs.goals import Goal


class HandedQueue:
    """Implements ``Queue`` by handing each goal on at once; what gets lost on the way is found by the keeper there."""

    def __init__(self, hand_on: Callable[[Goal], None]) -> None:
        self._hand_on = hand_on

    def submit(self, goal: Goal) -> None:
        """Hand it on."""
        self._hand_on(goal)

    def start(self, pursue: Pursuit | None) -> None:
        """Nothing is pursued here."""

    def stop(self) -> None:
        """Nothing runs here."""

    def take_over(self, node: str) -> int:
        """The process that works does."""
        return 0

    def waiting_count(self) -> int:
        """Nothing waits here."""
        return 0
