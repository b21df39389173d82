"""The port: submit goals, pursue them somewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from entrepot.domain.jobs.goals import Goal

Pursuit = Callable[[Goal], None]
"""Brings a goal about; idempotent; an exception means that the goal is not met yet."""


class Queue(Protocol):
    """Goals by key: two of the same key are pursued one after the other, never at once on one node."""

    def submit(self, goal: Goal) -> None:
        """Have ``goal`` pursued soon, from a state of the catalog not older than now; never waits for it.

        Submitting many times while one pursuit runs leads to one more pursuit.
        """
        ...

    def start(self, pursue: Pursuit | None) -> None:
        """Begin.  With a pursuit this node works; without, it only submits and other nodes do."""
        ...

    def stop(self) -> None:
        """Take no more; pursuits that run get a few seconds to end, others stay for the next start."""
        ...

    def take_over(self, node: str) -> int:
        """Have another node's unfinished goals pursued here; how many they were.  Only for nodes known to be dead."""
        ...

    def waiting_count(self) -> int:
        """Goals submitted or running, as far as this node knows."""
        ...
