"""The part of the port about suites that show an upstream's own files.

Files are noted as they come, under the number of a run; ``settle_mirrored`` makes those of one run the ones that the
suite has, in the unit that switches its generation.  What an interrupted run brought is there for the next one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.adapters.catalog.records import Pooled
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import ArchiveId, SuiteId
from entrepot.domain.upstream.mirror import Mirror, MirrorFile, MirrorId, MirrorState
from entrepot.domain.upstream.source import SourceId


@dataclass(frozen=True, slots=True)
class Brought:
    """A file of a mirror.  Without a digest it is listed and not stored."""

    number: int
    path: str
    listed: str
    digest: Digest
    size_bytes: int
    suite_id: SuiteId


class MirrorReading(Protocol):
    """What can be asked."""

    def mirrors(self) -> list[Mirror]:
        """In order of their names."""
        ...

    def mirror(self, mirror_id: MirrorId) -> Mirror:
        """Raises ``NotFound``."""
        ...

    def mirror_called(self, name: str) -> Mirror:
        """Raises ``NotFound``."""
        ...

    def mirror_of(self, suite_id: SuiteId) -> Mirror | None:
        """The one that feeds a suite."""
        ...

    def mirrors_of(self, source_id: SourceId) -> list[Mirror]:
        """Those that a source feeds."""
        ...

    def brought(self, suite_id: SuiteId, paths: Collection[str]) -> list[Brought]:
        """What is stored for these paths, whatever generation wants it."""
        ...

    def brought_in(self, suite_id: SuiteId, run: int) -> Iterator[Brought]:
        """What a run wants."""
        ...

    def mirrored(self, archive_id: ArchiveId, path: str) -> Pooled | None:
        """The file at a path below an archive, if a kept generation of a mirror has it, or the next one will.

        None while its bytes are in quarantine.
        """
        ...

    def listed_file(self, number: int) -> Brought:
        """One by its number.  Raises ``NotFound``."""
        ...

    def absent(self, suite_id: SuiteId) -> tuple[int, int]:
        """How many files of the generation in force are listed and not stored, and their bytes."""
        ...

    def successors(self, suite_id: SuiteId) -> list[Brought]:
        """Files that are not stored, of packages of which an older file is."""
        ...


class MirrorWriting(MirrorReading, Protocol):
    """What can be changed."""

    def add_mirror(self, mirror: Mirror) -> MirrorId:
        """With a number of its own.  Raises ``AlreadyExists``."""
        ...

    def change_mirror(self, mirror: Mirror) -> None:
        """How often and how strict; nothing else changes."""
        ...

    def remove_mirror(self, mirror: Mirror) -> None:
        """A verbatim one with its suite, the generations of this, and all of its files."""
        ...

    def note_mirror(self, mirror_id: MirrorId, state: MirrorState) -> None:
        """How the last run went."""
        ...

    def begin_run(self, mirror_id: MirrorId) -> int:
        """Its number.  Raises ``NotFound``."""
        ...

    def want_again(self, run: int, numbers: Sequence[int]) -> None:
        """Files that are there, and that this run wants too."""
        ...

    def bring(
        self, suite_id: SuiteId, run: int, files: Sequence[tuple[MirrorFile, Digest, int]], now: datetime
    ) -> None:
        """Files that are stored now, each with its digest and size; without a digest they are only listed."""
        ...

    def claim_listed(self, number: int, now: datetime, until: datetime) -> bool:
        """Whether the caller may fetch a file that is not stored: nobody else does, or did so for too long."""
        ...

    def release_listed(self, number: int) -> None:
        """Whoever comes next may try."""
        ...

    def store_listed(self, number: int, digest: Digest) -> None:
        """The bytes of a listed file came; for every suite of its archive that lists it."""
        ...

    def forget_brought(self, numbers: Collection[int]) -> None:
        """Whose bytes are lost."""
        ...

    def settle_mirrored(self, mirror: Mirror, run: int, revision: int) -> Mapping[str, int]:
        """The files of this run are those of the suite from this revision on; ``files`` and ``bytes`` of the pool.

        Raises:
            LostRace: another run began meanwhile.
        """
        ...
