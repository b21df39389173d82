"""Log files and what rotation leaves beside them: renamed, copied and truncated, packed with gzip.

A log is known by a hash of its first line, not by name or inode: a renamed log, a copied one and a packed one are the
same log, and a file that was truncated and began anew is another one.  First lines name a time and a client.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import structlog

from entrepot.adapters.access_logs.base import Chunk, Log

_log = structlog.get_logger(__name__)

LONGEST_LINE = 32 << 10
_MOST_FILES = 512
_PACKED_FACTOR = 8  # what was read before must be unpacked again at each turn
_FOREIGN = (".bz2", ".xz", ".zst", ".lz4", ".zip", ".tmp", ".swp")

_State = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class LogFile:
    """Implements ``Log``."""

    path: Path
    ident: str
    state: _State

    def read(self, position: int, most_bytes: int, *, inside_line: bool) -> Chunk:
        """One piece."""
        most = most_bytes * _PACKED_FACTOR if _packed(self.path) else most_bytes
        try:
            with _open(self.path) as file:
                file.seek(position)
                data = file.read(most)
        except (EOFError, zlib.error, gzip.BadGzipFile):  # it is being packed at this moment
            data = b""
        return _cut(data, position, inside_line=inside_line, at_end=len(data) < most)


def _cut(data: bytes, position: int, *, inside_line: bool, at_end: bool) -> Chunk:
    end = data.rfind(b"\n") + 1
    if not end:
        too_long = len(data) > LONGEST_LINE
        if too_long or inside_line:
            return Chunk((), position + len(data), inside_line=True, dropped=int(not inside_line), at_end=at_end)
        return Chunk((), position, inside_line=False, dropped=0, at_end=at_end)
    lines = data[:end].split(b"\n")[:-1]
    if inside_line:
        del lines[0]
    good = [line for line in lines if len(line) <= LONGEST_LINE]
    return Chunk(good, position + end, inside_line=False, dropped=len(lines) - len(good), at_end=at_end)


class FileAccessLogs:
    """Files that a pattern names, and those beside them that were rotated out of them."""

    def __init__(self, pattern: str, host: str) -> None:
        self._pattern = pattern
        self._host = host
        self._idents: dict[tuple[Path, _State], str | None] = {}
        self._complained: set[Path] = set()

    def logs(self) -> list[Log]:
        """By the time of their last line."""
        found: list[tuple[int, LogFile]] = []
        idents: dict[tuple[Path, _State], str | None] = {}
        for path in self._paths():
            try:
                state = _state(path)
                if state is None:
                    continue
                ident = self._idents.get((path, state)) or self._ident(path)
            except OSError as error:
                self._complain(path, error)
                continue
            self._complained.discard(path)
            idents[path, state] = ident
            if ident is not None:
                found.append((state[3], LogFile(path, ident, state)))
        self._idents = idents
        return [cast("Log", log) for _, log in sorted(found, key=lambda pair: pair[0])]

    def _paths(self) -> list[Path]:
        live = sorted(glob.glob(self._pattern))[:_MOST_FILES]  # noqa: PTH207 - the pattern is absolute
        beside = (name for path in live for name in glob.glob(f"{glob.escape(path)}[.-]*"))  # noqa: PTH207
        return [Path(name) for name in sorted({*live, *beside}) if not name.endswith(_FOREIGN)][:_MOST_FILES]

    def _ident(self, path: Path) -> str | None:
        """None while the first line is being written."""
        try:
            with _open(path) as file:
                head = file.read(LONGEST_LINE)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return None
        first, newline, _ = head.partition(b"\n")
        if not newline and len(head) < LONGEST_LINE:
            return None
        return hashlib.sha256(self._host.encode() + b"\0" + first).hexdigest()

    def _complain(self, path: Path, error: OSError) -> None:
        if path not in self._complained:
            self._complained.add(path)
            _log.warning("access_log.unreadable", path=str(path), reason=error.strerror)


def _state(path: Path) -> _State | None:
    """Device, inode, size, time; none for what is no file, such as a pipe."""
    found = path.stat()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def _packed(path: Path) -> bool:
    return path.suffix == ".gz"


def _open(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path)) if _packed(path) else path.open("rb")
