"""Clients without their addresses: the same within a day, and nobody's on the next."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import date

from entrepot.adapters.catalog.base import Writing
from entrepot.domain.model.address import source_of

_DAYS_REMEMBERED = 8
_CHARACTERS = 20


class Pseudonyms:
    """Hashes of addresses, keyed by the installation's secret and a salt of the day.

    Both are needed for the way back, which for addresses is short: the salt is removed when the day is over.
    With ``plain`` an address stands for itself.
    """

    def __init__(self, secret: bytes, *, plain: bool) -> None:
        self._secret = secret
        self._plain = plain
        self._keys: dict[date, bytes] = {}

    def prepare(self, unit: Writing, days: Iterable[date]) -> None:
        """Look up what ``of`` needs for these days.  Salts are agreed upon by all processes."""
        for day in sorted(set(days)):
            # Asked each time: a day that was folded meanwhile has another salt.
            salt = unit.download_salt(day, secrets.token_hex(16))
            self._keys[day] = hmac.digest(self._secret, f"downloads/{salt}".encode(), "sha256")
        for day in sorted(self._keys)[:-_DAYS_REMEMBERED]:
            del self._keys[day]

    def of(self, day: date, address: str) -> str:
        """Of one client."""
        if self._plain:
            return address[:64]
        message = source_of(address).encode("utf-8", "surrogatepass")
        return hmac.new(self._keys[day], message, hashlib.sha256).hexdigest()[:_CHARACTERS]
