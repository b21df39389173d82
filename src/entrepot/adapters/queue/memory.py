"""Goals in threads of this process, forgotten with it: the twin for tests."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

from entrepot.adapters.queue.base import Pursuit
from entrepot.adapters.queue.turns import Turns
from entrepot.domain.jobs.goals import Goal


class MemoryQueue:
    """Runs each goal in a small pool; failures are kept for the test to see."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._pool: ThreadPoolExecutor | None = None
        self._pursue: Pursuit | None = None
        self.failures: list[Exception] = []
        self._early: list[Goal] = []
        self._lock = threading.Lock()

    def submit(self, goal: Goal) -> None:
        """Pursue soon; before ``start``, remember."""
        with self._lock:
            if self._pool is None:
                self._early.append(goal)
                return
            pool = self._pool
        if self._turns.begin(goal):
            with contextlib.suppress(RuntimeError):  # stopped meanwhile
                pool.submit(self._run, goal)

    def start(self, pursue: Pursuit | None) -> None:
        """Begin."""
        if pursue is None:
            return
        self._pursue = pursue
        with self._lock:
            self._pool = ThreadPoolExecutor(4, thread_name_prefix="goal")
            early, self._early = self._early, []
        for goal in early:
            self.submit(goal)

    def _run(self, goal: Goal) -> None:
        assert self._pursue is not None  # noqa: S101 - set before the pool exists
        try:
            self._pursue(goal)
            while self._turns.another(goal):
                self._pursue(goal)
        except Exception as error:  # noqa: BLE001 - the test reads it
            self.failures.append(error)
            if self._turns.end(goal):
                self.submit(goal)

    def stop(self) -> None:
        """Finish what runs."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def take_over(self, node: str) -> int:
        """Nothing outlives a node here."""
        return 0

    def waiting_count(self) -> int:
        """Running goals."""
        return self._turns.count()
