"""Files of a mirror on their way in: what is known is not fetched again, what came is noted at once.

Files that wait for somebody to ask for them are noted without a digest.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.mirrors import Brought
from entrepot.adapters.outbound.sinks import BlobSink
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.digest import Digest
from entrepot.domain.upstream.mirror import Mirror, MirrorFile, OnBad
from entrepot.domain.upstream.source import Source
from entrepot.errors import (
    EntrepotError,
    UpstreamDigest,
    UpstreamMissing,
    UpstreamTooLarge,
)
from entrepot.services.upstream.courier import Courier, Wanted

_FILES_A_BATCH = 400
_FILES_A_UNIT = 50
_MOST_NAMED = 20
_LOOK_SECONDS = 0.5
_BAD = (UpstreamDigest, UpstreamMissing, UpstreamTooLarge)

Tell = Callable[[str, int, str], None]
"""Hears a word of what goes on, how many files are there, and more; raises to end it."""


@dataclass(slots=True)
class Tally:
    """What a run did so far."""

    wanted: int = 0
    fetched: int = 0
    fetched_bytes: int = 0
    bad: int = 0
    named: list[str] = field(default_factory=list)

    def skip(self, name: str, error: EntrepotError) -> None:
        """A file that is no good, and that nobody waits for."""
        self.bad += 1
        if len(self.named) < _MOST_NAMED:
            self.named.append(f"{name}: {error.detail}")


@dataclass(frozen=True, slots=True)
class Errand:
    """What files are brought for.  ``forms`` are alternatives: one of a group is enough."""

    mirror: Mirror
    source: Source
    bases: list[str]
    run: int
    tally: Tally
    forms: bool = False


class Filling:
    """Brings files in batches, some at a time; may be killed anywhere."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, courier: Courier, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._courier = courier
        self._now = now

    def fill(self, errand: Errand, files: Iterable[MirrorFile], tell: Tell) -> dict[str, Digest]:
        """Have all of them stored; of forms of the index, which blob each is, by path.

        Raises:
            EntrepotError: one of them cannot be had, and that is not to be passed over.
        """
        found: dict[str, Digest] = {}
        stop = threading.Event()
        workers = max(1, errand.source.reach.connections)
        with ThreadPoolExecutor(workers, thread_name_prefix="mirror") as pool:
            try:
                for batch in _batches(files):
                    stored = self._batch(errand, batch, pool, stop, tell)
                    if errand.forms:
                        found |= stored
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        return found

    def enlist(self, errand: Errand, files: Iterable[MirrorFile], tell: Tell) -> None:
        """Have all of them noted; the bytes come when somebody asks, where they are not stored anyway."""
        for batch in _batches(files):
            tell("", errand.tally.wanted, "")
            known, lost = self._known(errand, batch)
            fresh = [file for file in batch if (file.path, file.listed) not in known]
            there = [(file, self._stored(file) or Digest(""), file.size_bytes) for file in fresh]
            with self._catalog.write() as unit:
                unit.forget_brought(lost)
                unit.want_again(errand.run, [one.number for one in known.values()])
                unit.bring(errand.mirror.suite_id, errand.run, there, self._now())
            errand.tally.wanted += len(batch)

    def _batch(
        self, errand: Errand, batch: Sequence[MirrorFile], pool: ThreadPoolExecutor, stop: threading.Event, tell: Tell
    ) -> dict[str, Digest]:
        tell("", errand.tally.wanted, "")
        known, lost = self._known(errand, batch)
        with self._catalog.write() as unit:
            unit.forget_brought(lost)
            unit.want_again(errand.run, [one.number for one in known.values() if one.digest])
        stored = {path: one.digest for (path, _), one in known.items() if one.digest}
        absent = {key: one.number for key, one in known.items() if not one.digest}
        errand.tally.wanted += len(stored)
        missing = [file for file in batch if file.path not in stored]
        futures = {pool.submit(self._bring, errand, file, stop): file for file in missing}
        ready: list[tuple[MirrorFile, Digest, int]] = []
        waiting = set(futures)
        try:
            while waiting:
                done, waiting = wait(waiting, _LOOK_SECONDS, FIRST_COMPLETED)
                for future in done:
                    came = self._taken(errand, futures[future], future)
                    if came is not None:
                        ready.append((futures[future], *came))
                        stored[futures[future].path] = came[0]
                if len(ready) >= _FILES_A_UNIT:
                    self._note(errand, ready, absent)
                tell("downloading" if done else "", errand.tally.wanted, "")
        finally:
            self._note(errand, ready, absent)
        return stored

    def _known(
        self, errand: Errand, batch: Sequence[MirrorFile]
    ) -> tuple[Mapping[tuple[str, str], Brought], Collection[int]]:
        """What is stored for the batch, and rows whose bytes are lost."""
        with self._catalog.read() as reading:
            rows = reading.brought(errand.mirror.suite_id, {file.path for file in batch})
        wanted = {(file.path, file.listed) for file in batch}
        found = {(row.path, row.listed): row for row in rows if (row.path, row.listed) in wanted}
        lost = {key: row for key, row in found.items() if row.digest and not self._blobs.has(row.digest)}
        return {key: row for key, row in found.items() if key not in lost}, [row.number for row in lost.values()]

    def _bring(self, errand: Errand, file: MirrorFile, stop: threading.Event) -> tuple[Digest, int, bool]:
        """Digest, size, and whether it was fetched."""
        known = self._stored(file)
        if known is not None:
            return known, self._blobs.size_bytes(known), False
        for number, place in enumerate(file.places, 1):
            size = None if file.most_bytes else file.size_bytes
            wanted = Wanted(place, file.most_bytes or file.size_bytes, size, file.digests)
            try:
                with BlobSink(self._blobs) as sink:
                    self._courier.fetch_from(errand.source, errand.bases, wanted, sink, lambda _: _go_on(stop))
                    size_bytes = sink.writer.size_bytes
                    return sink.writer.commit(), size_bytes, True
            except UpstreamMissing:
                if number == len(file.places):
                    raise
        raise UpstreamMissing(f"{errand.source.name}: {file.path} lies nowhere")

    def _stored(self, file: MirrorFile) -> Digest | None:
        """Bytes that came in by another way."""
        known = Digest(file.digests.get("sha256", ""))
        if not known or not self._blobs.has(known):
            return None
        return known if file.most_bytes or self._blobs.size_bytes(known) == file.size_bytes else None

    def _taken(
        self, errand: Errand, file: MirrorFile, future: Future[tuple[Digest, int, bool]]
    ) -> tuple[Digest, int] | None:
        tally = errand.tally
        try:
            digest, size, fetched = future.result()
        except _BAD as error:
            if errand.forms and isinstance(error, UpstreamMissing):
                return None  # an upstream may list forms that it does not hold
            if errand.mirror.on_bad is OnBad.FAIL or errand.forms:
                raise
            tally.skip(file.path, error)
            return None
        tally.wanted += 1
        tally.fetched += fetched
        tally.fetched_bytes += size if fetched else 0
        return digest, size

    def _note(
        self,
        errand: Errand,
        ready: list[tuple[MirrorFile, Digest, int]],
        absent: Mapping[tuple[str, str], int],
    ) -> None:
        if not ready:
            return
        fresh = [one for one in ready if (one[0].path, one[0].listed) not in absent]
        with self._catalog.write() as unit:
            unit.bring(errand.mirror.suite_id, errand.run, fresh, self._now())
            for file, digest, _ in ready:
                number = absent.get((file.path, file.listed))
                if number is not None:
                    unit.store_listed(number, digest)
                    unit.want_again(errand.run, [number])
        ready.clear()


class Stopped(Exception):
    """Another file of the same run failed."""


def _go_on(stop: threading.Event) -> None:
    if stop.is_set():
        raise Stopped("another file of this run failed")


def _batches(files: Iterable[MirrorFile]) -> Iterator[list[MirrorFile]]:
    rest = iter(files)
    while batch := list(itertools.islice(rest, _FILES_A_BATCH)):
        yield list({(file.path, file.listed): file for file in batch}.values())
