"""The port: logs that grow, and that keep their identity when they are renamed, copied or packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines from a position on.

    ``position`` and ``inside_line`` are where to go on; ``dropped`` counts lines that were too long.
    """

    lines: Sequence[bytes]
    position: int
    inside_line: bool
    dropped: int
    at_end: bool


class Log(Protocol):
    """One log."""

    @property
    def ident(self) -> str:
        """The same for the same content, whatever its name."""
        ...

    @property
    def state(self) -> object:
        """Differs when there may be more to read."""
        ...

    def read(self, position: int, most_bytes: int, *, inside_line: bool) -> Chunk:
        """Nothing at the end.  Raises ``OSError``."""
        ...


class AccessLogs(Protocol):
    """All logs there are."""

    def logs(self) -> list[Log]:
        """Oldest first.  What cannot be read is left out and logged."""
        ...
