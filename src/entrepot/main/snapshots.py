"""Content that is frozen, and the names that show it."""

from __future__ import annotations

from typing import TypedDict

from entrepot.main.parts import FORMATS, Parts
from entrepot.services.snapshots import Environments, Snapshots


class Frozen(TypedDict):
    """By their names in the application."""

    snapshots: Snapshots
    environments: Environments


def frozen(parts: Parts) -> Frozen:
    """Both only write rows; what machines see follows from these."""
    return Frozen(
        snapshots=Snapshots(parts.catalog, FORMATS, parts.now),
        environments=Environments(parts.catalog, FORMATS, parts.now),
    )
