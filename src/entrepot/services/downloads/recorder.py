"""Downloads that this process served: noted in memory, added to the catalog in batches."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.download import Fetch, Item
from entrepot.errors import CatalogConflict, CatalogUnavailable, EntrepotError
from entrepot.services.downloads.counting import COUNTED_UNTIL, DAYS_KEPT, count
from entrepot.services.downloads.pseudonyms import Pseudonyms

_log = structlog.get_logger(__name__)

FLUSH_SECONDS = 2.0
_MOST_WAITING = 50_000
_AT_ONCE = 10_000
_FOLD_EVERY = timedelta(hours=1)
_OPEN_DAYS = 2


class Recorder:
    """``note`` costs an append; everything else happens in a thread of its own.

    A process that is killed loses what it noted since the last batch, at most ``FLUSH_SECONDS`` of it.  While the
    database is away notes wait, and beyond a bound the oldest are dropped and that is logged: counting must never stand
    in the way of a download.
    """

    def __init__(
        self,
        catalog: Catalog,
        pseudonyms: Pseudonyms,
        now: Callable[[], datetime],
        *,
        read_logs: Callable[[], bool] | None = None,
    ) -> None:
        self._catalog = catalog
        self._pseudonyms = pseudonyms
        self._now = now
        self._read_logs = read_logs
        self._waiting: deque[Fetch] = deque(maxlen=_MOST_WAITING)
        self._dropped = 0
        self._items: dict[Digest, Item] = {}
        self._flushing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._folded_at: datetime | None = None

    def note(self, fetch: Fetch) -> None:
        """Remember one answer; from any thread, and never waits."""
        self._dropped += len(self._waiting) == _MOST_WAITING
        self._waiting.append(fetch)

    def start(self, *, reads_logs: bool) -> None:
        """Flush every few seconds until ``stop``; one process of a host reads the access logs."""
        if not reads_logs:
            self._read_logs = None
        self._thread = threading.Thread(target=self._run, name="downloads", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Add what waits, and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._turn()

    def _run(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            self._turn()

    def _turn(self) -> None:
        try:
            self.flush()
            self.read_logs()
        except EntrepotError as error:
            _log.warning("downloads.skipped_a_turn", reason=error.detail)
        except Exception:  # noqa: BLE001 - one bad turn must not be the last
            _log.exception("downloads.failed")

    def flush(self) -> int:
        """Add everything that waits; the number of downloads."""
        total = 0
        with self._flushing:
            if self._dropped:
                _log.warning("downloads.dropped", count=self._dropped)
                self._dropped = 0
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
                try:
                    total += self._add(batch)
                except (CatalogUnavailable, CatalogConflict):
                    room = _MOST_WAITING - len(self._waiting)
                    self._dropped += max(0, len(batch) - room)
                    self._waiting.extendleft(reversed(batch[-room:] if room else []))
                    raise
        return total

    def _add(self, batch: Sequence[Fetch]) -> int:
        unknown = list({fetch.digest for fetch in batch} - self._items.keys())
        with self._catalog.write() as unit:
            if unknown:
                if len(self._items) > _MOST_WAITING:
                    self._items.clear()
                self._items.update(unit.items_with_digests(unknown))
            found = count(unit, batch, self._items, self._pseudonyms)
            unit.set_fact(COUNTED_UNTIL, max(fetch.at for fetch in batch).astimezone(UTC).isoformat())
        return found

    def read_logs(self) -> None:
        """One bounded turn of the access logs, and when all is read, what an ended day needs."""
        more = self._read_logs() if self._read_logs is not None else False
        now = self._now()
        if not more and (self._folded_at is None or now - self._folded_at >= _FOLD_EVERY):
            today = now.astimezone(UTC).date()
            with self._catalog.write() as unit:
                unit.fold_downloads(today - timedelta(days=_OPEN_DAYS - 1), today - timedelta(days=DAYS_KEPT))
                unit.forget_log_positions(now - timedelta(days=DAYS_KEPT))
            self._folded_at = now
