"""Failures in a row, so that people hear when it begins and when it ends, and not each time."""

from __future__ import annotations

from datetime import datetime

from entrepot.adapters.catalog.base import Writing
from entrepot.domain.upstream.source import Source

MIRROR_PATIENCE = 1
SOURCE_PATIENCE = 3
"""A source that is away for a night is no news; one that does not come back is."""
_REMEMBER_SECONDS = 400 * 86_400


def failed(unit: Writing, subject: str, now: datetime, patience: int, *, otherwise: bool) -> tuple[int, bool]:
    """One more of a subject: how many there are in a row, and whether that is news, as when it fails otherwise."""
    count = unit.throttle(_key(subject), now, _REMEMBER_SECONDS)
    return count, count == patience or (count > patience and otherwise)


def ended(unit: Writing, subject: str, now: datetime, patience: int) -> int:
    """It is well now: after how many failures, where people were told of them."""
    found = unit.throttled(_key(subject), now)
    if found is None:
        return 0
    unit.unthrottle(_key(subject))
    return found[0] if found[0] >= patience else 0


def forget(unit: Writing, subject: str) -> None:
    """It is gone."""
    unit.unthrottle(_key(subject))


def of_source(source: Source) -> str:
    """The subject that it is."""
    return f"source/{source.id}"


def _key(subject: str) -> str:
    return f"failures/{subject}"
