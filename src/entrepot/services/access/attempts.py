"""Wrong guesses are counted for a name from an address, so that no stranger locks anybody out.

How many lock, and for how long, is in the settings (``security.lockout_*``) and holds at once, for locks that are there
as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Reading, Writing
from entrepot.domain.model.actor import name_key
from entrepot.domain.model.address import source_of
from entrepot.domain.model.configuration import Configuration
from entrepot.errors import TooManyAttempts


@dataclass(frozen=True, slots=True)
class Door:
    """One name, from one address, under the settings of this moment."""

    key: str
    most: int
    lasts: timedelta
    now: Callable[[], datetime]

    def refuse_locked(self, reading: Reading) -> None:
        """Raises ``TooManyAttempts`` for as long after the last failure as the settings say."""
        found, now = reading.strikes(self.key), self.now()
        if found is None or found[0] < self.most or found[1] + self.lasts <= now:
            return
        wait = max(1, int((found[1] + self.lasts - now).total_seconds()) + 1)
        limit = f"{self.most} failures"
        raise TooManyAttempts(f"too many attempts; try again in {wait} s", retry_after=wait, limit=limit)

    def failed(self, unit: Writing) -> None:
        """One more failure; the first one, if the one before is over."""
        now = self.now()
        unit.strike(self.key, now, now - self.lasts)

    def succeeded(self, unit: Writing) -> None:
        """Forget the failures from this address."""
        unit.unthrottle(self.key)


class Attempts:
    """Counters in the catalog: they hold across processes and restarts."""

    def __init__(self, settings: Callable[[], Configuration], now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now

    def at(self, username: str, address: str) -> Door:
        """Before a unit is opened: the settings may have to be read."""
        rule = self._settings().security
        return Door(_lock(username, address), rule.lockout_attempts, timedelta(minutes=rule.lockout_minutes), self._now)

    def unlock(self, unit: Writing, username: str) -> None:
        """Forget the failures from everywhere."""
        unit.unthrottle(_locks(username))


def _locks(username: str) -> str:
    # Hashed: a name is typed by strangers, and now and then it is a password in the wrong field.
    return f"lock/{hashlib.sha256(name_key(username).encode()).hexdigest()}"


def _lock(username: str, address: str) -> str:
    return f"{_locks(username)}/{source_of(address)}"
