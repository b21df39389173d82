"""Which packages are just being taken in: a publication that waits for them a moment takes them along."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from entrepot.domain.model.suite import SuiteId


class Arrivals:
    """Counts packages between "whole" and "admitted" in this process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: Counter[SuiteId] = Counter()
        self._counted: Callable[[SuiteId, int], None] | None = None

    def report(self, counted: Callable[[SuiteId, int], None]) -> None:
        """Have ``counted`` told of every change of a count, in the order of changes; it must not wait."""
        self._counted = counted

    @contextmanager
    def counted(self, suite_id: SuiteId) -> Iterator[None]:
        """Around taking one in."""
        with self._changed:
            self._change(suite_id, 1)
        try:
            yield
        finally:
            with self._changed:
                self._change(suite_id, -1)
                self._changed.notify_all()

    def _change(self, suite_id: SuiteId, by: int) -> None:
        self._inside[suite_id] += by
        if self._counted is not None:
            self._counted(suite_id, self._inside[suite_id])

    def count(self, suite_id: SuiteId) -> int:
        """How many are inside."""
        return self._inside[suite_id]

    def settle(self, suite_id: SuiteId, seconds: float) -> bool:
        """Wait until none is inside, at most for a time; whether it came to that."""
        with self._changed:
            return self._changed.wait_for(lambda: self._inside[suite_id] == 0, seconds)
