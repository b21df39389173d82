"""Rate limits (contract table 1.1): counted in the catalog, so that nodes share them and a restart forgets none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.rates import Rate, Window
from entrepot.errors import TooManyAttempts


@dataclass(frozen=True, slots=True)
class Allowance:
    """How somebody stands with one limit after a request; ``wait_seconds`` is 0 when the request may go on."""

    rate: Rate
    remaining: int
    reset_at: int
    wait_seconds: int = 0

    def demand(self) -> None:
        """Raises ``TooManyAttempts`` when there were too many."""
        if self.wait_seconds:
            raise self.too_many()

    def too_many(self) -> TooManyAttempts:
        """As a failure."""
        return TooManyAttempts(
            f"too many requests; there may be {self.rate}, try again in {self.wait_seconds} s",
            retry_after=self.wait_seconds,
            limit=str(self.rate),
        )


class RateLimits:
    """Counts requests by group."""

    def __init__(self, catalog: Catalog, current: Callable[[], Configuration], now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._current = current
        self._now = now

    def use(self, caller: str, groups: Sequence[str]) -> Allowance:
        """One more request of a caller, in every group or in none; how they stand with the tightest."""
        # In one order everywhere, lest two units wait for each other.
        rates = [(group, self._rate(group)) for group in sorted(groups)]
        now_ms, found = int(self._now().timestamp() * 1000), list[Allowance]()
        try:
            with self._catalog.write(durable=False) as unit:
                for group, rate in rates:
                    key = _key(group, caller, rate)
                    window = unit.use_rate(key, rate, now_ms)
                    if window is None:
                        before = unit.rate_window(key) or Window(now_ms, rate.limit, 0)
                        found = [_allowance(before, rate, now_ms, refused=True)]
                        raise found[0].too_many()
                    found.append(_allowance(window, rate, now_ms, refused=False))
        except TooManyAttempts:  # and what was counted in other groups is taken back
            return found[0]
        return min(found, key=lambda one: one.remaining)

    def _rate(self, group: str) -> Rate:
        limit, seconds = self._current().rate(group)
        return Rate(limit, seconds * 1000)


def _key(group: str, caller: str, rate: Rate) -> str:
    # Another period is another window; another limit is not, and holds at once.
    return f"{group}/{rate.period_ms // 1000}/{caller}"


def _allowance(window: Window, rate: Rate, now_ms: int, *, refused: bool) -> Allowance:
    wait = max(1, -(-window.wait_ms(now_ms, rate) // 1000)) if refused else 0
    reset = -(-window.at(now_ms, rate).ends_ms(rate) // 1000)
    return Allowance(rate, window.remaining(now_ms, rate), reset, wait)
