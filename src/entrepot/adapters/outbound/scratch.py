"""A folder for files on their way: what an interrupted download left is gone on from, what nobody wants goes."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from entrepot.adapters.outbound.sinks import FileSink, translated

_LOOK_SECONDS = 0.25


class Scratch:
    """Files by a key and a digest, each a download that is whole or the beginning of one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def turn(self, key: str, wait: Callable[[], None]) -> Iterator[None]:
        """Nobody else on this folder has a turn of this key meanwhile; ``wait`` is called often until then.

        A process that dies gives its turn back.
        """
        with translated():
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / f".turn-{key}").open("ab")  # no key begins with a dot
        with lock:
            while not _taken(lock):
                wait()
                time.sleep(_LOOK_SECONDS)
            yield

    @contextmanager
    def sink(self, key: str, digest: str) -> Iterator[FileSink]:
        """To download to."""
        with translated():
            self._path(key, digest).parent.mkdir(parents=True, exist_ok=True)
        with FileSink(self._path(key, digest)) as sink:
            yield sink

    @contextmanager
    def open(self, key: str, digest: str) -> Iterator[BinaryIO]:
        """What was downloaded; a fetch has verified it."""
        with translated():
            file = self._path(key, digest).open("rb")
        with file:
            yield file

    def keep_only(self, key: str, digests: Collection[str]) -> None:
        """Remove all other files of a key."""
        wanted = {self._path(key, digest) for digest in digests}
        with contextlib.suppress(OSError):
            for path in (self._folder / key).iterdir():
                if path not in wanted:
                    path.unlink()
            if not wanted:
                shutil.rmtree(self._folder / key, ignore_errors=True)

    def _path(self, key: str, digest: str) -> Path:
        return self._folder / key / digest


def _taken(lock: BinaryIO) -> bool:
    with translated():
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
