"""HTTP/1.1 read strictly: one reading of where an answer begins and ends, or none.

``http.client`` takes two lengths, a length beside chunks, and headers of any number for granted; here each of these
ends the exchange.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from entrepot.adapters.outbound.fetching import Pace
from entrepot.errors import UpstreamProtocol, UpstreamTimedOut, UpstreamTooLarge

PIECE_BYTES = 256 << 10
MAX_HEAD_BYTES = 64 << 10
MAX_HEADERS = 128
MAX_INTERIM = 8
_MAX_CHUNK_LINE_BYTES = 1024
_MAX_TRAILER_BYTES = 16 << 10

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n\0]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\0]*)?")
_BODILESS = (204, 304)


class BrokenOff(Exception):
    """The connection ended before the answer did."""


class Clock:
    """Bounds every wait: on nothing at all, on too little, and on everything together."""

    def __init__(self, pace: Pace, until: float, label: str) -> None:
        self._pace, self._until, self._label = pace, until, label
        self.renew()

    def renew(self) -> None:
        """A new exchange begins."""
        self._since, self._bytes = time.monotonic(), 0

    def seconds(self) -> float:
        """How long the next wait may be."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise self.over("it takes too long altogether")
        return min(self._pace.idle_seconds, left)

    @property
    def left(self) -> bool:
        """Whether there is time for another try."""
        return time.monotonic() < self._until

    def count(self, size: int) -> None:
        """So much came."""
        self._bytes += size
        elapsed = time.monotonic() - self._since
        if elapsed < self._pace.idle_seconds:
            return
        if self._bytes < elapsed * self._pace.least_bytes_per_second:
            raise self.over(f"it sends less than {self._pace.least_bytes_per_second} bytes a second")
        self.renew()

    def over(self, why: str) -> UpstreamTimedOut:
        """To be raised."""
        return UpstreamTimedOut(f"{self._label}: {why}")


