"""Garbage: generations that are not kept any more, and blobs that nothing names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.bundles.head import stored_head
from entrepot.domain.formats.manifest import parse_manifest
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.errors import BlobMissing

_log = structlog.get_logger(__name__)

_ROWS = 1000
"""So many go in one unit: others wait for its end."""

_LEAVING = 200
"""As many packages leave removed suites in one."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long superseded generations and unnamed blobs stay.

    The last so many generations stay, but none longer than ``generation_days``, unless that is 0: in a suite that
    hardly changes, what left it would keep its bytes for ever.
    """

    generations: int
    generation_seconds: int
    blob_seconds: int
    generation_days: int = 0


@dataclass(frozen=True, slots=True)
class Collected:
    """What went."""

    generations: int
    blobs: int
    bytes: int


class Collector:
    """Removes nothing that the catalog or a kept generation names, and nothing young: it may be on its way in."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        keep: Keep,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._keep = keep
        self._now = now
        self._monotonic = monotonic
        self._unnamed: dict[Digest, tuple[float, float]] = {}
        self._named_by: dict[Digest, frozenset[Digest]] = {}
        self._lock = threading.Lock()

    def collect(self) -> Collected:
        """One round.  Interrupted anywhere, the next one finishes."""
        with self._lock:  # two rounds at once would judge by each other's older look
            self._empty_removed()
            generations = self._drop_generations()
            self._forget_apart()
            blobs, freed = self._sweep()
        if generations or blobs:
            _log.info("garbage.collected", generations=generations, blobs=blobs, freed_bytes=freed)
        return Collected(generations, blobs, freed)

    def _empty_removed(self) -> None:
        """What a crash left in suites that were removed."""
        while True:
            with self._catalog.write() as unit:
                if unit.empty_removed(_LEAVING) < _LEAVING:
                    return

    def _drop_generations(self) -> int:
        dropped = 0
        with self._catalog.read() as reading:
            numbers = [suite.id for suite in reading.suites(removed=True)]
        for number in numbers:
            with self._catalog.write() as unit:
                suite = unit.suite(number)
                all_of_it, pinned = unit.generations(suite.id), unit.pinned_generations(suite.id)
                for generation in unit.generations_apart(suite.id):
                    if generation.id not in pinned:
                        unit.forget_generation(generation)
                        dropped += 1
                if not all_of_it and not suite.former_codename:
                    continue
                old = all_of_it if suite.former_codename else self._not_kept(all_of_it)
                going = [generation for generation in old if generation.id not in pinned]
                # What only snapshots keep is looked up by them; others need not be kept back to the oldest of these.
                kept = [generation.revision for generation in all_of_it if generation not in old]
                oldest = min(kept, default=suite.revision)
                if going or oldest > suite.oldest_kept_revision:
                    unit.keep_revisions(suite.id, oldest)
                for generation in going:
                    unit.forget_generation(generation)
                dropped += len(going)
        return dropped

    def _forget_apart(self) -> None:
        """Rows of merged states that no snapshot keeps, in many small units."""
        before = self._now() - timedelta(seconds=self._keep.blob_seconds)
        while True:
            with self._catalog.write() as unit:
                if unit.forget_apart(before, _ROWS) < _ROWS:
                    return

    def _not_kept(self, newest_first: list[Generation]) -> list[Generation]:
        now = self._now()
        limit = now - timedelta(seconds=self._keep.generation_seconds)
        oldest = now - timedelta(days=self._keep.generation_days) if self._keep.generation_days else None
        return [
            generation
            for place, generation in enumerate(newest_first)
            if generation.superseded_at is not None
            and generation.superseded_at < limit
            and (place > self._keep.generations or (oldest is not None and generation.superseded_at < oldest))
        ]

    def _sweep(self) -> tuple[int, int]:
        """Remove what was without a name in every round of the whole grace.

        The time is this process's own: a wall clock that jumps must not make content old that is just coming in.
        Content that was stored anew meanwhile is on its way in again, and starts over.
        """
        began = self._monotonic()
        stored = {digest: at for digest in self._blobs.digests() if (at := self._stored_at(digest)) is not None}
        with self._catalog.read() as reading:
            named = self._named(reading)
        looked = self._monotonic()  # a look may take long: what it found begins at its end and ages until the next one
        unnamed = {digest: at for digest, at in stored.items() if digest not in named}
        self._unnamed = {
            digest: self._unnamed[digest] if self._unnamed.get(digest, (0, None))[1] == at else (looked, at)
            for digest, at in unnamed.items()
        }
        count = freed = 0
        for digest, (since, at) in list(self._unnamed.items()):
            if began - since < self._keep.blob_seconds or self._stored_at(digest) != at:
                continue
            size = self._blobs.size_bytes(digest)
            self._blobs.remove(digest, at)
            del self._unnamed[digest]
            count, freed = count + 1, freed + size
        return count, freed

    def _stored_at(self, digest: Digest) -> float | None:
        try:
            return self._blobs.stored_at(digest)
        except BlobMissing:
            return None

    def _named(self, reading: Reading) -> set[Digest]:
        named = {digest for digest, _ in reading.needed_digests()}
        manifests = [
            generation.manifest
            for suite in reading.suites(removed=True)
            for generation in (*reading.generations(suite.id), *reading.generations_apart(suite.id))
        ]
        named.update(manifests)
        for manifest in manifests:
            named.update(self._packs(manifest))
        for head, whole in reading.bundle_heads():
            named.add(head)
            if whole:
                named.update(self._bundled(head))
        self._named_by = {digest: packs for digest, packs in self._named_by.items() if digest in named}
        return named

    def _bundled(self, head: Digest) -> Iterable[Digest]:
        known = self._named_by.get(head)
        if known is None:
            with self._blobs.open(head) as blob:
                known = frozenset(stored_head(blob).sizes)
            self._named_by[head] = known
        return known

    def _packs(self, manifest: Digest) -> Iterable[Digest]:
        known = self._named_by.get(manifest)
        if known is None:
            with self._blobs.open(manifest) as blob:
                known = frozenset(parse_manifest(blob.read(), manifest).packs())
            self._named_by[manifest] = known
        return known
