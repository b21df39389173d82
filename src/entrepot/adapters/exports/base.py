"""The port: a folder that one export at a time writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from entrepot.domain.model.digest import Digest


class Placed(StrEnum):
    """What it took to have a file where it belongs."""

    THERE = "there"
    LINKED = "linked"
    WRITTEN = "written"


class ExportFolder(Protocol):
    """A folder that is had alone within ``with``.  Paths are relative, with ``/`` between names.

    Every method raises ``StoreFull`` or ``ExportFolderUnusable`` when the folder cannot be written to.
    """

    def ledger(self) -> bytes | None:
        """What was noted by ``note``; none for a new folder."""
        ...

    def note(self, data: bytes) -> None:
        """Keep a note durably in the place of the last one."""
        ...

    def has(self, path: str, size_bytes: int) -> bool:
        """Whether a file of this size is there.  For paths that never stand for other content."""
        ...

    def holds(self, path: str, size_bytes: int, digest: str) -> bool:
        """Whether exactly this content is there; reads it."""
        ...

    def link(self, path: str, source: str) -> Placed | None:
        """Have a file of this machine there as a second name for it; none where that cannot be."""
        ...

    def link_within(self, path: str, other: str) -> None:
        """Have what is at ``other`` in this folder at ``path`` as well."""
        ...

    def write(self, path: str, chunks: Iterable[bytes], digest: Digest) -> Placed:
        """Have these bytes there, durably, in the place of whatever was.

        Raises:
            BlobCorrupt: they have another digest; what was there stays.
        """
        ...

    def remove(self, path: str) -> None:
        """Remove a file, and folders that are empty then; absent is fine."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


OpenFolder = Callable[[str], ExportFolder]
"""A folder by its path, not entered yet."""
