"""Every failure this program can name.

Used everywhere.  Knows nothing of HTTP, SQL or exit codes: each entry point translates ``kind`` into its own words.
A failure that is not one of these is a bug; entry points report it with an incident id and no internals.
"""

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
    REFUSED = "refused"  # policy said no; a person may waive it
    TOO_LARGE = "too_large"  # send less
    LIMITED = "limited"  # slow down
    UPSTREAM = "upstream"  # somebody else's repository is at fault
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


class MalformedPackage(EntrepotError):
    """The container (ar, tar, cpio, rpm header, compressed stream) is not what its format says."""

    code, kind, title = "package.malformed", Kind.UNPROCESSABLE, "Malformed package file"


class AmbiguousPackage(EntrepotError):
    """Two readings of the same file are possible; none is chosen."""

    code, kind, title = "package.ambiguous", Kind.UNPROCESSABLE, "Ambiguous package file"


class BadPackageField(EntrepotError):
    """A field is missing, repeated or outside its grammar."""

    code, kind, title = "package.field", Kind.UNPROCESSABLE, "Invalid package field"


class PackageBomb(EntrepotError):
    """Unpacked, the file exceeds a limit on bytes, members, depth or ratio."""

    code, kind, title = "package.bomb", Kind.UNPROCESSABLE, "Package unpacks beyond the limits"


class PackageDigestMismatch(EntrepotError):
    """A digest inside the file, or one declared with it, does not fit the bytes."""

    code, kind, title = "package.digest", Kind.UNPROCESSABLE, "Package digest mismatch"


class PackageSignatureInvalid(EntrepotError):
    """A signature packet inside the file is not one."""

    code, kind, title = "package.signature", Kind.UNPROCESSABLE, "Invalid package signature"


class BadVersion(EntrepotError):
    """A version string that its own packaging system would refuse."""

    code, kind, title = "package.version", Kind.UNPROCESSABLE, "Malformed version"
