"""Guesses at a second factor.

Only who knows the password gets as far as here, so that these limits cannot be used by strangers to lock somebody out.
They are counted before the code is looked at: however many guesses come at once, only so many are looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Reading, Writing
from entrepot.domain.model.actor import name_key
from entrepot.domain.model.address import source_of
from entrepot.errors import NotSignedIn, TooManyAttempts

CHALLENGE_LIFETIME = timedelta(minutes=5)
_PER_CHALLENGE = 5
_PER_ADDRESS = 5
_ADDRESS_SECONDS = 900
# From all addresses together: with three codes good at a time, about one chance in 17,000 in an hour.
_PER_ACCOUNT = 20
_ACCOUNT_SECONDS = 3600


class Guesses:
    """Counters in the catalog."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def count(self, unit: Writing, username: str, address: str, challenge: str = "") -> None:
        """One more.

        Raises:
            NotSignedIn: too many for one challenge; the sign-in begins anew.
            TooManyAttempts: too many for the account.
        """
        who = _who(username)
        self._limit(unit, f"second-all/{who}", _PER_ACCOUNT, _ACCOUNT_SECONDS)
        self._limit(unit, f"second/{who}/{source_of(address)}", _PER_ADDRESS, _ADDRESS_SECONDS)
        if challenge:
            key = f"challenge/{challenge}"
            if unit.throttle(key, self._now(), int(CHALLENGE_LIFETIME.total_seconds())) > _PER_CHALLENGE:
                raise NotSignedIn("too many wrong codes; sign in again with your password")

    def _limit(self, unit: Writing, key: str, most: int, seconds: int) -> None:
        now = self._now()
        if unit.throttle(key, now, seconds) > most:
            self._refuse(unit, key, now, f"{most} failures")

    def _refuse(self, reading: Reading, key: str, now: datetime, limit: str) -> None:
        window = reading.throttled(key, now)
        until = now if window is None else window[1]
        wait = max(1, int((until - now).total_seconds()) + 1)
        raise TooManyAttempts(f"too many wrong codes; try again in {wait} s", retry_after=wait, limit=limit)

    def right(self, unit: Writing, username: str) -> None:
        """Forget the failures from everywhere: the code was right, or an administrator says so."""
        for kind in ("second-all", "second"):
            unit.unthrottle(f"{kind}/{_who(username)}")


def _who(username: str) -> str:
    return hashlib.sha256(name_key(username).encode()).hexdigest()
