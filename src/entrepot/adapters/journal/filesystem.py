"""A text file in the data folder."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from entrepot.errors import StoreFull, StoreUnavailable

_LONGEST = 1 << 16


class FilesystemJournal:
    """One file, opened anew for every line, so that it can be moved away or made append-only; see ``Journal``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, line: bytes) -> None:
        """Add a line and flush it.  A line that a killed writer left unfinished is ended first."""
        try:
            with self._path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                end = b"" if self._ends_well() else b"\n"
                file.write(end + line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            kind = StoreFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else StoreUnavailable
            raise kind(f"{self._path.name} in the data folder cannot be written: {error.strerror}") from error

    def _ends_well(self) -> bool:
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def lines(self) -> Iterator[bytes]:
        """Read from the beginning; none while there is no file."""
        try:
            with self._path.open("rb") as file:
                while line := file.readline(_LONGEST):
                    yield line.rstrip(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreUnavailable(f"{self._path.name} cannot be read: {error.strerror}") from error
