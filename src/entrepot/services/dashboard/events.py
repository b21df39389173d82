"""Entries of the audit log, in the order in which they were written, for those who watch."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.adapters.catalog.auditing import ChainedEntry
from entrepot.adapters.catalog.base import Catalog
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand, permitted

_AT_ONCE = 200


class Events:
    """Numbered by the log itself, so that a watcher who was away goes on after the last number it knows."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def newest(self) -> int:
        """Number of the last entry."""
        with self._catalog.read() as reading:
            return reading.audit_head().number

    def version(self) -> int | None:
        """Differs after any commit; none where only ``newest`` can tell."""
        return self._catalog.version()

    def after(self, actor: Actor, number: int) -> tuple[Sequence[ChainedEntry], int]:
        """The next entries that the actor may see, and the number of the last one that was looked at."""
        demand(actor, Permission.DASHBOARD_READ)
        everything = permitted(actor, Permission.AUDIT_READ)
        with self._catalog.read() as reading:
            found = reading.audit_chain(number, _AT_ONCE)
        seen = [one for one in found if everything or one.entry.package is not None]
        return seen, found[-1].number if found else number
