"""How files of a source are fetched: with its credentials, over its mirrors, within its limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from entrepot.adapters.outbound.fetching import Credentials, Fetch, Fetched, Fetcher, Pace, Proxy, Sink, Watch
from entrepot.adapters.outbound.sinks import MemorySink
from entrepot.adapters.outbound.targets import Inside
from entrepot.adapters.sealing import Sealer
from entrepot.domain.upstream.mirrors import MAX_LIST_BYTES, read_mirrors
from entrepot.domain.upstream.source import Source
from entrepot.errors import (
    EntrepotError,
    UpstreamMissing,
    UpstreamStatus,
    UpstreamTimedOut,
    UpstreamUnreachable,
)

_SECRETS = ("username", "password", "certificate", "private_key")
_NEXT_MIRROR = (UpstreamMissing, UpstreamStatus, UpstreamTimedOut, UpstreamUnreachable)


@dataclass(frozen=True, slots=True)
class Ways:
    """What an operator says about the way out: places of the own network that may be asked, and a proxy."""

    inside: Inside
    proxy: Proxy | None = None
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file below the base URL of a source; digests and size as its verified index gives them."""

    path: str
    most_bytes: int
    size_bytes: int | None = None
    digests: Mapping[str, str] | None = None
    etag: str = ""
    last_modified: str = ""


class Courier:
    """Fetches files of sources.  To import a package: ``fetch(source, Wanted(filename, ...), sink)``."""

    def __init__(self, fetcher: Fetcher, ways: Ways, secret: bytes) -> None:
        self._fetcher = fetcher
        self._ways = ways
        self._sealer = Sealer(secret, "sources")

    def seal(self, secrets: Mapping[str, str]) -> str:
        """Credentials, to be kept with a source."""
        found = {name: secrets[name] for name in _SECRETS if secrets.get(name)}
        return self._sealer.seal(json.dumps(found)) if found else ""

    def secrets(self, source: Source) -> dict[str, str]:
        """What was sealed.  Raises SealBroken."""
        sealed = source.reach.sealed
        found: dict[str, str] = json.loads(self._sealer.open(sealed)) if sealed else {}
        return found

    def bases(self, source: Source, watch: Watch | None = None) -> list[str]:
        """Base URLs to try, each with a slash at its end: mirrors of a list if there is one, then its own URL."""
        own = [f"{source.url.rstrip('/')}/"] if source.url else []
        if not source.reach.mirrorlist:
            return own
        sink = MemorySink()
        fetch = self._fetch(source, source.reach.mirrorlist, Wanted("mirror list", MAX_LIST_BYTES))
        self._fetcher.fetch(fetch, sink, watch)
        return [*read_mirrors(sink.data, f"{source.name}: mirror list"), *own]

    def fetch(self, source: Source, wanted: Wanted, sink: Sink, watch: Watch | None = None) -> Fetched:
        """One file from the first mirror that has it.

        Raises:
            AddressForbidden, UpstreamError of any kind: no mirror has it.
        """
        return self.fetch_from(source, self.bases(source, watch), wanted, sink, watch)

    def fetch_from(
        self, source: Source, bases: list[str], wanted: Wanted, sink: Sink, watch: Watch | None = None
    ) -> Fetched:
        """As ``fetch``, over bases that are known."""
        last: EntrepotError | None = None
        for base in bases:
            try:
                return self._fetcher.fetch(self._fetch(source, base + wanted.path, wanted), sink, watch)
            except _NEXT_MIRROR as error:
                last = error
        raise last or UpstreamUnreachable(f"{source.name}: it has neither a URL nor a mirror")

    def read(
        self, source: Source, bases: list[str], wanted: Wanted, watch: Watch | None = None
    ) -> tuple[Fetched, bytes]:
        """A small file."""
        sink = MemorySink()
        return self.fetch_from(source, bases, wanted, sink, watch), sink.data

    def close(self) -> None:
        """At the end of the program."""
        self._fetcher.close()

    def _fetch(self, source: Source, url: str, wanted: Wanted) -> Fetch:
        reach, secrets = source.reach, self.secrets(source)
        pace = replace(self._ways.pace, bytes_per_second=reach.bytes_per_second, connections=max(1, reach.connections))
        return Fetch(
            url,
            f"{source.name}: {wanted.path}",
            wanted.most_bytes,
            wanted.size_bytes,
            wanted.digests or {},
            wanted.etag,
            wanted.last_modified,
            line=source.name,
            inside=self._ways.inside,
            credentials=Credentials(**secrets, authorities=reach.authorities),
            proxy=self._ways.proxy,
            pace=pace,
        )
