"""How many entries meet some conditions: counted once, then only what came after."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from entrepot.adapters.catalog.auditing import AuditFilter
from entrepot.adapters.catalog.base import Reading

_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class _Count:
    first: int
    upto: int
    total: int


class Counts:
    """Entries never change, so that a count up to one of them holds until the log is cut at its beginning."""

    def __init__(self) -> None:
        self._known: OrderedDict[AuditFilter, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, reading: Reading, wanted: AuditFilter, upto: int) -> int:
        """All of them, up to a number."""
        first = reading.audit_first()
        with self._lock:
            known = self._known.get(wanted)
        if known is None or known.first != first or known.upto > upto:
            known = _Count(first, 0, 0)
        more = reading.audit_count(wanted, known.upto, upto) if known.upto < upto else 0
        count = _Count(first, upto, known.total + more)
        with self._lock:
            self._known[wanted] = count
            self._known.move_to_end(wanted)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return count.total
