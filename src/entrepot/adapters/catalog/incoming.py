"""The part of the port about files that were sent by themselves and wait to be taken in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.domain.model.digest import Digest


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file in a folder of an account; its content is in the store."""

    account: str
    folder: str
    name: str
    digest: Digest
    sha512: str
    size_bytes: int
    received_at: datetime


class IncomingReading(Protocol):
    """What can be asked about waiting files."""

    def incoming_folders(self, account: str) -> list[str]:
        """By name."""
        ...

    def incoming_files(self, account: str, folder: str) -> list[IncomingFile]:
        """By name."""
        ...

    def incoming_size(self, account: str) -> tuple[int, int]:
        """Number and bytes of all that waits for an account."""
        ...


class IncomingWriting(IncomingReading, Protocol):
    """What can be changed about waiting files."""

    def keep_incoming(self, file: IncomingFile) -> None:
        """Add a file, or put it in the place of one of the same name."""
        ...

    def forget_incoming(self, account: str, folder: str, name: str | None = None) -> int:
        """Forget one file or a folder; how many."""
        ...

    def forget_incoming_before(self, limit: datetime) -> int:
        """Forget what waits since before a time; how many."""
        ...
