"""How often something may be asked: a window that slides, made of two that stand still.

What was used in the window before still counts, by the share of it that the last ``period`` covers.  So a new window is
no invitation to ask twice the limit at its edge, and a row of three numbers is all that has to be kept.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """``limit`` requests within ``period_ms``."""

    limit: int
    period_ms: int

    def __str__(self) -> str:
        units = {1000: "second", 60_000: "minute", 3_600_000: "hour", 86_400_000: "day"}
        return f"{self.limit}/{units.get(self.period_ms, f'{self.period_ms} ms')}"


@dataclass(frozen=True, slots=True)
class Window:
    """What is remembered of somebody; times are milliseconds since 1970."""

    began_ms: int
    used: int
    used_before: int

    def at(self, now_ms: int, rate: Rate) -> Window:
        """As it stands at a time: the same, the next one, or an empty one.

        A beginning far in the future is a clock that was wrong; it counts for nothing.
        """
        age = now_ms - self.began_ms
        if -rate.period_ms <= age < rate.period_ms:
            return self
        if rate.period_ms <= age < 2 * rate.period_ms:
            return Window(self.began_ms + rate.period_ms, 0, self.used)
        return Window(now_ms, 0, 0)

    def ends_ms(self, rate: Rate) -> int:
        """When the next one begins."""
        return self.began_ms + rate.period_ms

    def remaining(self, now_ms: int, rate: Rate) -> int:
        """How many more there may be at once."""
        now = self.at(now_ms, rate)
        shared = now.used_before * (rate.period_ms - (now_ms - now.began_ms))
        return max(0, rate.limit - now.used - -(-shared // rate.period_ms))

    def wait_ms(self, now_ms: int, rate: Rate) -> int:
        """How long until there may be one more; 0 for at once."""
        now, period = self.at(now_ms, rate), rate.period_ms
        age, free = now_ms - now.began_ms, rate.limit - 1 - now.used
        if free >= 0:
            return max(0, _fades_ms(now.used_before, free, period) - age)
        return period - age + _fades_ms(now.used, rate.limit - 1, period)


def _fades_ms(before: int, free: int, period_ms: int) -> int:
    """How old a window must be until what was used before it leaves room; never more than the period."""
    return 0 if before <= free else period_ms - free * period_ms // before
