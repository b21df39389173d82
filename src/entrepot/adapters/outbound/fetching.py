"""The port for everything that is downloaded from other people's servers: to a file, a blob or memory, and verified."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self
from urllib.parse import unquote

from entrepot.adapters.outbound.targets import NOWHERE, Inside
from entrepot.errors import BadSetting

_PROXY = re.compile(r"http://(?:([^:@/\s]*):([^@/\s]*)@)?(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):([0-9]{1,5})/?")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long, how often and how fast; 0 bytes per second is as fast as it goes."""

    connect_seconds: float = 10.0
    idle_seconds: float = 30.0
    total_seconds: float = 3600.0
    least_bytes_per_second: int = 1024
    bytes_per_second: int = 0
    connections: int = 4
    tries: int = 4
    pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to show who asks, and whom to believe; PEM texts.  Nothing of it is ever shown."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    authorities: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Proxy:
    """The way out of a closed network.  The proxy resolves names, so what it leads to is its own business."""

    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """``http://[user:password@]host:port``; none for an empty text.

        Raises:
            BadSetting: it is something else.
        """
        if not text:
            return None
        match = _PROXY.fullmatch(text)
        if match is None:
            raise BadSetting("the proxy must be http://host:port or http://user:password@host:port")
        return cls(match[3].strip("[]"), int(match[4]), unquote(match[1] or ""), unquote(match[2] or ""))


@dataclass(frozen=True, slots=True)
class Fetch:
    """One file to bring.

    ``label`` stands in sentences in place of the URL, which may hold secrets.  ``line`` groups fetches that share the
    limits of ``pace`` on bandwidth and connections.  ``most_bytes`` bounds what is taken; with ``size_bytes`` and
    ``digests`` (sha256, sha512 in lower-case hexadecimal) nothing else than those bytes is.  ``etag`` and
    ``last_modified`` ask for the file only if it is another one.
    """

    url: str
    label: str
    most_bytes: int
    size_bytes: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    last_modified: str = ""
    line: str = ""
    inside: Inside = NOWHERE
    credentials: Credentials | None = field(default=None, repr=False)
    proxy: Proxy | None = None
    may_open: bool = False
    pace: Pace = Pace()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came.  ``not_modified``: nothing did, because what is known is still right.  ``tries`` counts requests."""

    size_bytes: int
    sha256: str
    etag: str = ""
    last_modified: str = ""
    not_modified: bool = False
    tries: int = 1


class Sink(Protocol):
    """Where bytes go."""

    def kept(self) -> Iterator[bytes]:
        """What is there from an earlier time and may be the beginning; only asked where a digest will decide."""
        ...

    def write(self, data: bytes, /) -> None:
        """Append."""
        ...

    def restart(self) -> None:
        """Forget everything: it was not the beginning of this file."""
        ...


Watch = Callable[[int], None]
"""Is told, often, how many bytes are there; ends the fetch by raising."""


class Fetcher(Protocol):
    """Downloads.  Each name is resolved, looked at and pinned on every hop, as ``Outbound`` does."""

    def fetch(self, fetch: Fetch, sink: Sink, watch: Watch | None = None) -> Fetched:
        """Bring one file; tried again with growing pauses, and from where it broke off.

        Raises:
            AddressForbidden: the URL or a redirect leads to a place that must not be asked.
            UpstreamUnreachable, UpstreamTimedOut, UpstreamProtocol, UpstreamStatus, UpstreamMissing,
            UpstreamRedirect, UpstreamTooLarge, UpstreamDigest: no such file came.
        """
        ...

    def close(self) -> None:
        """Let go of connections that were kept for the next fetch."""
        ...
