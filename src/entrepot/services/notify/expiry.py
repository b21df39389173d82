"""Signing keys, and what others have signed, that end soon: told in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.signing.base import Keyring
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.upstream.mirror import MirrorKind
from entrepot.errors import SigningUnavailable

_DAYS = (0, 1, 7, 30)
"""Days ahead; each is told once for a key and an end."""
_EVERY = timedelta(hours=24)
_UPSTREAM_DAYS = (0, 2)
_UPSTREAM_EVERY = timedelta(hours=1)
_REMEMBER_SECONDS = 400 * 86_400


class Expiry(Protocol):
    """Something that is looked at now and then."""

    def due(self) -> bool:
        """Whether it is time."""
        ...

    def look(self) -> None:
        """Tell of what comes nearer to its end."""
        ...


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


class UpstreamExpiry:
    """The day until which an upstream vouches for its index: clients of a verbatim mirror go by it.

    An upstream signs anew long before, so that a day that comes near means that it, or the way to it, is broken.
    """

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now
        self._looked_at: datetime | None = None

    def due(self) -> bool:
        """Whether an hour has passed."""
        return self._looked_at is None or self._now() - self._looked_at >= _UPSTREAM_EVERY

    def look(self) -> None:
        """Tell of each index once when it comes near to its end, and once when that has come."""
        self._looked_at = now = self._now()
        with self._catalog.read() as reading:
            sources = {source.id: source for source in reading.sources()}
            shown = [
                (mirror, reading.suite(mirror.suite_id))
                for mirror in reading.mirrors()
                if mirror.kind is MirrorKind.VERBATIM and mirror.state.root is not None
            ]
        for mirror, suite in shown:
            source, root = sources[mirror.source_id], mirror.state.root
            if root is not None and root.valid_until is not None and source.trust.check_valid_until:
                about: dict[str, JsonValue] = {"mirror": mirror.name, "source": source.name}
                self._tell(f"mirror/{mirror.id}", about, suite.codename, root.valid_until, now)
        for source in sources.values():
            root = source.state.root
            if source.enabled and root is not None and root.valid_until is not None and source.trust.check_valid_until:
                self._tell(f"source/{source.id}", {"source": source.name}, None, root.valid_until, now)

    def _tell(
        self, subject: str, about: dict[str, JsonValue], suite: str | None, ends_at: datetime, now: datetime
    ) -> None:
        left = (ends_at - now) / timedelta(days=1)
        step = next((days for days in _UPSTREAM_DAYS if left <= days), None)
        if step is None:
            return
        told = f"upstream_expiry/{subject}/{ends_at:%Y%m%d%H%M}/{step}"
        with self._catalog.read() as reading:
            if reading.throttled(told, now) is not None:
                return
        when = f"{'has ended' if left <= 0 else 'ends'} at {ends_at:%Y-%m-%d %H:%M} UTC"
        what = f"mirror {about['mirror']} shows" if "mirror" in about else f"source {about['source']} lists"
        detail = {
            **about,
            "valid_until": ends_at.isoformat(),
            "reason": f"the time for which what {what} was signed {when}; clients refuse it after that",
        }
        with self._catalog.write() as unit:
            if unit.throttle(told, now, _REMEMBER_SECONDS) == 1:
                unit.audit(AuditEntry("UPSTREAM_EXPIRY", "WARNING", SYSTEM, now, suite=suite, detail=detail))
