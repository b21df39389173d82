"""Looking into stored packages that nobody has looked into: those received before it was done, or by poorer readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import BinaryIO

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import StoredPackage
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.base import Limits, PackageFormat
from entrepot.domain.formats.bundled import READERS
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.component import Composition
from entrepot.domain.model.package import Format
from entrepot.errors import BlobMissing, CatalogConflict, EntrepotError, Kind

_log = structlog.get_logger(__name__)

_BATCH = 20
_EVERY = timedelta(minutes=10)
_UNSURE = (Kind.UNAVAILABLE, Kind.FULL, Kind.CORRUPT)


class _Stopped(Exception):
    """The program ends while a package is read."""


class _Bytes:
    """A stored file that is not read to its end when the program ends."""

    def __init__(self, file: BinaryIO, stopped: Callable[[], bool]) -> None:
        self._file = file
        self._stopped = stopped

    def read(self, size: int, /) -> bytes:
        """At most so many."""
        if self._stopped():
            raise _Stopped
        return self._file.read(size)


class Compositions:
    """Brings the goal about that every stored package says what it carries inside.

    Each package is kept by itself, so that whatever cuts it off, what was read stays read.  Packages whose files are
    gone are passed over; they are looked into when they come again.
    """

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        queue: Queue,
        formats: Mapping[Format, PackageFormat],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._queue = queue
        self._formats = formats
        self._now = now
        self._below: int | None = None
        self._ended_at: datetime | None = None
        self._stops = False

    def unmet(self) -> list[Goal]:
        """Whether there may be one; the keeper asks at each beat, and is told nothing for a while after an end."""
        now = self._now()
        if self._ended_at is not None and timedelta() <= now - self._ended_at < _EVERY:
            return []
        return [Goal(GoalKind.COMPOSITION)]

    def pursue(self) -> None:
        """A few packages, the newest first; then the goal is set again, so that others have their turn.

        Raises:
            CatalogUnavailable: try again later.
        """
        with self._catalog.read() as reading:
            packages = reading.packages(reading.without_composition(READERS, self._below, _BATCH))
        for package in sorted(packages, key=lambda one: -one.id):
            try:
                found = self._read(package)
            except _Stopped:
                return
            except EntrepotError as error:
                # Whatever is wrong with our own store concerns others, who say it louder.
                _log.warning("composition.postponed", package=str(package.key), reason=error.detail)
                found = None
            if found is not None:
                self._keep(package, found)
            self._below = package.id
        if len(packages) == _BATCH:
            self._queue.submit(Goal(GoalKind.COMPOSITION))
        else:
            self._below, self._ended_at = None, self._now()

    def stop(self) -> None:
        """Read no more in this process."""
        self._stops = True

    def _read(self, package: StoredPackage) -> Composition | None:
        """None where its file is gone."""
        try:
            with self._blobs.open(package.digest) as file:
                source = _Bytes(file, lambda: self._stops)
                facts = self._formats[package.key.format].read(source, package.size_bytes, Limits())
        except BlobMissing:
            return None
        except EntrepotError as error:
            if error.kind in _UNSURE:
                raise
            # It was taken once, under other rules; asking again would give the same.
            return Composition(READERS, notes=(f"it could not be read: {error.detail[:500]}",))
        return facts.composition

    def _keep(self, package: StoredPackage, found: Composition) -> None:
        try:
            with self._catalog.write() as unit:
                unit.keep_composition(package.id, found, self._now())
        except CatalogConflict:
            _log.info("composition.kept_elsewhere", package=str(package.key))
