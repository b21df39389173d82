"""The antivirus scanner: is it there, how old are its signatures, have it take newer ones."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.antivirus.base import Scanning, Version
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyRunning, ScannerMissing, ScannerUnavailable
from entrepot.services.upkeep.health import Component

_ASKED_EVERY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ScannerState:
    """``configured`` and away is a fault; not configured is a choice."""

    configured: bool
    version: Version | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did; ``complete`` unless a part of it failed."""

    complete: bool
    version: Version | None
    output: str


class Antivirus:
    """Asks the scanner, and remembers its answer for a moment."""

    def __init__(
        self,
        catalog: Catalog,
        scanning: Scanning | None,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._scanner = scanning.scanner if scanning is not None else None
        self._signatures = scanning.signatures if scanning is not None else None
        self._now = now
        self._monotonic = monotonic
        self._updating = threading.Lock()
        self._last: tuple[float, ScannerState] | None = None

    def status(self, actor: Actor) -> ScannerState:
        """Asked now."""
        demand(actor, Permission.ANTIVIRUS_READ)
        return self._ask()

    def state(self) -> ScannerState:
        """As it was some seconds ago at most; for pages that are asked often."""
        last = self._last
        if last is not None and self._monotonic() - last[0] < _ASKED_EVERY_SECONDS:
            return last[1]
        return self._ask()

    def component(self) -> Component:
        """For the health of the installation."""
        state = self.state()
        if not state.configured:
            return Component("clamav", "disabled", "no antivirus scanner is set up")
        if state.version is None:
            return Component("clamav", "error", f"{state.fault}; what arrives waits until it is back")
        version = state.version
        if version.database is None:
            return Component("clamav", "ok", f"{version.program}, signatures without a date")
        dated = f" of {version.database_date:%Y-%m-%d}" if version.database_date else ""
        return Component("clamav", "ok", f"{version.program}, signatures {version.database}{dated}")

    def update(self, actor: Actor) -> UpdateReport:
        """Fetch newer signatures, where a program for that is set up, and have the scanner read them.

        Raises:
            ScannerMissing: there is none.
            ScannerUnavailable: it does not answer.
            AlreadyRunning: somebody else has asked for it.
        """
        demand(actor, Permission.ANTIVIRUS_UPDATE)
        if self._scanner is None:
            raise ScannerMissing("no antivirus scanner is set up; see ENTREPOT_CLAMD")
        if not self._updating.acquire(blocking=False):
            raise AlreadyRunning("an update of the signatures runs already; wait for it")
        try:
            self._scanner.version()
            fetched, output = self._signatures.run() if self._signatures is not None else (True, "")
            said = self._scanner.reload()
            version = self._scanner.version()
        finally:
            self._updating.release()
        complete = fetched and said == "RELOADING"
        with self._catalog.write() as unit:
            detail: dict[str, JsonValue] = {"fetched": self._signatures is not None and fetched, "reload": said[:100]}
            result = "SUCCESS" if complete else "WARNING"
            unit.audit(AuditEntry("CLAMAV_UPDATE", result, actor, self._now(), detail=detail))
        return UpdateReport(complete, version, "\n".join(text for text in (output, said) if text))

    def _ask(self) -> ScannerState:
        if self._scanner is None:
            return ScannerState(configured=False)
        try:
            state = ScannerState(configured=True, version=self._scanner.version())
        except ScannerUnavailable as error:
            state = ScannerState(configured=True, fault=error.detail)
        self._last = (self._monotonic(), state)
        return state
