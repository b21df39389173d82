"""One published, immutable state of a suite."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import GenerationId, SuiteId


@dataclass(frozen=True, slots=True)
class Generation:
    """A row of the catalog; ``manifest`` names the blob that lists every file of the published tree.

    ``number`` counts from 1 within the suite.  ``superseded_at`` is none for the one in force.
    """

    id: GenerationId
    suite_id: SuiteId
    number: int
    revision: int
    manifest: Digest
    package_count: int
    published_at: datetime
    superseded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Extent:
    """``length`` bytes at ``offset`` of a blob."""

    blob: Digest
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file of a generation: the bytes of its extents one after another.

    ``modified_at`` is Unix seconds of the generation in which this content first appeared.  ``dated`` is false when an
    older content of the same path carries the same second, so that a date cannot tell them apart.
    """

    digest: Digest
    size_bytes: int
    extents: tuple[Extent, ...]
    modified_at: int
    dated: bool = True
