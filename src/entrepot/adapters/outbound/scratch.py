"""A folder for files on their way: what an interrupted download left is gone on from, what nobody wants goes."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from entrepot.adapters.outbound.sinks import FileSink, translated


class Scratch:
    """Files by a key and a digest, each a download that is whole or the beginning of one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

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
