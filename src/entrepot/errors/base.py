"""What all failures share: a kind, a code, a sentence."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What the caller can do about a failure.  A closed list; every entry point maps all of it."""

    INVALID = "invalid"  # fix the request
    UNPROCESSABLE = "unprocessable"  # the request is well-formed, its content (a package file) is not
    UNAUTHENTICATED = "unauthenticated"  # say who you are
    DENIED = "denied"  # ask for the right
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"  # read again, then decide
    UNPREPARED = "unprepared"  # something else has to be done first
    REFUSED = "refused"  # policy said no; a person may waive it
    TOO_LARGE = "too_large"  # send less
    LIMITED = "limited"  # slow down
    UPSTREAM = "upstream"  # somebody else's repository is at fault
    TIMED_OUT = "timed_out"  # somebody else's service took too long
    UNAVAILABLE = "unavailable"  # our store or database is away; retry later
    FULL = "full"  # no space left where we store
    CORRUPT = "corrupt"  # our own bytes are wrong; page a person


Fact = str | int | bool | None


class EntrepotError(Exception):
    """Base of the tree.

    ``detail`` is one sentence for a person: what, where, what to do.  ``facts`` are public fields for programs;
    ``__cause__`` never leaves the process.
    """

    code: ClassVar[str]
    kind: ClassVar[Kind]
    title: ClassVar[str]

    def __init__(self, detail: str, /, **facts: Fact) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts
