"""Garbage: generations that are not kept any more, and blobs that nothing names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.manifest import parse_manifest
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.errors import BlobMissing

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Keep:
    """How long superseded generations and unnamed blobs stay."""

    generations: int
    generation_seconds: int
    blob_seconds: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What went."""

    generations: int
    blobs: int
    bytes: int


class Collector:
    """Removes nothing that the catalog or a kept generation names, and nothing young: it may be on its way in."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, keep: Keep, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._keep = keep
        self._now = now
        self._named_by: dict[Digest, frozenset[Digest]] = {}

    def collect(self) -> Collected:
        """One round.  Interrupted anywhere, the next one finishes."""
        generations = self._drop_generations()
        blobs, freed = self._sweep()
        if generations or blobs:
            _log.info("garbage.collected", generations=generations, blobs=blobs, freed_bytes=freed)
        return Collected(generations, blobs, freed)

    def _drop_generations(self) -> int:
        dropped = 0
        with self._catalog.read() as reading:
            suites = reading.suites()
        for suite in suites:
            with self._catalog.write() as unit:
                all_of_it = unit.generations(suite.id)
                old = self._not_kept(all_of_it)
                if old:
                    kept = [generation for generation in all_of_it if generation not in old]
                    oldest = min(generation.revision for generation in kept)
                    for generation in old:
                        unit.forget_generation(generation, oldest)
                    dropped += len(old)
        return dropped

    def _not_kept(self, newest_first: list[Generation]) -> list[Generation]:
        limit = self._now() - timedelta(seconds=self._keep.generation_seconds)
        return [
            generation
            for generation in newest_first[1 + self._keep.generations :]
            if generation.superseded_at is not None and generation.superseded_at < limit
        ]

    def _sweep(self) -> tuple[int, int]:
        # Candidates first, names second: whatever is named after the walk began is too young to be a candidate.
        limit = self._now().timestamp() - self._keep.blob_seconds
        candidates = [digest for digest in self._blobs.digests() if self._older(digest, limit)]
        if not candidates:
            return 0, 0
        with self._catalog.read() as reading:
            named = self._named(reading)
        count = freed = 0
        for digest in candidates:
            if digest in named or not self._older(digest, limit):
                continue
            size = self._blobs.size_bytes(digest)
            self._blobs.remove(digest)
            count, freed = count + 1, freed + size
        return count, freed

    def _older(self, digest: Digest, limit: float) -> bool:
        try:
            return self._blobs.stored_at(digest) < limit
        except BlobMissing:
            return False

    def _named(self, reading: Reading) -> set[Digest]:
        named = {digest for digest, _ in reading.needed_digests()}
        manifests = [generation.manifest for suite in reading.suites() for generation in reading.generations(suite.id)]
        named.update(manifests)
        for manifest in manifests:
            named.update(self._packs(manifest))
        self._named_by = {digest: packs for digest, packs in self._named_by.items() if digest in named}
        return named

    def _packs(self, manifest: Digest) -> Iterable[Digest]:
        known = self._named_by.get(manifest)
        if known is None:
            with self._blobs.open(manifest) as blob:
                known = frozenset(parse_manifest(blob.read(), manifest).packs())
            self._named_by[manifest] = known
        return known
