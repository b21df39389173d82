"""Packages that are listed and not stored, fetched when somebody asks for one.

Those who ask for the same file at the same time wait for one fetch, and read what came of it so far: an ``Arrival``.
Bytes are taken for whole only when all of them fit the verified index; until then the last of them are held back by
whoever sends them on.  Other processes are kept from fetching the same file by a claim in the catalog, for a few
seconds: a client is not made to wait longer for bytes that come elsewhere.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.outbound.sinks import BlobSink
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.digest import Digest
from entrepot.domain.upstream.mirror import MirrorFile, listed_file
from entrepot.domain.upstream.source import Source, SourceId
from entrepot.errors import EntrepotError, StoreUnavailable, UpstreamBusy, UpstreamMissing, UpstreamUnreachable
from entrepot.services.upstream.courier import Courier, Wanted

_log = structlog.get_logger(__name__)

MOST_AT_ONCE = 16
"""Fetches of one process, each with a thread; of one source there are as many as it has connections."""
MOST_WAITING = 512
_CLAIM = timedelta(seconds=10)
_LOOK_SECONDS = 0.2
_FAILED_SECONDS = 5.0
"""A file that cannot be had is not asked for again for so long, nor is an upstream that does not answer at all."""
_STEP_BYTES = 128 << 10
_BASES_SECONDS = 300.0
_STOP_SECONDS = 2.0


class Arrival:
    """A file on its way in.  Safe for many threads."""

    def __init__(self, number: int, size_bytes: int) -> None:
        self.number = number
        self.size_bytes = size_bytes
        self.digest: Digest | None = None
        self.error: EntrepotError | None = None
        self._lock = threading.Lock()
        self._sink: BlobSink | None = None
        self._attempt = self._ready = 0
        self._watchers: dict[object, Callable[[], None]] = {}
        self.ended = threading.Event()

    @property
    def ready(self) -> tuple[int, int]:
        """Which attempt goes on, and how many of its bytes can be read."""
        with self._lock:
            return self._attempt, self._ready

    def read(self, attempt: int, offset: int, length: int) -> bytes:
        """Bytes that came in an attempt; none when that is over."""
        with self._lock:
            sink = self._sink if self._attempt == attempt else None
        if sink is None:
            return b""
        with contextlib.suppress(StoreUnavailable), sink.writer.reopen() as file:
            file.seek(offset)
            data = file.read(length)
            return data if self.ready[0] == attempt else b""
        return b""

    def watch(self, key: object, call: Callable[[], None]) -> None:
        """Be called, in whatever thread, whenever there is more to know."""
        with self._lock:
            self._watchers[key] = call

    def forget(self, key: object) -> None:
        """Be called no more."""
        with self._lock:
            self._watchers.pop(key, None)

    def begin(self, sink: BlobSink) -> None:
        """Bytes come from the first one on."""
        with self._lock:
            self._sink, self._ready = sink, 0
            self._attempt += 1
        self._tell()

    def advance(self, ready: int) -> None:
        """So many bytes are there."""
        with self._lock:
            self._ready = ready
        self._tell()

    def finish(self, digest: Digest | None, error: EntrepotError | None = None) -> None:
        """It is stored, or will not come."""
        with self._lock:
            self.digest, self.error, self._sink = digest, error, None
        self.ended.set()
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            calls = list(self._watchers.values())
        for call in calls:
            with contextlib.suppress(RuntimeError):  # who waited is gone, with the whole event loop
                call()


class _ShownSink(BlobSink):
    """A blob on its way in that others read meanwhile."""

    def __init__(self, blobs: BlobStore, arrival: Arrival) -> None:
        super().__init__(blobs)
        self._arrival = arrival
        self._told = self._size = 0

    def write(self, data: bytes, /) -> None:
        """Append, and tell now and then."""
        super().write(data)
        self._size += len(data)
        if not self._told or self._size - self._told >= _STEP_BYTES:
            self._told = self._size
            self._arrival.advance(self._size)

    def restart(self) -> None:
        """Another attempt."""
        super().restart()
        self._told = self._size = 0
        self._arrival.begin(self)


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be fetched for an arrival, and from whom."""

    arrival: Arrival
    file: MirrorFile
    source: Source


