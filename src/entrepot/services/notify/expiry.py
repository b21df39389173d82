"""Signing keys that expire soon, told in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.signing.base import Keyring
from entrepot.domain.model.actor import SYSTEM
from entrepot.errors import SigningUnavailable

_DAYS = (0, 1, 7, 30)
"""Days ahead; each is told once for a key and an end."""
_EVERY = timedelta(hours=24)
_REMEMBER_SECONDS = 400 * 86_400


class KeyExpiry:
    """Looks once a day; what is told is an audit entry, and so an event."""

    def __init__(self, catalog: Catalog, keyring: Keyring, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._keyring = keyring
        self._now = now
        self._looked_at: datetime | None = None

    def due(self) -> bool:
        """Whether a day has passed."""
        return self._looked_at is None or self._now() - self._looked_at >= _EVERY

    def look(self) -> None:
        """Tell of every key that comes nearer to its end."""
        self._looked_at = now = self._now()
        for name in self._keyring.names():
            try:
                keys = self._keyring.keys(name)
            except SigningUnavailable:  # told by the health of this installation
                continue
            for key in keys:
                ends_at: datetime | None = getattr(key, "expires_at", None)
                if ends_at is not None:
                    self._tell(name, key.fingerprint, ends_at, now)

    def _tell(self, name: str, fingerprint: str, ends_at: datetime, now: datetime) -> None:
        left = (ends_at - now) / timedelta(days=1)
        step = next((days for days in _DAYS if left <= days), None)
        if step is None:
            return
        told = f"key_expiry/{fingerprint}/{ends_at:%Y%m%d}/{step}"
        days_left = max(0, int(left))
        when = "has expired" if left <= 0 else f"expires on {ends_at:%Y-%m-%d}"
        with self._catalog.write() as unit:
            if unit.throttle(told, now, _REMEMBER_SECONDS) > 1:
                return
            detail: dict[str, JsonValue] = {
                "key": name,
                "fingerprint": fingerprint,
                "expires_at": ends_at.isoformat(),
                "days_left": days_left,
                "reason": f"signing key {name} {when}; clients refuse what it signs after that",
            }
            unit.audit(AuditEntry("KEY_EXPIRY", "WARNING", SYSTEM, now, detail=detail))
