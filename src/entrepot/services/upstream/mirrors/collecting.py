"""Chosen packages on their way in: fetched some at a time, verified against the index, looked at, noted in batches."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.choices import Choice, ChoiceNews, ChoiceState
from entrepot.adapters.outbound.sinks import BlobSink
from entrepot.adapters.storage.base import BlobStore
from entrepot.adapters.storage.staged import Staged, StoredFile
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import Suite
from entrepot.domain.upstream.mirror import Mirror, MirrorRun, OnBad
from entrepot.domain.upstream.source import Source
from entrepot.errors import (
    BlobMissing,
    EntrepotError,
    Kind,
    SameKeyOtherBytes,
    UpstreamDigest,
    UpstreamMisnamed,
    UpstreamMissing,
    UpstreamTooLarge,
)
from entrepot.services.upstream.courier import Courier, Wanted
from entrepot.services.upstream.mirrors.filling import Stopped, Tally, Tell

_CHOICES_A_BATCH = 200
_PACKAGES_A_UNIT = 25
_LOOK_SECONDS = 0.5
_BAD = (UpstreamDigest, UpstreamMissing, UpstreamTooLarge, UpstreamMisnamed, SameKeyOtherBytes)


class Feed(Protocol):
    """The gate: looks at files one by one, judges and places in batches."""

    def rules_of(self, suite: Suite) -> str:
        """What it goes by, in letters: while they stay, a refusal stays."""
        ...

    def examine(self, run: MirrorRun, choice: Choice, staged: Staged, *, hold_misnamed: bool) -> Any:
        """Look at a file and store it; raises when it is no good."""
        ...

    def judge(self, run: MirrorRun, found: Sequence[Any]) -> list[ChoiceNews]:
        """Note what becomes of what was looked at."""
        ...

    def place(self, run: MirrorRun, choices: Sequence[Choice]) -> list[ChoiceNews]:
        """Put what is ready into the suite."""
        ...


@dataclass(frozen=True, slots=True)
class Collection:
    """What packages are brought for.  ``number`` is that of the run."""

    run: MirrorRun
    mirror: Mirror
    source: Source
    bases: list[str]
    number: int
    tally: Tally = field(default_factory=Tally)
    stop: threading.Event = field(default_factory=threading.Event)


class Collecting:
    """Brings what a run wants; may be killed anywhere."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, courier: Courier, feed: Feed, most_bytes: int) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._courier = courier
        self._feed = feed
        self._most_bytes = most_bytes

    def collect(self, collection: Collection, tell: Tell) -> None:
        """Have everything looked at that is wanted.

        Raises:
            EntrepotError: one of them cannot be had, and that is not to be passed over; or nobody can judge it now.
        """
        mirror, workers = collection.mirror, max(1, collection.source.reach.connections)
        with ThreadPoolExecutor(workers, thread_name_prefix="mirror") as pool:
            try:
                while True:
                    with self._catalog.read() as reading:
                        batch = reading.choices(mirror.id, [ChoiceState.WANTED], collection.number, _CHOICES_A_BATCH)
                    if not batch:
                        return
                    self._batch(collection, batch, pool, tell)
            except BaseException:
                collection.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _batch(self, collection: Collection, batch: Sequence[Choice], pool: ThreadPoolExecutor, tell: Tell) -> None:
        tally = collection.tally
        futures = {pool.submit(self._bring, collection, choice): choice for choice in batch}
        ready: list[Any] = []
        waiting = set(futures)
        try:
            while waiting:
                done, waiting = wait(waiting, _LOOK_SECONDS, FIRST_COMPLETED)
                for future in done:
                    found = self._taken(collection, futures[future], future)
                    tally.wanted += 1
                    if found is not None:
                        ready.append(found)
                if len(ready) >= _PACKAGES_A_UNIT:
                    self._judge(collection, ready, tell)
                tell("downloading" if done else "", tally.wanted, "")
        finally:
            self._judge(collection, ready, tell)

    def _judge(self, collection: Collection, ready: list[Any], tell: Tell) -> None:
        if not ready:
            return
        for news in self._feed.judge(collection.run, ready):
            if news.state in (ChoiceState.HELD, ChoiceState.REFUSED):
                tell("publishing", collection.tally.wanted, f"{news.state.value}: {news.reason}"[:500])
        ready.clear()

    def _bring(self, collection: Collection, choice: Choice) -> tuple[Any, bool]:
        """The package as the gate has seen it, and whether it was fetched."""
        source, hold = collection.source, collection.mirror.on_bad is OnBad.HOLD
        if choice.size_bytes > self._most_bytes:
            raise UpstreamTooLarge(f"{choice.key} has {choice.size_bytes} bytes; at most {self._most_bytes} are taken")
        kept = self._kept(choice)
        if kept is not None:
            return self._feed.examine(collection.run, choice, kept, hold_misnamed=hold), False
        algorithm, _, value = choice.digest.partition(":")
        wanted = Wanted(choice.filename, choice.size_bytes, choice.size_bytes, {algorithm: value})
        with BlobSink(self._blobs) as sink:
            self._courier.fetch_from(source, collection.bases, wanted, sink, lambda _: _go_on(collection.stop))
            return self._feed.examine(collection.run, choice, sink.writer, hold_misnamed=hold), True

    def _kept(self, choice: Choice) -> StoredFile | None:
        """The same bytes, if they came in before, also where nobody could note that any more."""
        algorithm, _, value = choice.digest.partition(":")
        if algorithm != "sha256":
            return None
        digest = Digest(value)
        with self._catalog.read() as reading:
            known = reading.package_with_digest(digest)
        try:
            if not self._blobs.has(digest) or self._blobs.size_bytes(digest) != choice.size_bytes:
                return None
        except BlobMissing:  # collected at this moment
            return None
        return StoredFile(self._blobs, digest, choice.size_bytes, known.sha512 if known is not None else "")

    def _taken(self, collection: Collection, choice: Choice, future: Future[tuple[Any, bool]]) -> Any:
        """What was looked at; none of what is no good, where that is passed over."""
        try:
            found, fetched = future.result()
        except EntrepotError as error:
            if not isinstance(error, _BAD) and error.kind is not Kind.UNPROCESSABLE:
                raise
            if isinstance(error, SameKeyOtherBytes):
                state = ChoiceState.REFUSED  # a version never changes: no later run could take it
            elif collection.mirror.on_bad is OnBad.FAIL:
                raise
            else:
                state = ChoiceState.BAD
            collection.tally.skip(str(choice.key), error)
            with self._catalog.write() as unit:
                unit.note_choices([ChoiceNews(choice.number, state, choice.package_id, error.detail)])
            return None
        collection.tally.fetched += fetched
        collection.tally.fetched_bytes += choice.size_bytes if fetched else 0
        return found


def _go_on(stop: threading.Event) -> None:
    if stop.is_set():
        raise Stopped("another file of this run failed")
