"""What somebody who is signed in was not allowed to do: noted, but not as often as it is tried."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import AuditEntry
from entrepot.domain.model.actor import Actor
from entrepot.errors import EntrepotError

_log = structlog.get_logger(__name__)
_PAUSE = timedelta(minutes=10)
_REMEMBERED = 4096


class Refusals:
    """One entry for each person, address and operation in ten minutes: nobody fills the log by asking in vain."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now
        self._noted: OrderedDict[tuple[str, str, str], datetime] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, actor: Actor, operation: str, permission: str) -> None:
        """``operation`` is a method and a route.  When it cannot be recorded, the refusal holds all the same."""
        now = self._now()
        if not self._is_news((actor.name, actor.address, operation), now):
            return
        detail = {"operation": operation, "permission": permission}
        try:
            with self._catalog.write() as unit:
                unit.audit(AuditEntry("ACCESS", "BLOCKED", actor, now, detail=detail))
        except EntrepotError as error:
            _log.warning("audit.refusal_lost", reason=error.detail)

    def _is_news(self, key: tuple[str, str, str], now: datetime) -> bool:
        with self._lock:
            last = self._noted.get(key)
            if last is not None and now - last < _PAUSE:
                return False
            self._noted[key] = now
            self._noted.move_to_end(key)
            if len(self._noted) > _REMEMBERED:
                self._noted.popitem(last=False)
            return True
