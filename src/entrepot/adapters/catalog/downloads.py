"""The part of the port about counted downloads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from entrepot.domain.model.digest import Digest
from entrepot.domain.model.download import ClientType, Item, Tally
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import ArchiveId


@dataclass(frozen=True, slots=True)
class DayTotal:
    """All packages of one format together, on one day."""

    day: date
    format: Format
    client_type: ClientType
    downloads: int
    sent_bytes: int


@dataclass(frozen=True, slots=True)
class PackageTotal:
    """All versions of one name together, over some days.

    ``clients`` counts each client once a day: who it was yesterday cannot be known today.
    """

    format: Format
    name: str
    downloads: int
    sent_bytes: int
    versions: Sequence[str]
    clients: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One recent download.  ``client`` is a pseudonym, or an address where a setting says so."""

    at: datetime
    item: Item
    client: str
    client_type: ClientType
    sent_bytes: int
    user_agent: str
    status: int
    path: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What is added at once.  ``clients`` are (day, "format/name" or empty for all, client)."""

    tallies: Sequence[Tally]
    clients: Iterable[tuple[date, str, str]]
    recent: Sequence[Seen]


@dataclass(frozen=True, slots=True)
class LogPosition:
    """How far a log was read.  ``inside_line`` means that the rest of a line that is too long follows."""

    log: str
    position: int = 0
    inside_line: bool = False
    lines: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Sized:
    """A package at a pool path."""

    digest: Digest
    size_bytes: int


class DownloadReading(Protocol):
    """What can be asked; days are UTC, both ends belong to a span."""

    def downloads_by_day(self, first: date, last: date) -> list[DayTotal]:
        """Days without any are left out."""
        ...

    def most_downloaded(self, first: date, last: date, limit: int) -> tuple[list[PackageTotal], int]:
        """Most downloads first, then by name; and the number of all names that were downloaded."""
        ...

    def download_clients(self, first: date, last: date) -> int:
        """Each once a day."""
        ...

    def recent_downloads(self, limit: int) -> list[Seen]:
        """Newest first."""
        ...

    def items_with_digests(self, digests: Sequence[Digest]) -> Mapping[Digest, Item]:
        """Packages as they are counted; unknown ones are left out."""
        ...

    def packages_at(self, archive_id: ArchiveId, paths: Sequence[str]) -> Mapping[str, Sized]:
        """What is or was at pool paths; unknown ones are left out."""
        ...

    def log_positions(self, logs: Sequence[str]) -> Mapping[str, LogPosition]:
        """Unknown ones are left out."""
        ...

    def log_lines(self) -> tuple[int, int]:
        """Lines of access logs that were read, and how many of them could not be understood."""
        ...


class DownloadWriting(DownloadReading, Protocol):
    """What can be changed."""

    def download_salt(self, day: date, fresh: str) -> str:
        """The salt of a day: ``fresh`` for the first caller, what that one brought for all others."""
        ...

    def count_downloads(self, counted: Counted, recent_kept: int) -> None:
        """Add; counts of other processes for the same rows add up."""
        ...

    def fold_downloads(self, before: date, oldest: date) -> int:
        """Replace the pseudonyms of days before ``before`` by their number, and forget days before ``oldest``.

        The number of days that were folded.
        """
        ...

    def move_log_position(self, before: LogPosition, after: LogPosition, now: datetime) -> bool:
        """Compare and set; false when somebody else has read on."""
        ...

    def forget_log_positions(self, read_before: datetime) -> None:
        """Of logs that did not grow since."""
        ...
