"""The part of the port about numbers for monitoring: few queries, each over a narrow table or an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from entrepot.domain.model.suite import SuiteId


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the whole installation.  ``admissions`` is by state; ``generations`` are kept ones, by suite."""

    packages: int
    package_bytes: int
    audit_entries: int
    admissions: Mapping[str, int]
    generations: Mapping[SuiteId, tuple[int, int]]


class FigureReading(Protocol):
    """Numbers."""

    def totals(self) -> Totals:
        """Everything at once.

        ``audit_entries`` are those ever written; a suite's ``generations`` are how many are kept, and the number of the
        newest.
        """
        ...
