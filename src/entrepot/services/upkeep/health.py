"""Is the installation well?  Each component by itself, quickly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.signing.base import Keyring
from entrepot.adapters.storage.base import BlobStore
from entrepot.errors import EntrepotError

_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Component:
    """``state`` is ok, degraded, error or disabled; ``detail`` is for signed-in callers."""

    name: str
    state: str
    detail: str = ""


class Health:
    """Asks every component."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        keyring: Keyring,
        keeper_alive: Callable[[], bool],
        scanners: Sequence[Callable[[], Component]],
        now: Callable[[], datetime],
        directory: Callable[[], tuple[str, str]],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._keyring = keyring
        self._keeper_alive = keeper_alive
        self._scanners = scanners
        self._now = now
        self._directory_state = directory

    def components(self) -> list[Component]:
        """All of them.  Scanners that are not set up are ``disabled``, never ok."""
        return [
            self._database(),
            self._storage(),
            *(scanner() for scanner in self._scanners),
            self._signing(),
            self._scheduler(),
            self._directory(),
        ]

    def _directory(self) -> Component:
        try:
            return Component("directory", *self._directory_state())
        except EntrepotError as error:  # the settings cannot be read
            return Component("directory", "error", error.detail)

    def _database(self) -> Component:
        try:
            self._catalog.ping()
        except EntrepotError as error:
            return Component("database", "error", error.detail)
        return Component("database", "ok")

    def _storage(self) -> Component:
        try:
            with self._blobs.writer() as writer:
                writer.write(b"health")
                writer.reopen().close()
        except EntrepotError as error:
            return Component("storage", "error", error.detail)
        return Component("storage", "ok")

    def _signing(self) -> Component:
        state, ends = "ok", []
        now = self._now()
        try:
            names = self._keyring.names()
            for name in names:
                keys = self._keyring.keys(name)
                ends += [
                    f"{name} {key.fingerprint[-16:]} until {key.expires_at:%Y-%m-%d}" for key in keys if key.expires_at
                ]
                if all(key.expires_at is not None and key.expires_at <= now for key in keys):
                    return Component("gpg", "error", f"every key of {name} has expired; 'entrepot key extend' helps")
                if any(key.expires_at is not None and key.expires_at <= now + _SOON for key in keys):
                    state = "degraded"
        except EntrepotError as error:
            return Component("gpg", "error", error.detail)
        return Component("gpg", state, "; ".join([f"{len(names)} signing identities", *ends]))

    def _scheduler(self) -> Component:
        try:
            with self._catalog.read() as reading:
                waiting = reading.unpublished_suites()
        except EntrepotError as error:
            return Component("scheduler", "error", error.detail)
        if not self._keeper_alive():
            return Component("scheduler", "error", "the scheduler of this node does not run")
        return Component("scheduler", "ok", f"{len(waiting)} suites wait for publication")
