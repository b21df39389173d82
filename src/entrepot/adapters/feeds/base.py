"""The port: files of advisories that are there already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Member:
    """One record.  ``read`` gives its bytes, until the next member is asked for; it raises ``MalformedAdvisory``."""

    name: str
    read: Callable[[], bytes]


class Holding(Protocol):
    """A feed that lies open.  ``digest`` is another one when anything in it is."""

    @property
    def digest(self) -> str:
        """Hexadecimal."""
        ...

    def members(self) -> Iterator[Member]:
        """Records, in the same order each time; what is no record is left out.

        Raises:
            MalformedAdvisory: an archive that is damaged, hostile or beyond its bounds.
        """
        ...

    def lines(self) -> Iterator[bytes]:
        """The lines of a single file, unpacked.

        Raises:
            MalformedAdvisory: it is no single file, it is damaged, or beyond its bounds.
        """
        ...

    def whole(self, most_bytes: int) -> bytes:
        """A single file, unpacked.

        Raises:
            MalformedAdvisory: it is no single file, it is damaged, or larger.
        """
        ...


class FeedFiles(Protocol):
    """Opens them."""

    def local(self, location: str) -> AbstractContextManager[Holding]:
        """A file or folder below the folder for advisories.

        Raises:
            InvalidRequest: there is no such folder, or the location leads out of it.
            NotFound: nothing is there.
        """
        ...

    def stored(self, file: BinaryIO, digest: str) -> Holding:
        """A file that was sent or fetched; the caller closes it."""
        ...
