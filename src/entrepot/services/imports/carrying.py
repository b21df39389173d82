"""One package from a source to the gate: fetched once, verified against the index, never looked into before that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.sources import UpstreamPackage
from entrepot.adapters.outbound.fetching import Sink, Watch
from entrepot.adapters.outbound.sinks import BlobSink
from entrepot.adapters.storage.base import BlobStore
from entrepot.adapters.storage.staged import Staged, StoredFile
from entrepot.domain.jobs.work import JobId, Work
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import Suite
from entrepot.domain.upstream.source import Source, SourceId
from entrepot.errors import BlobMissing, BodyTooLarge, EntrepotError, UpstreamTimedOut, UpstreamUnreachable
from entrepot.services.imports.turns import Turns

_TELL_EVERY_BYTES = 4 << 20
_MOST_SILENCES = 2
_PIECE_BYTES = 1 << 20


class Stop(Exception):
    """Somebody wants the import to end."""


class Patience:
    """Sources that were silent twice in a row are not asked again by the same job: many packages would wait in turn."""

    def __init__(self) -> None:
        self._silent: dict[SourceId, list[EntrepotError]] = {}

    @contextmanager
    def asking(self, source: Source) -> Iterator[None]:
        """Raises what the source did before, if it did it too often."""
        silent = self._silent.setdefault(source.id, [])
        if len(silent) >= _MOST_SILENCES:
            last = silent[-1]
            raise type(last)(f"{source.name}: it was not asked, as it did not answer before: {last.detail}"[:500])
        try:
            yield
        except (UpstreamUnreachable, UpstreamTimedOut) as error:
            silent.append(error)
            raise
        silent.clear()


@dataclass(frozen=True, slots=True)
class Errand:
    """For whom packages are brought, and where to."""

    actor: Actor
    suite: Suite
    group: str
    job: JobId
    sources: Sequence[Source]
    patience: Patience


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that arrived, as its verified index describes it."""

    key: PackageKey
    filename: str
    component: str | None
    digest: str
    source: Source


Bring = Callable[[Source, UpstreamPackage, Sink, Watch], None]
"""Fetches the file of a package; raises when it is not what the index says."""

LetIn = Callable[[Errand, Staged, Arrival], dict[str, Any]]
"""Asks the gate; ``status``, ``message``, ``admission_id``, ``package_id``, ``suite_id`` and ``sha256`` come back."""


class Bringer:
    """Brings packages, each content once at a time."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, fetch: Bring, let_in: LetIn, most_bytes: int) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._fetch = fetch
        self._let_in = let_in
        self._most_bytes = most_bytes
        self._turns = Turns()

    def bring(self, errand: Errand, package: UpstreamPackage, work: Work) -> dict[str, Any]:
        """What became of it.

        Raises:
            Stop: somebody wants the import to end.
            EntrepotError: it could not be had, or the gate refused to look at it.
        """
        if package.size_bytes > self._most_bytes:
            raise BodyTooLarge(f"{package.key} has {package.size_bytes} bytes; at most {self._most_bytes} are taken")
        source = next(each for each in errand.sources if each.id == package.source_id)
        component = package.component if package.component in errand.suite.options.components else None
        arrival = Arrival(package.key, package.filename, component, package.digest, source)
        with self._turns.turn(package.digest):
            kept = self._kept(package)
            if kept is not None:
                return self._let_in(errand, kept, arrival)
            with BlobSink(self._blobs) as sink:
                if not self._copied(package, sink):
                    with errand.patience.asking(source):
                        self._fetch(source, package, sink, self._watch(package, work))
                return self._let_in(errand, sink.writer, arrival)

    def _kept(self, package: UpstreamPackage) -> StoredFile | None:
        """The same bytes, if they came in before."""
        algorithm, _, value = package.digest.partition(":")
        if algorithm != "sha256":
            return None
        with self._catalog.read() as reading:
            known = reading.package_with_digest(Digest(value))
        if known is None or not self._blobs.has(known.digest):
            return None
        return StoredFile(self._blobs, known.digest, known.size_bytes, known.sha512)

    def _copied(self, package: UpstreamPackage, sink: BlobSink) -> bool:
        """What a mirror has brought is not fetched again; it may be collected meanwhile, so that it is copied."""
        algorithm, _, value = package.digest.partition(":")
        if algorithm != "sha256" or not self._blobs.has(Digest(value)):
            return False
        try:
            with self._blobs.open(Digest(value)) as blob:
                while piece := blob.read(_PIECE_BYTES):
                    sink.write(piece)
        except BlobMissing:
            sink.restart()
            return False
        if sink.writer.digest() == value:
            return True
        sink.restart()
        return False

    def _watch(self, package: UpstreamPackage, work: Work) -> Watch:
        told = 0

        def watch(count: int) -> None:
            nonlocal told
            if work.cancelled():
                raise Stop
            if count - told >= _TELL_EVERY_BYTES:
                told = count
                message = f"{package.key.name}: {count >> 20} of {package.size_bytes >> 20} MiB"
                work.progress(event={"status": "downloading", "count": count, "message": message, "level": "info"})

        return watch
