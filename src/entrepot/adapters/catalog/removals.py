"""The part of the port about suites that are removed.

A row stays behind, without a name: what came and went, who asked and who decided is told with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from entrepot.domain.model.suite import SuiteId


class RemovalReading(Protocol):
    """What can be asked."""

    def uses(self, suite_id: SuiteId, most: int) -> list[str]:
        """What would be left without the suite, each as words for a person."""
        ...


class RemovalWriting(RemovalReading, Protocol):
    """What can be changed."""

    def remove_suite(self, suite_id: SuiteId, now: datetime) -> None:
        """Nobody finds it any more, and nothing can be put into it.  Its packages stay until ``empty_removed``."""
        ...

    def empty_removed(self, most: int) -> int:
        """Take so many packages out of suites that were removed; how many."""
        ...
