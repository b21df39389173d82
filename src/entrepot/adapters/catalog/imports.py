"""The part of the port about what was brought from other people's repositories."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.upstream.source import SourceId


@dataclass(frozen=True, slots=True)
class Imported:
    """A package that was brought into a suite.  ``filename`` is its place in the repository that it came from."""

    package_id: PackageId
    suite_id: SuiteId
    source_name: str
    filename: str
    group: str
    job: str
    imported_by: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class GroupedPackage:
    """A package of a group, as its list shows it."""

    group: str
    codename: str
    filename: str
    size_bytes: int
    imported_by: str
    imported_at: datetime


class ImportReading(Protocol):
    """What can be asked."""

    def imported(self, package_id: PackageId) -> list[Imported]:
        """One for each suite that it was brought into, newest first."""
        ...

    def import_groups(self, limit: int) -> list[GroupedPackage]:
        """Packages of groups, by group and suite, at most so many."""
        ...

    def upstream_names(
        self, text: str, sources: Collection[SourceId], format_: Format | None, limit: int, *, anywhere: bool
    ) -> Sequence[str]:
        """Names in force that begin with a text, or have it ``anywhere``; in order, at most so many."""
        ...


class ImportWriting(ImportReading, Protocol):
    """What can be changed."""

    def note_import(self, imported: Imported) -> None:
        """Keep it; what was known of the package in this suite before is replaced."""
        ...

    def forget_import_group(self, name: str) -> int:
        """Packages are in no group then; how many there were."""
        ...
