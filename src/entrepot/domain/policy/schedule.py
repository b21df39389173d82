"""When something that runs once a day in the time of a place runs next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim


class Planned(Protocol):
    """A section of the settings that has a time of day."""

    @property
    def enabled(self) -> bool:
        """Whether it runs by itself."""
        ...

    @property
    def hour(self) -> int:
        """Of local time."""
        ...

    @property
    def minute(self) -> int:
        """Of the hour."""
        ...

    @property
    def timezone(self) -> str:
        """A name of the time zone database."""
        ...


def plan_text(planned: Planned) -> str:
    """What tells one plan from another; ``off`` when nothing is planned."""
    return f"{planned.hour:02}:{planned.minute:02} {planned.timezone}" if planned.enabled else "off"


def next_run(planned: Planned, after: datetime) -> datetime:
    """The first time of the plan after a moment, in UTC.

    A local time that a change to summer time leaves out comes as soon as the clocks go on; one that comes twice counts
    the first time only.
    """
    local = after.astimezone(ZoneInfo(planned.timezone))
    for found in CronSim(f"{planned.minute} {planned.hour} * * *", local):
        at = found.astimezone(UTC)
        if at > after:  # within the hour that comes twice, the library may look back
            return at
    raise AssertionError("there is always another day")
