"""Flushing SQLite's log for many units at once: what was committed before a flush began is durable when it ends."""

from __future__ import annotations

import os
import threading

from entrepot.errors import CatalogUnavailable

_LOST = "what was written last may not outlive a power cut, as the disk does not take it; look at the disk, try again"


class Flushes:
    """For all threads of this process.

    SQLite would flush inside each commit, while every other unit waits for its turn.  Here a commit only writes, the
    next unit begins, and whoever wants to be sure waits for a flush that begins later: one serves all who came before.
    """

    def __init__(self, database: str) -> None:
        self._log = f"{database}-wal"
        self._changed = threading.Condition()
        self._begun = self._ended = self._failed = 0
        self._runs = False

    def flush(self) -> None:
        """Return when everything that was committed before the call is on the disk.

        Raises:
            CatalogUnavailable: the disk refused.
        """
        with self._changed:
            wanted = self._begun + 1
            self._changed.wait_for(lambda: self._ended >= wanted or not self._runs)
            if self._ended >= wanted:
                self._demand(wanted)
                return
            self._runs, self._begun = True, self._begun + 1
            number = self._begun
        good = False
        try:
            good = self._flush_now()
        finally:
            with self._changed:
                self._runs, self._ended = False, number
                self._failed = self._failed if good else number
                self._changed.notify_all()
        self._demand(number)

    def _demand(self, wanted: int) -> None:
        # Whoever was covered by a flush that failed is not helped by a later one: the kernel tells of it but once.
        if self._failed >= wanted:
            raise CatalogUnavailable(_LOST)

    def _flush_now(self) -> bool:
        # SQLite holds no lock on the log, or closing another handle would let go of it; on the database it does.
        try:
            handle = os.open(self._log, os.O_RDONLY)
        except FileNotFoundError:
            return True  # without a log SQLite flushes by itself
        except OSError:
            return False
        try:
            os.fdatasync(handle)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True
