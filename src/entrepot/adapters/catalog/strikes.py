"""Failures in a row: what a lock is decided by."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class StrikeReading(Protocol):
    """How many, and when was the last one?"""

    def strikes(self, key: str) -> tuple[int, datetime] | None:
        """Count and time of the last failure.  Whether that is long ago is for the caller to say."""
        ...


class StrikeWriting(Protocol):
    """Count."""

    def strike(self, key: str, now: datetime, since: datetime) -> None:
        """One more; the first one again if the last was at ``since`` or before.  ``unthrottle`` forgets them."""
        ...
