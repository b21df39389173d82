"""The twin for tests."""

from __future__ import annotations

from collections.abc import Iterator


class MemoryJournal:
    """Lines of one process; see ``Journal``."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def append(self, line: bytes) -> None:
        """Add a line."""
        self._lines.append(line)

    def lines(self) -> Iterator[bytes]:
        """Every line."""
        return iter(tuple(self._lines))
