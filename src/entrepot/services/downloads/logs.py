"""Downloads that only a front server saw, read from its access logs.

What a turn counts and how far it read are committed together, by compare and set: however many processes read a log,
and wherever one dies, each line counts once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.access_logs.base import AccessLogs, Chunk, Log
from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.downloads import LogPosition, Sized
from entrepot.domain.formats.access_log import LoggedRequest, PoolPlace, parse_line, pool_place
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.download import Fetch
from entrepot.services.downloads.counting import COUNTED_UNTIL, DAYS_KEPT, count
from entrepot.services.downloads.pseudonyms import Pseudonyms

_log = structlog.get_logger(__name__)

TURN_BYTES = 8 << 20
_MOST_PARTS = 10_000


class LogReader:
    """``turn`` reads a bounded piece of whatever there is to read."""

    def __init__(
        self,
        catalog: Catalog,
        logs: AccessLogs,
        pseudonyms: Pseudonyms,
        now: Callable[[], datetime],
        *,
        alone: bool,
    ) -> None:
        self._catalog = catalog
        self._logs = logs
        self._pseudonyms = pseudonyms
        self._now = now
        self._alone = alone  # requests are not counted elsewhere at the same time
        self._finished: dict[str, object] = {}
        self._parts: OrderedDict[tuple[str, Digest], int] = OrderedDict()
        self.available = False

    def turn(self) -> bool:
        """Whether there is more to read at once."""
        left = TURN_BYTES
        found = self._logs.logs()
        self.available = bool(found)
        finished = {}
        for log in found:
            key = f"{log.ident}/{log.state}"
            if self._finished.get(key) == log.state:
                finished[key] = log.state
                continue
            while left > 0:
                read_bytes, at_end = self._piece(log, left)
                left -= read_bytes
                if at_end:
                    finished[key] = log.state
                    break
        self._finished = finished
        return left <= 0

    def _piece(self, log: Log, most_bytes: int) -> tuple[int, bool]:
        with self._catalog.read() as reading:
            before = reading.log_positions([log.ident]).get(log.ident, LogPosition(log.ident))
            until = reading.fact(COUNTED_UNTIL) if self._alone else None
        try:
            chunk = log.read(before.position, most_bytes, inside_line=before.inside_line)
        except OSError as error:
            _log.warning("access_log.unreadable", reason=error.strerror)
            return 0, True
        if chunk.position == before.position:
            return 0, True
        since = self._now() - timedelta(days=DAYS_KEPT - 1)
        if isinstance(until, str):
            since = max(since, datetime.fromisoformat(until))
        self._count(before, chunk, since)
        return chunk.position - before.position, chunk.at_end

    def _count(self, before: LogPosition, chunk: Chunk, since: datetime) -> None:
        latest = self._now() + timedelta(days=1)
        requests = [request for line in chunk.lines if (request := parse_line(line)) is not None]
        wanted = [
            (request, place)
            for request in requests
            if request.method == "GET"
            and request.status in (200, 206)
            and since < request.at < latest
            and (place := pool_place(request.path)) is not None
        ]
        packages = self._packages({place for _, place in wanted})
        fetches = [self._fetch(request, packages[place]) for request, place in wanted if place in packages]
        after = replace(
            before,
            position=chunk.position,
            inside_line=chunk.inside_line,
            lines=before.lines + len(chunk.lines) + chunk.dropped,
            skipped=before.skipped + len(chunk.lines) - len(requests) + chunk.dropped,
        )
        with self._catalog.write() as unit:
            if not unit.move_log_position(before, after, self._now()):
                return  # somebody else has read and counted these lines
            items = unit.items_with_digests(list({fetch.digest for fetch in fetches}))
            count(unit, fetches, items, self._pseudonyms)

    def _packages(self, places: set[PoolPlace]) -> Mapping[PoolPlace, Sized]:
        found: dict[PoolPlace, Sized] = {}
        by_archive: dict[tuple[object, str], list[PoolPlace]] = {}
        for place in places:
            by_archive.setdefault((place.format, place.archive), []).append(place)
        with self._catalog.read() as reading:
            for some in by_archive.values():
                archive = reading.archive(some[0].format, some[0].archive)
                if archive is not None:
                    known = reading.packages_at(archive.id, [place.path for place in some])
                    found.update({place: known[place.path] for place in some if place.path in known})
        return found

    def _fetch(self, request: LoggedRequest, package: Sized) -> Fetch:
        return Fetch(
            at=request.at,
            digest=package.digest,
            path=request.path,
            address=request.address,
            user_agent=request.user_agent,
            status=request.status,
            sent_bytes=min(request.sent_bytes, package.size_bytes),
            complete=self._complete(request, package),
        )

    def _complete(self, request: LoggedRequest, package: Sized) -> bool:
        """Whether the client has the last byte now.

        A plain combined log does not say which part was sent: then parts of a file to one client add up to a download.
        """
        if request.part is not None:
            first, last, size = request.part
            return last + 1 == size and request.sent_bytes >= last + 1 - first
        if request.status == 200 and request.sent_bytes >= package.size_bytes:
            return True
        key = (request.address, package.digest)
        total = self._parts.pop(key, 0) + request.sent_bytes
        if total >= package.size_bytes:
            return True
        self._parts[key] = total
        while len(self._parts) > _MOST_PARTS:
            self._parts.popitem(last=False)
        return False
