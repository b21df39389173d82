"""The second engine for vulnerabilities: is it there, how old are its data, have it fetch newer ones."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.grype.base import Engine, EngineFailed, Knowledge
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyRunning, ScannerMissing
from entrepot.services.upkeep.health import Component

_ASKED_EVERY_SECONDS = 60.0
_MISSING = "no second engine is set up; see ENTREPOT_GRYPE"


@dataclass(frozen=True, slots=True)
class EngineState:
    """``configured`` and without an answer is a fault; not configured is a choice."""

    configured: bool
    knowledge: Knowledge | None = None
    fault: str = ""

    @property
    def usable(self) -> bool:
        """Whether it can compare anything."""
        return self.knowledge is not None and not self.knowledge.fault


@dataclass(frozen=True, slots=True)
class EngineUpdate:
    """What an update did; ``complete`` if newer data, or the same, can be used."""

    complete: bool
    state: EngineState
    output: str


class SecondEngine:
    """Asks the program, and remembers its answer for a minute: each question is a process."""

    def __init__(
        self, catalog: Catalog, engine: Engine | None, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._catalog = catalog
        self._engine = engine
        self._now = now
        self._monotonic = monotonic
        self._updating = threading.Lock()
        self._asking = threading.Lock()
        self._last: tuple[float, EngineState] | None = None

    def status(self, actor: Actor) -> EngineState:
        """Asked now."""
        demand(actor, Permission.ANTIVIRUS_READ)
        return self._ask()

    def component(self) -> Component:
        """For the health of the installation, as it was a minute ago at most."""
        if self._engine is None:
            return Component("grype", "disabled", "no vulnerability scanner is set up")
        state = self._remembered()
        if not state.usable:
            why = state.fault or (state.knowledge.fault if state.knowledge else "")
            return Component("grype", "error", why[:500])
        built = state.knowledge.built_at if state.knowledge else None
        return Component("grype", "ok", f"data of {built:%Y-%m-%d}" if built else "data without a date")

    def update(self, actor: Actor) -> EngineUpdate:
        """Have it fetch newer data, over the network.

        Raises:
            ScannerMissing: there is none.
            AlreadyRunning: somebody else has asked for it.
        """
        demand(actor, Permission.ANTIVIRUS_UPDATE)
        if self._engine is None:
            raise ScannerMissing(_MISSING)
        if not self._updating.acquire(blocking=False):
            raise AlreadyRunning("an update of the data of grype runs already; wait for it")
        try:
            fetched, output = self._engine.update()
            state = self._ask()
        finally:
            self._updating.release()
        complete = fetched and state.usable
        built = state.knowledge.built_at if state.knowledge else None
        detail: dict[str, JsonValue] = {"fetched": fetched, "built": built.isoformat() if built else None}
        result = "SUCCESS" if complete else "WARNING"
        with self._catalog.write() as unit:
            unit.audit(AuditEntry("GRYPE_DB_UPDATE", result, actor, self._now(), detail=detail))
        return EngineUpdate(complete, state, output)

    def _remembered(self) -> EngineState:
        with self._asking:
            last = self._last
            if last is not None and self._monotonic() - last[0] < _ASKED_EVERY_SECONDS:
                return last[1]
            return self._ask()

    def _ask(self) -> EngineState:
        if self._engine is None:
            return EngineState(configured=False, fault=_MISSING)
        try:
            state = EngineState(configured=True, knowledge=self._engine.knowledge())
        except EngineFailed as error:
            state = EngineState(configured=True, fault=str(error))
        self._last = (self._monotonic(), state)
        return state
