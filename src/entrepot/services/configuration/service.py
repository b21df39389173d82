"""The settings document: read from memory, changed in one unit with its audit entry."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import cast

import structlog

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.sealing import Sealer
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import SealBroken
from entrepot.services.configuration import documents
from entrepot.services.configuration.documents import Document, policy_changes

_log = structlog.get_logger(__name__)
_FACT = "configuration"
_REMEMBER_SECONDS = 1.0


class Configurations:
    """Only what differs from the defaults is kept, so that a newer program's defaults reach older installations.

    ``defaults`` are laid over those of the program: what the environment says about this installation.
    """

    def __init__(
        self, catalog: Catalog, secret: bytes, now: Callable[[], datetime], defaults: Mapping[str, JsonValue]
    ) -> None:
        self._catalog = catalog
        self._defaults = defaults
        documents.checked(defaults)
        self._sealer = Sealer(secret, "settings")
        self._now = now
        self._lock = threading.Lock()
        self._known: Configuration | None = None
        self._known_at = 0.0
        self._known_version: int | None = None

    def current(self) -> Configuration:
        """What is in force; cheap enough for every request."""
        with self._lock:
            if self._known is not None and self._is_fresh():
                return self._known
        version = self._catalog.version()
        with self._catalog.read() as reading:
            found = self._opened(self._stored(reading))
        with self._lock:
            self._known, self._known_at, self._known_version = found, time.monotonic(), version
        return found

    def _is_fresh(self) -> bool:
        if time.monotonic() - self._known_at < _REMEMBER_SECONDS:
            return True
        version = self._catalog.version()
        if version is None or version != self._known_version:
            return False
        self._known_at = time.monotonic()
        return True

    def show(self, actor: Actor) -> Document:
        """Nested and flat, secrets masked."""
        demand(actor, Permission.SETTING_READ)
        return documents.shown(self.current())

    def change(self, actor: Actor, given: Mapping[str, JsonValue]) -> Document:
        """Lay a partial document, nested or flat, over what is there.

        Null brings a default back; a mask leaves a secret as it was.

        Raises:
            InvalidRequest: a key is unknown, or a value against its rule.
            MistypedSetting: a value has another type.
        """
        demand(actor, Permission.SETTING_WRITE)
        change = documents.without_masks(documents.nested(given))

        def entry(before: Configuration, after: Configuration) -> AuditEntry:
            detail: dict[str, JsonValue] = {"settings": documents.names(change), **policy_changes(before, after)}
            return AuditEntry("SETTINGS_CHANGE", "SUCCESS", actor, self._now(), detail=detail)

        return documents.shown(self.lay(actor, change, entry))

    def switch_mirrors(self, actor: Actor, switched: Mapping[str, bool]) -> Mapping[str, bool]:
        """Sources whose mirrors run by the plan, for those who may change sources; all of them come back."""
        demand(actor, Permission.SOURCE_WRITE)

        def entry(_before: Configuration, _after: Configuration) -> AuditEntry:
            names: list[JsonValue] = [f"mirror.sources.{name}" for name in sorted(switched)]
            return AuditEntry("SETTINGS_CHANGE", "SUCCESS", actor, self._now(), detail={"settings": names})

        return self._lay({"mirror": {"sources": dict(switched)}}, entry).mirror.sources

    def lay(
        self, actor: Actor, change: Document, entry: Callable[[Configuration, Configuration], AuditEntry]
    ) -> Configuration:
        """Lay a nested partial document over what is there; ``entry`` says before and after in the audit log.

        Raises:
            InvalidRequest, MistypedSetting: as ``change`` does.
        """
        demand(actor, Permission.SETTING_WRITE)
        return self._lay(change, entry)

    def _lay(self, change: Document, entry: Callable[[Configuration, Configuration], AuditEntry]) -> Configuration:
        with self._catalog.write() as unit:
            stored = self._stored(unit)
            after = documents.overlaid(stored, documents.with_secrets(change, self._sealer.seal))
            found = self._opened(after)
            unit.set_fact(_FACT, cast("JsonValue", after))
            unit.audit(entry(self._opened(stored), found))
        with self._lock:
            self._known, self._known_at, self._known_version = found, time.monotonic(), None
        return found

    def foreseen(self, change: Document) -> Configuration:
        """What would be in force after a change; nothing is changed.

        Raises:
            InvalidRequest, MistypedSetting: as ``change`` does.
        """
        with self._catalog.read() as reading:
            stored = self._stored(reading)
        return self._opened(documents.overlaid(stored, change))

    def _stored(self, reading: Reading) -> Document:
        return cast("Document", reading.fact(_FACT) or {})

    def _opened(self, stored: Document) -> Configuration:
        opened = documents.with_secrets(stored, self._open)
        return documents.checked(documents.overlaid(self._defaults, opened))

    def _open(self, sealed: str) -> str:
        try:
            return self._sealer.open(sealed)
        except SealBroken as error:
            _log.warning("configuration.secret_lost", reason=error.detail)
            return ""
