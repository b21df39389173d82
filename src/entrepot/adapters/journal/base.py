"""The port: an append-only list of lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Journal(Protocol):
    """Safe for many threads and, on disk, for many processes."""

    def append(self, line: bytes) -> None:
        """Add a line, which has no line end in it; when this returns, a power cut does not lose it.

        Raises:
            StoreFull, StoreUnavailable: it may be there in part, which readers skip.
        """
        ...

    def lines(self) -> Iterator[bytes]:
        """Every line, oldest first, without its end; those beyond 64 KiB are cut.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        ...
