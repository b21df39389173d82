"""The whole application in one process: blobs, keys and goals in memory, the catalog in a throw-away SQLite file.

Everything but durability is as in the real one; the clock stands still until a test moves it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.adapters.storage.memory import MemoryBlobStore
from entrepot.application import Application
from entrepot.domain.model.actor import Actor, Role
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.main import CHECKS, Parts, assemble, start, stop
from entrepot.services.intake.checks.base import Check
from entrepot.services.intake.receipts import Receipt, UploadRequest
from entrepot.services.publish.packs import stream_file
from entrepot.settings import Settings
from entrepot.testing.databases import lay_schema

ADMIN = Actor("admin", frozenset({Role.ADMIN}), "192.0.2.1")
_PATIENCE_SECONDS = 90


class Clock:
    """Aware UTC, moved by hand."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._passed = 0.0

    def now(self) -> datetime:
        return self._at

    def advance(self, **span: float) -> None:
        """By ``days=1``, ``seconds=-5`` and the like."""
        self._at += timedelta(**span)
        self._passed += max(0.0, timedelta(**span).total_seconds())

    def monotonic(self) -> float:
        return self._passed


@dataclass(frozen=True, slots=True)
class MemoryInstallation:
    """An application with its parts, and short ways to do what a client does."""

    application: Application
    blobs: MemoryBlobStore
    keyring: MemoryKeyring
    queue: MemoryQueue
    catalog: Catalog
    clock: Clock

    def upload(self, data: bytes, filename: str, distribution: str | None = None, *, actor: Actor = ADMIN) -> Receipt:
        """Send a package; publication is left to the queue."""
        intake = self.application.intake
        with intake.stage() as writer:
            writer.write(data)
            return intake.receive(actor, writer, UploadRequest(filename, distribution))

    def suite(self, codename: str) -> Suite:
        return self.application.suites.find(ADMIN, codename)

    def wait_published(self, codename: str) -> Suite:
        """The suite once its generation shows everything that was done to it until now."""
        wanted = self.suite(codename).revision
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (suite := self.suite(codename)).published_revision < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{codename} is not published up to {wanted}: {self.queue.failures[-3:]}")
            time.sleep(0.01)
        return suite

    def wait_idle(self) -> None:
        """Until every suite's generation shows everything that was done to it."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._unpublished():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not everything is published: {self.queue.failures[-3:]}")
            time.sleep(0.01)

    def _unpublished(self) -> bool:
        with self.catalog.read() as reading:
            return bool(reading.unpublished_suites())

    def read(self, format_: Format, path: str, archive: str = "main") -> bytes | None:
        """Published bytes as content serves them; none where there is nothing."""
        found = self.application.published.find(format_, archive, path, "http://localhost")
        if found is None:
            return None
        return found.body if found.body is not None else b"".join(stream_file(self.blobs, found.file))


@contextlib.contextmanager
def memory_installation(
    folder: Path,
    *,
    checks: Sequence[Check] = CHECKS,
    works: bool = True,
    started_at: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    **settings: object,
) -> Iterator[MemoryInstallation]:
    """Started for the time of the block; ``folder`` holds the catalog."""
    clock = Clock(started_at)
    blobs = MemoryBlobStore(lambda: clock.now().timestamp())
    keyring, queue = MemoryKeyring(clock.now), MemoryQueue()
    configured = Settings(data=folder, **settings)  # type: ignore[arg-type]
    if not configured.database_url:
        lay_schema(folder / "entrepot.db")
    catalog = SqlCatalog(configured.catalog_url)
    parts = Parts(catalog, blobs, keyring, queue, bytes(32), clock.now, clock.monotonic)
    application = assemble(configured, parts, checks)
    start(application, works=works)
    try:
        yield MemoryInstallation(application, blobs, keyring, queue, catalog, clock)
    finally:
        stop(application)
