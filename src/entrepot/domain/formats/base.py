"""What a packaging format must offer.  A third format is one more folder here and one tree writer in publish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from entrepot.domain.model.package import Format, PackageFacts, PackageKey


class ByteSource(Protocol):
    """Forward-only bytes: ``read(n)`` gives at most ``n`` bytes, ``b""`` at the end.  An open file fits."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what unpacking one package may cost.  Exceeding one is ``PackageBomb``."""

    control_bytes: int = 16 << 20
    field_bytes: int = 1 << 20
    header_bytes: int = 256 << 20
    unpacked_bytes: int = 64 << 30
    ratio: int = 2000
    members: int = 1_000_000
    path_bytes: int = 4096
    listing_bytes: int = 64 << 20


class PackageFormat(Protocol):
    """Reads packages of one format and orders their versions."""

    format: Format
    suffix: str

    def read(self, source: ByteSource, size_bytes: int, limits: Limits) -> PackageFacts:
        """Read and validate the whole file.

        Raises:
            MalformedPackage, AmbiguousPackage, BadPackageField, PackageBomb, PackageDigestMismatch,
            PackageSignatureInvalid, BadVersion: naming the member and the fault.
        """
        ...

    def compare(self, a: str, b: str) -> int:
        """Negative, zero or positive as version ``a`` is older than, equal to or newer than ``b``."""
        ...

    independent: str

    def tree(self, architecture: str) -> str:
        """Which architecture tree of a suite lists a package of this architecture (rpm: its basearch)."""
        ...

    def pool_path(self, key: PackageKey, source: str, component: str, *, apart: str = "") -> str:
        """Where the file lies in the pool, by the format's convention.

        ``apart`` is a folder name put before the file when the conventional path is taken by other content, as
        happens when two versions differ in their epoch only.
        """
        ...

    def filename(self, key: PackageKey) -> str:
        """Canonical file name, epoch left out."""
        ...
