"""What a publication waits for before it begins: packages that are coming in, and clients that come back at once."""

from __future__ import annotations

import time
from collections.abc import Callable

from entrepot.domain.model.suite import SuiteId
from entrepot.services.publish.service import Publisher
from entrepot.services.publish.waiting import Publications

_MOST_SECONDS = 0.1
_QUIET_SECONDS = 0.02
_LOOK_SECONDS = 0.002


class Gathering:
    """Many clients that send one package after the other share generations; a lone one never waits.

    Whoever was answered by the last switch sends the next package a few milliseconds later.  A publication that begins
    in between leaves them out, they wait for the next one, and from then on two crowds take turns, at twice the cost.
    """

    def __init__(self, settle: Callable[[float], object], publications: Publications) -> None:
        self._settle = settle
        self._publications = publications

    def gather(self, publisher: Publisher) -> None:
        """Have its publications wait here."""
        publisher.gather(self.wait)

    def wait(self, suite_id: SuiteId) -> None:
        """Until nothing is being taken in and the crowd is complete, or nobody came for a moment."""
        ends = time.monotonic() + _MOST_SECONDS
        self._settle(_MOST_SECONDS)
        crowd, since = self._publications.crowd(suite_id)
        here = self._publications.waiting_count(suite_id)
        while here < crowd and time.monotonic() < min(ends, since + _QUIET_SECONDS):
            time.sleep(_LOOK_SECONDS)
            now_here = self._publications.waiting_count(suite_id)
            if now_here > here:
                here, since = now_here, time.monotonic()
        self._settle(max(0.0, ends - time.monotonic()))
