"""What the three fragments of one package are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entrepot.domain.formats.rpm.dependencies import Dependency
from entrepot.domain.formats.rpm.files import ListedFile
from entrepot.domain.model.package import PackageKey


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log; ``at`` is in Unix seconds."""

    at: int
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """A package as read.  ``header_range`` are the offsets of its main header; ``changes`` are the newest first.

    ``archive_bytes`` is the size of the payload unpacked, known once it was; 0 before.
    """

    key: PackageKey
    summary: str
    description: str
    packager: str
    vendor: str
    license: str
    group: str
    url: str
    build_host: str
    source_rpm: str
    build_time: int
    installed_bytes: int
    archive_bytes: int
    header_range: tuple[int, int]
    relations: Mapping[str, tuple[Dependency, ...]]
    files: tuple[ListedFile, ...]
    changes: tuple[Change, ...]
