"""What can be wrong with a package file."""

from __future__ import annotations

from entrepot.errors.base import EntrepotError, Kind


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
