"""Uploads that other processes of this server are taking in, or that wait there for a publication made here."""

from __future__ import annotations

import threading
import time

from entrepot.domain.model.suite import SuiteId

_FRESH_SECONDS = 5.0
"""What nobody has said again for so long is not waited for: who said it may hang."""

_Counts = dict[tuple[int, SuiteId], tuple[int, float]]


class Presence:
    """Counts by process and suite, as the processes say them; for ``Gathering``."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._arriving: _Counts = {}
        self._waiting: _Counts = {}

    def note_arriving(self, process: int, suite_id: SuiteId, count: int) -> None:
        """So many are being taken in."""
        self._note(self._arriving, process, suite_id, count)

    def note_waiting(self, process: int, suite_id: SuiteId, count: int) -> None:
        """So many wait."""
        self._note(self._waiting, process, suite_id, count)

    def forget(self, process: int) -> None:
        """It has ended, and whatever it was taking in with it."""
        with self._changed:
            for counts in (self._arriving, self._waiting):
                for key in [key for key in counts if key[0] == process]:
                    del counts[key]
            self._changed.notify_all()

    def count(self, suite_id: SuiteId) -> int:
        """How many are being taken in."""
        return self._sum(self._arriving, suite_id)

    def waiting_count(self, suite_id: SuiteId) -> int:
        """How many wait."""
        return self._sum(self._waiting, suite_id)

    def settle(self, suite_id: SuiteId, seconds: float) -> bool:
        """Wait until none is being taken in, at most for a time; whether it came to that."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count(suite_id) == 0, seconds)

    def _note(self, counts: _Counts, process: int, suite_id: SuiteId, count: int) -> None:
        with self._changed:
            if count:
                counts[process, suite_id] = (count, time.monotonic())
            else:
                counts.pop((process, suite_id), None)
            self._changed.notify_all()

    def _sum(self, counts: _Counts, suite_id: SuiteId) -> int:
        oldest = time.monotonic() - _FRESH_SECONDS
        return sum(count for (_, suite), (count, at) in list(counts.items()) if suite == suite_id and at > oldest)
