"""What something that was seen leads to, from soft to hard."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Action(StrEnum):
    """Softest first.  ``WARN`` lets pass and says so, ``REVIEW`` waits for a person, ``BLOCK`` refuses."""

    ALLOW = "allow"
    WARN = "warn"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def hardness(self) -> int:
        """From 0."""
        return _ORDER[self]


_ORDER = {action: place for place, action in enumerate(Action)}


def hardest(actions: Iterable[Action]) -> Action:
    """Of none, ``ALLOW``."""
    return max(actions, key=_ORDER.__getitem__, default=Action.ALLOW)


def softest(actions: Iterable[Action]) -> Action:
    """Of none, ``BLOCK``."""
    return min(actions, key=_ORDER.__getitem__, default=Action.BLOCK)