class OnDemand:
    """Fetches what is asked for, in threads of its own, a bounded number at a time."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        courier: Courier,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._courier = courier
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._arrivals: dict[int, Arrival] = {}
        self._failed: dict[int, tuple[float, EntrepotError]] = {}
        self._away: dict[SourceId, tuple[float, EntrepotError]] = {}
        self._bases: dict[SourceId, tuple[float, Source, list[str]]] = {}
        self._waiting: dict[SourceId, deque[_Order]] = defaultdict(deque)
        self._running: dict[SourceId, int] = defaultdict(int)
        self._stopping = threading.Event()

    def open(self, number: int) -> Arrival:
        """A listed file: the fetch that goes on, a new one, or one that has ended because it is stored.

        Raises:
            NotFound: it is listed no longer.
            UpstreamBusy: too many wait already.
            EntrepotError: it could not be had a moment ago.
        """
        with self._lock:
            known = self._arrivals.get(number)
        if known is not None:
            return known
        with self._catalog.read() as reading:
            row = reading.listed_file(number)
            suite, mirror = reading.suite(row.suite_id), reading.mirror_of(row.suite_id)
            source = None if mirror is None else reading.source(mirror.source_id)
        if source is None:
            raise UpstreamMissing("the mirror of this file was removed")
        arrival = Arrival(number, row.size_bytes)
        if row.digest and self._blobs.has(row.digest):
            arrival.finish(row.digest)
            return arrival
        order = _Order(arrival, listed_file(suite, row.path, row.listed, row.size_bytes), source)
        with self._lock:
            known = self._arrivals.get(number)
            if known is not None:
                return known
            self._check_recent(number, source)
            if sum(map(len, self._waiting.values())) >= MOST_WAITING:
                raise UpstreamBusy(f"{source.name}: too many of its packages are being fetched; ask again in a moment")
            self._arrivals[number] = arrival
            self._waiting[source.id].append(order)
            self._start_some()
        return arrival

    def stop(self) -> None:
        """End what goes on; nothing of it stays."""
        self._stopping.set()
        with self._lock:
            waiting = [order for orders in self._waiting.values() for order in orders]
            self._waiting.clear()
            running = [arrival for arrival in self._arrivals.values() if not arrival.ended.is_set()]
        for order in waiting:
            self._end(order, None, UpstreamBusy("this server is being stopped; ask again in a moment"))
        until = self._monotonic() + _STOP_SECONDS
        for arrival in running:
            arrival.ended.wait(max(0.0, until - self._monotonic()))

    def _check_recent(self, number: int, source: Source) -> None:
        """Nobody hammers an upstream through us."""
        now = self._monotonic()
        for found in (self._failed.get(number), self._away.get(source.id)):
            if found is not None and found[0] > now:
                raise type(found[1])(found[1].detail, **found[1].facts)

    def _start_some(self) -> None:
        """With the lock held: threads for those whose turn it is, one source after the other."""
        for source_id in [key for key, orders in self._waiting.items() if orders]:
            orders = self._waiting[source_id]
            while orders and sum(self._running.values()) < MOST_AT_ONCE:
                if self._running[source_id] >= max(1, orders[0].source.reach.connections):
                    break
                self._running[source_id] += 1
                name = f"on-demand-{orders[0].arrival.number}"
                threading.Thread(target=self._pursue, args=(orders.popleft(),), name=name, daemon=True).start()
            if not orders:
                self._waiting.pop(source_id, None)

    def _pursue(self, order: _Order) -> None:
        digest: Digest | None = None
        failed: EntrepotError | None = None
        try:
            digest = self._have(order)
        except EntrepotError as error:
            failed = error
        except Exception:  # noqa: BLE001 - whoever waits is told, whatever happened
            _log.exception("mirror.fetch_broke", source=order.source.name, path=order.file.path)
            failed = StoreUnavailable(f"{order.source.name}: {order.file.path}: it could not be fetched; try again")
        finally:
            with self._lock:
                self._running[order.source.id] -= 1
            self._end(order, digest, failed)

    def _end(self, order: _Order, digest: Digest | None, error: EntrepotError | None) -> None:
        number, source = order.arrival.number, order.source
        with self._lock:
            self._arrivals.pop(number, None)
            now = self._monotonic()
            self._failed = {key: one for key, one in self._failed.items() if one[0] > now}
            if error is not None:
                self._failed[number] = (now + _FAILED_SECONDS, error)
            if isinstance(error, UpstreamUnreachable):
                self._away[source.id] = (now + _FAILED_SECONDS, error)
                self._bases.pop(source.id, None)
            if not self._stopping.is_set():
                self._start_some()
        order.arrival.finish(digest, error)
        if error is None:
            _log.info("mirror.fetched", source=source.name, path=order.file.path, size=order.file.size_bytes)
        else:
            _log.warning("mirror.not_fetched", source=source.name, path=order.file.path, reason=error.detail)

    def _have(self, order: _Order) -> Digest:
        """Claim it, or wait a little for who has; then fetch and note it."""
        number = order.arrival.number
        while not self._stopping.is_set():
            with self._catalog.write() as unit:
                now = self._now()
                claimed = unit.claim_listed(number, now, now + _CLAIM)
                row = unit.listed_file(number)
            if claimed:
                break
            if row.digest and self._blobs.has(row.digest):
                return row.digest
            if row.digest:  # what was stored once is lost
                break
            self._stopping.wait(_LOOK_SECONDS)
        try:
            digest = self._stored(order.file) or self._fetch(order)
            with self._catalog.write() as unit:
                unit.store_listed(number, digest)
        except BaseException:
            with contextlib.suppress(EntrepotError), self._catalog.write() as unit:
                unit.release_listed(number)
            raise
        return digest

    def _stored(self, file: MirrorFile) -> Digest | None:
        known = Digest(file.digests.get("sha256", ""))
        there = known and self._blobs.has(known) and self._blobs.size_bytes(known) == file.size_bytes
        return known if there else None

    def _fetch(self, order: _Order) -> Digest:
        file, source = order.file, order.source
        wanted = Wanted(file.places[0], file.size_bytes, file.size_bytes, file.digests)
        with _ShownSink(self._blobs, order.arrival) as sink:
            self._courier.fetch_from(source, self._bases_of(source), wanted, sink, self._look)
            return sink.writer.commit()

    def _bases_of(self, source: Source) -> list[str]:
        """A list of mirrors is not asked for anew for each file."""
        now = self._monotonic()
        with self._lock:
            known = self._bases.get(source.id)
        if known is None or known[0] < now or known[1] != source:
            known = (now + _BASES_SECONDS, source, self._courier.bases(source, self._look))
            with self._lock:
                self._bases[source.id] = known
        return known[2]

    def _look(self, _: int) -> None:
        if self._stopping.is_set():
            raise UpstreamBusy("this server is being stopped; ask again in a moment")
