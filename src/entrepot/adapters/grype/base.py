"""The port: what does another engine know about the software in this list?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class EngineFailed(Exception):
    """It gave no answer that could be read: too late, too much, killed, or nothing."""


class EngineMissing(EngineFailed):
    """There is no such program."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The data that an engine compares with; ``fault`` says why it cannot be used."""

    schema: str = ""
    built_at: datetime | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What it printed.  With a ``fault`` it did not end well, and what it printed need not be all."""

    content: bytes
    fault: str = ""


class Engine(Protocol):
    """An engine that is set up.  Every method ends in bounded time and raises ``EngineFailed``."""

    def knowledge(self) -> Knowledge:
        """Which data it has, and how old they are."""
        ...

    def compare(self, document: bytes) -> Answer:
        """Have it look at a CycloneDX document."""
        ...

    def update(self) -> tuple[bool, str]:
        """Have it fetch newer data: whether that worked, and the last of what it printed; raises nothing."""
        ...
