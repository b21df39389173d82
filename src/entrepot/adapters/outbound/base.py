"""The port: one request to an address that somebody typed in, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """What to send.  ``inside`` allows hosts of the own network; ``most_bytes`` bounds what is read of the answer."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    inside: bool = False
    most_bytes: int = 64 << 10


@dataclass(frozen=True, slots=True)
class OutboundAnswer:
    """What came back; names of headers in lower case, the body cut where it became too long."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    truncated: bool = False


class Outbound(Protocol):
    """Sends.  A redirect is an answer like any other, and not followed."""

    def request(self, request: OutboundRequest) -> OutboundAnswer:
        """One exchange, ended after a fixed time whatever the other side does.

        Raises:
            AddressForbidden: the URL is of another kind, or leads to a place that must not be asked.
            RemoteFailed: no whole answer came.
        """
        ...
