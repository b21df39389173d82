"""When documents that are made later are due: soon after a change, but never most of a processor's time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from entrepot.domain.model.suite import SuiteId

_WAIT_SECONDS = 15.0
_SHARE = 20.0
"""The pause after making them is at least so many times as long as the making."""


class Pace:
    """Remembers since when a suite is behind and how long its documents took last time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._behind_since: dict[SuiteId, float] = {}
        self._took: dict[SuiteId, float] = {}
        self._lock = threading.Lock()

    def due(self, behind: Sequence[SuiteId]) -> list[SuiteId]:
        """Of the suites that are behind, those that have waited long enough; they begin to wait anew."""
        now = self._monotonic()
        with self._lock:
            self._behind_since = {suite_id: self._behind_since.get(suite_id, now) for suite_id in behind}
            found = [
                suite_id
                for suite_id, since in self._behind_since.items()
                if now - since >= max(_WAIT_SECONDS, self._took.get(suite_id, 0.0) * _SHARE)
            ]
            for suite_id in found:
                del self._behind_since[suite_id]
        return found

    @contextmanager
    def measured(self, suite_id: SuiteId) -> Iterator[None]:
        """Around the making."""
        began = self._monotonic()
        yield
        with self._lock:
            self._took[suite_id] = self._monotonic() - began