class Line:
    """A connection.  ``fresh``: nothing was asked over it yet."""

    def __init__(self, connection: socket.socket, address: str) -> None:
        self._socket = connection
        self._rest = bytearray()
        self.address = address
        self.fresh = True
        self.idle_since = 0.0

    @property
    def clean(self) -> bool:
        """Whether nothing came that was not asked for."""
        return not self._rest

    def replace(self, connection: socket.socket) -> None:
        """Go on over TLS."""
        self._socket, self._rest = connection, bytearray()

    @property
    def socket(self) -> socket.socket:
        """To be wrapped."""
        return self._socket

    def close(self) -> None:
        """Without a farewell."""
        self._socket.close()

    def send(self, data: bytes, clock: Clock) -> None:
        """All of it."""
        self._socket.settimeout(clock.seconds())
        self._socket.sendall(data)

    def piece(self, clock: Clock, most: int = PIECE_BYTES) -> bytes:
        """What comes next, at least a byte.

        Raises:
            BrokenOff: nothing comes any more.
        """
        if self._rest:
            data = bytes(self._rest[:most])
            del self._rest[:most]
            return data
        self._socket.settimeout(clock.seconds())
        data = self._socket.recv(min(most, PIECE_BYTES))
        if not data:
            raise BrokenOff
        clock.count(len(data))
        return data

    def until(self, mark: bytes, most: int, clock: Clock) -> bytes:
        """Everything before a mark, which is taken off as well.

        Raises:
            UpstreamTooLarge: it does not come within ``most`` bytes.
        """
        searched = 0
        while (at := self._rest.find(mark, searched)) < 0:
            searched = max(0, len(self._rest) - len(mark) + 1)
            if len(self._rest) > most:
                raise UpstreamTooLarge(f"{self.address} sends more than {most} bytes of headers")
            self._socket.settimeout(clock.seconds())
            data = self._socket.recv(PIECE_BYTES)
            if not data:
                raise BrokenOff
            clock.count(len(data))
            self._rest += data
        if at > most:
            raise UpstreamTooLarge(f"{self.address} sends more than {most} bytes of headers")
        found = bytes(self._rest[:at])
        del self._rest[: at + len(mark)]
        return found


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers; names in lower case, equal ones joined."""

    status: int
    headers: Mapping[str, str]
    minor: int

    def get(self, name: str) -> str:
        """Nothing where it is not there."""
        return self.headers.get(name, "")

    @property
    def stays(self) -> bool:
        """Whether the connection can be used again, once the body was read."""
        framed = self.status in _BODILESS or "content-length" in self.headers or "transfer-encoding" in self.headers
        return self.minor == 1 and framed and "close" not in self.get("connection").lower()

    @property
    def length(self) -> int | None:
        """Bytes of the body, if they are said."""
        if self.status in _BODILESS:
            return 0
        found = self.headers.get("content-length")
        return None if found is None else int(found)


def read_head(line: Line, clock: Clock) -> Head:
    """The final one; what a server says before it is passed over, a few times.

    Raises:
        UpstreamProtocol, UpstreamTooLarge, BrokenOff: see there.
    """
    for _ in range(MAX_INTERIM + 1):
        head = _head(line.until(b"\r\n\r\n", MAX_HEAD_BYTES, clock))
        if head.status >= 200:
            return head
        if head.status == 101:
            raise UpstreamProtocol("the answer changes to another protocol")
    raise UpstreamTooLarge("too many interim answers come before the answer")


def _head(raw: bytes) -> Head:
    first, *lines = raw.split(b"\r\n")
    match = _STATUS.fullmatch(first)
    if match is None:
        raise UpstreamProtocol("the answer does not begin like one of HTTP/1.1")
    if len(lines) > MAX_HEADERS:
        raise UpstreamTooLarge(f"the answer has more than {MAX_HEADERS} headers")
    headers: dict[str, str] = {}
    for each in lines:
        field = _HEADER.fullmatch(each)
        if field is None:
            raise UpstreamProtocol("a line of the answer is no header")
        name, value = field[1].decode().lower(), field[2].decode("latin-1")
        if name in headers and name in ("content-length", "transfer-encoding", "location", "content-range"):
            raise UpstreamProtocol(f"the answer has two headers {name}")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    head = Head(int(match[2]), headers, int(match[1]))
    _check_framing(head)
    return head


def _check_framing(head: Head) -> None:
    length, coding = head.headers.get("content-length"), head.headers.get("transfer-encoding")
    if length is not None and (coding is not None or not _LENGTH.fullmatch(length)):
        raise UpstreamProtocol("the length of the answer is no number, or contradicts its coding")
    if coding is not None and (coding.lower() != "chunked" or head.minor == 0):
        raise UpstreamProtocol("the answer comes in an unknown coding")


def read_body(line: Line, head: Head, clock: Clock) -> Iterator[bytes]:
    """Pieces as they were sent, until the end that the head announced.

    Raises:
        UpstreamProtocol, BrokenOff: it does not end there.
    """
    if "transfer-encoding" in head.headers and head.status not in _BODILESS:
        yield from _chunks(line, clock)
    elif head.length is not None:
        yield from _exactly(line, head.length, clock)
    else:
        while True:
            try:
                data = line.piece(clock)
            except BrokenOff:
                return
            yield data


def _exactly(line: Line, size: int, clock: Clock) -> Iterator[bytes]:
    left = size
    while left:
        data = line.piece(clock, left)
        left -= len(data)
        yield data


def _chunks(line: Line, clock: Clock) -> Iterator[bytes]:
    while True:
        match = _CHUNK.fullmatch(line.until(b"\r\n", _MAX_CHUNK_LINE_BYTES, clock))
        if match is None:
            raise UpstreamProtocol("the size of a chunk is no number")
        size = int(match[1], 16)
        if not size:
            break
        yield from _exactly(line, size, clock)
        if line.until(b"\r\n", 2, clock):
            raise UpstreamProtocol("a chunk is longer than it says")
    spent = 0
    while trailer := line.until(b"\r\n", _MAX_TRAILER_BYTES, clock):
        spent += len(trailer)
        if spent > _MAX_TRAILER_BYTES:
            raise UpstreamTooLarge("more follows the last chunk than is read")
