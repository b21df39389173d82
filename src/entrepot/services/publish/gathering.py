"""What a publication waits for before it begins: packages that are coming in, and clients that come back at once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from entrepot.domain.model.suite import SuiteId
from entrepot.services.publish.service import Published, Publisher

_LEAST_SECONDS, _MOST_SECONDS = 0.1, 0.5
_PATIENCE = 3
"""A crowd is waited for as long as it comes on, with pauses of a third of what a generation took last time."""
_LOOK_SECONDS = 0.002


class Arriving(Protocol):
    """Packages that are being taken in; see ``Arrivals`` of the intake."""

    def count(self, suite_id: SuiteId) -> int:
        """How many."""
        ...

    def settle(self, suite_id: SuiteId, seconds: float) -> bool:
        """Wait until there is none, at most for a time."""
        ...


class Waiting(Protocol):
    """Uploads that wait for their generation; see ``Publications``."""

    def waiting_count(self, suite_id: SuiteId) -> int:
        """How many."""
        ...


@dataclass(slots=True)
class _Crowd:
    """How many sent packages at once when the last generation was switched, when that was, and how long it took."""

    size: int = 0
    began: float = 0.0
    switched: float = 0.0

    def worth(self) -> float:
        """How long to wait at most: about as long as one more generation would take."""
        return min(_MOST_SECONDS, max(_LEAST_SECONDS, self.switched - self.began))

    def pause(self) -> float:
        """How long nobody may come before it counts as gone."""
        return min(_MOST_SECONDS, max(0.0, self.switched - self.began)) / _PATIENCE


class Gathering:
    """Many clients that send one package after the other share generations; a lone one never waits.

    Whoever was answered by the last switch sends the next package a few milliseconds later.  A publication that begins
    in between leaves them out, they wait for the next one, and from then on two crowds take turns, at twice the cost.
    """

    def __init__(self, arriving: Arriving, waiting: Waiting) -> None:
        self._arriving = arriving
        self._waiting = waiting
        self._crowds: dict[SuiteId, _Crowd] = {}

    def gather(self, publisher: Publisher) -> None:
        """Have its publications wait here, and nowhere else."""
        publisher.gather(self.wait, self._note)

    def _note(self, published: Published) -> None:
        crowd = self._crowds.setdefault(published.suite_id, _Crowd())
        here = self._waiting.waiting_count(published.suite_id) + self._arriving.count(published.suite_id)
        # One that goes away is missed for a few generations, as one that was counted too late would be.
        crowd.size, crowd.switched = max(here, crowd.size - 1), time.monotonic()

    def wait(self, suite_id: SuiteId) -> None:
        """Until nothing is being taken in and the crowd is complete, or nobody came for a moment."""
        crowd = self._crowds.setdefault(suite_id, _Crowd())
        ends, last = time.monotonic() + crowd.worth(), crowd.switched
        self._arriving.settle(suite_id, crowd.worth())
        here = self._waiting.waiting_count(suite_id)
        while here < crowd.size and (now := time.monotonic()) < min(ends, last + crowd.pause()):
            time.sleep(_LOOK_SECONDS)
            now_here = self._waiting.waiting_count(suite_id)
            if now_here > here:
                here, last = now_here, now
        self._arriving.settle(suite_id, max(0.0, ends - time.monotonic()))
        crowd.began = time.monotonic()
