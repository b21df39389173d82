"""Search in the audit log: all of it, by any conditions, page by page."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.adapters.catalog.auditing import AuditFilter, ChainedEntry
from entrepot.adapters.catalog.base import Catalog
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.services.audit.counts import Counts


class AuditLog:
    """What was done, by whom."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._counts = Counts()

    def page(
        self, actor: Actor, wanted: AuditFilter, offset: int, limit: int, *, ascending: bool = False
    ) -> tuple[Sequence[ChainedEntry], int]:
        """Some entries, newest first unless ``ascending``, and the number of all that meet the conditions."""
        demand(actor, Permission.AUDIT_READ)
        with self._catalog.read() as reading:
            upto = reading.audit_head().number
            total = self._counts.of(reading, wanted, upto)
            if offset >= total:
                return (), total
            return reading.audit_page(wanted, offset, limit, upto, ascending=ascending), total
