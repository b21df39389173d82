"""The port: is there malware in these bytes?"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class ScanResult(StrEnum):
    """How the scan of one stream ended.  Only ``CLEAN`` says that all bytes were looked at and nothing was found."""

    CLEAN = "clean"
    FOUND = "found"
    LIMIT = "limit"
    """The scanner did not look at all of it, for one of its own limits."""
    FAILED = "failed"
    """No usable answer: broken off, too late, an error of the scanner, or noise."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the scanner says of one stream; ``detail`` is the signature's name, the limit or the fault."""

    result: ScanResult
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """Which scanner answers, with which signatures; none where it has no dated ones."""

    program: str
    database: str | None = None
    database_date: datetime | None = None


class ScanStream(Protocol):
    """One stream of bytes on its way to the scanner."""

    def write(self, data: bytes) -> None:
        """Send more.  Never raises: what goes wrong is said by ``finish``."""
        ...

    def finish(self) -> Answer:
        """Say that this was all, and wait for the answer; once."""
        ...


class Scanner(Protocol):
    """A scanner that is set up.  It may be away: every method then raises ``ScannerUnavailable``, in bounded time."""

    def version(self) -> Version:
        """Who is there; doubles as a sign of life."""
        ...

    def reload(self) -> str:
        """Have it read its signatures again; what it says."""
        ...

    def stream(self) -> AbstractContextManager[ScanStream]:
        """Begin a scan."""
        ...


class SignatureUpdate(Protocol):
    """Fetches newer signatures for a scanner."""

    def run(self) -> tuple[bool, str]:
        """Whether it worked, and the last of what it printed; ends in bounded time, never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Scanning:
    """A scanner, how much it takes at once, and what fetches its signatures."""

    scanner: Scanner
    stream_bytes: int
    signatures: SignatureUpdate | None = None
