"""Wrong guesses are counted for a name from an address, so that no stranger locks anybody out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from entrepot.adapters.catalog.base import Reading, Writing
from entrepot.domain.model.actor import name_key
from entrepot.domain.model.address import source_of
from entrepot.errors import TooManyAttempts

_FAILURES_UNTIL_LOCK = 5
_LOCK_SECONDS = 900


class Attempts:
    """Counters in the catalog: they hold across processes and restarts."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def refuse_locked(self, reading: Reading, username: str, address: str) -> None:
        """Raises ``TooManyAttempts`` after too many failures for this name from this address."""
        window = reading.throttled(_lock(username, address), self._now())
        if window is not None and window[0] >= _FAILURES_UNTIL_LOCK:
            self._refuse(window[1], f"{_FAILURES_UNTIL_LOCK} failures")

    def failed(self, unit: Writing, username: str, address: str) -> None:
        """One more failure."""
        unit.throttle(_lock(username, address), self._now(), _LOCK_SECONDS)

    def succeeded(self, unit: Writing, username: str, address: str) -> None:
        """Forget the failures from this address."""
        unit.unthrottle(_lock(username, address))

    def unlock(self, unit: Writing, username: str) -> None:
        """Forget the failures from everywhere."""
        unit.unthrottle(_locks(username))

    def _refuse(self, until: datetime, limit: str) -> None:
        wait = max(1, int((until - self._now()).total_seconds()) + 1)
        raise TooManyAttempts(f"too many attempts; try again in {wait} s", retry_after=wait, limit=limit)


def _locks(username: str) -> str:
    # Hashed: a name is typed by strangers, and now and then it is a password in the wrong field.
    return f"lock/{hashlib.sha256(name_key(username).encode()).hexdigest()}"


def _lock(username: str, address: str) -> str:
    return f"{_locks(username)}/{source_of(address)}"
