"""The part of the port about rates that all nodes share."""

from __future__ import annotations

from typing import Protocol

from entrepot.domain.policy.rates import Rate, Window


class RateReading(Protocol):
    """What was used."""

    def rate_window(self, key: str) -> Window | None:
        """What is remembered of ``key``, whenever it was."""
        ...


class RateWriting(Protocol):
    """Use."""

    def use_rate(self, key: str, rate: Rate, now_ms: int) -> Window | None:
        """Count one more, if ``rate`` leaves room for it, and say how it stands then; none without room.

        One statement, so that many who count the same key at once are all counted.
        """
        ...
