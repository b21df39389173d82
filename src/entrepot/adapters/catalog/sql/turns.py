"""SQLite has one writer at a time; whoever waits for it there looks again and again, at worst ten times in a second."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from entrepot.errors import CatalogUnavailable

_TURN_SECONDS, _LOOK_SECONDS = 10.0, 0.0005
_BUSY = "the database is busy; try again in a moment"


class WriteTurns:
    """For all threads of this process and, with a file, for other processes that have it too.

    It only makes waiting short: SQLite's own lock is what keeps writers apart.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        # A handle of this process: the lock belongs to it, and the kernel lets go of it when the process dies.
        self._handle = None if file is None else os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Around a writing unit.

        Raises:
            CatalogUnavailable: others kept it for too long.
        """
        ends = time.monotonic() + _TURN_SECONDS
        if not self._lock.acquire(timeout=_TURN_SECONDS):
            raise CatalogUnavailable(_BUSY)
        try:
            with self._taken_from_others(ends):
                yield
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def _taken_from_others(self, ends: float) -> Iterator[None]:
        if self._handle is None:
            yield
            return
        while not _tried(self._handle):
            if time.monotonic() > ends:
                raise CatalogUnavailable(_BUSY)
            time.sleep(_LOOK_SECONDS)
        try:
            yield
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None


def _tried(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
