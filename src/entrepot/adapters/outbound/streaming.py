"""Downloads over HTTP/1.1: pinned, bounded, resumed and verified.  Implements ``Fetcher``."""

from __future__ import annotations

import hashlib
import random
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from entrepot.adapters.outbound.addresses import Resolve, system_resolve
from entrepot.adapters.outbound.connections import Connections, Gate, Lines, basic, proxy_header
from entrepot.adapters.outbound.fetching import Fetch, Fetched, Sink, Watch
from entrepot.adapters.outbound.targets import Target, target_of
from entrepot.adapters.outbound.wire import BrokenOff, Clock, Head, Line, read_body, read_head
from entrepot.errors import (
    AddressForbidden,
    EntrepotError,
    UpstreamDigest,
    UpstreamMissing,
    UpstreamProtocol,
    UpstreamRedirect,
    UpstreamStatus,
    UpstreamTooLarge,
    UpstreamUnreachable,
)

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_GONE = (404, 410)
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_LEAST_DRAINED_BYTES = 64 << 10
_SLICE_SECONDS = 0.5
_jitter = random.SystemRandom()


class _Again(Exception):
    """A reason to try again, not an error yet."""

    def __init__(self, error: EntrepotError, after: float = 0.0, *, at_once: bool = False) -> None:
        super().__init__(error.detail)
        self.error, self.after, self.at_once = error, after, at_once


class _Arrival:
    """What came so far: in the sink, and in the digests."""

    def __init__(self, fetch: Fetch, sink: Sink, watch: Watch | None) -> None:
        self._fetch, self._sink, self._watch = fetch, sink, watch
        self.size = 0
        self.etag = self.last_modified = ""
        self._start()
        if fetch.digests:
            for piece in sink.kept():
                self._digest(piece)
        if not self._fits():
            self.restart()

    def _fits(self) -> bool:
        return bool(self._fetch.digests) and self.size <= (self._fetch.size_bytes or self._fetch.most_bytes)

    def kept_whole(self) -> Fetched | None:
        """What an earlier fetch had finished, but not put away."""
        if not self.size or self.size != self._fetch.size_bytes:
            return None
        try:
            return self.finish(tries=0)
        except UpstreamDigest:
            self.restart()
            return None

    def _start(self) -> None:
        self._sha256, self._sha512 = hashlib.sha256(), None
        if "sha512" in self._fetch.digests:
            self._sha512 = hashlib.sha512()

    def _digest(self, data: bytes) -> None:
        self.size += len(data)
        self._sha256.update(data)
        if self._sha512 is not None:
            self._sha512.update(data)

    def take(self, data: bytes) -> None:
        """Append, unless it is too much."""
        fetch = self._fetch
        most = fetch.most_bytes if fetch.size_bytes is None else min(fetch.size_bytes, fetch.most_bytes)
        if self.size + len(data) > most:
            raise UpstreamTooLarge(f"{fetch.label}: it is longer than {most} bytes")
        self._sink.write(data)
        self._digest(data)
        self.look()

    def look(self) -> None:
        """Let the watcher end it."""
        if self._watch is not None:
            self._watch(self.size)

    def restart(self) -> None:
        """From the first byte."""
        self._sink.restart()
        self.size = 0
        self._start()

    @property
    def validator(self) -> str:
        """What says that the rest belongs to the beginning; a digest says so better."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    @property
    def resumable(self) -> bool:
        return self.size > 0 and bool(self.validator or self._fetch.digests)

    def finish(self, tries: int) -> Fetched:
        """Compare.

        Raises:
            UpstreamDigest: these are other bytes.
        """
        fetch, found = self._fetch, {"sha256": self._sha256.hexdigest()}
        if self._sha512 is not None:
            found["sha512"] = self._sha512.hexdigest()
        if fetch.size_bytes is not None and self.size != fetch.size_bytes:
            raise UpstreamDigest(f"{fetch.label}: it has {self.size} bytes, not the {fetch.size_bytes} of the index")
        for name, wanted in fetch.digests.items():
            if found.get(name) != wanted:
                raise UpstreamDigest(f"{fetch.label}: its {name.upper()} is not the one of the index")
        return Fetched(self.size, found["sha256"], self.etag, self.last_modified, tries=tries)


@dataclass(slots=True)
class _Hop:
    """One exchange: an open connection, and the head of its answer."""

    target: Target
    line: Line
    head: Head


class HttpFetcher:
    """Implements ``Fetcher``; safe for many threads."""

    def __init__(
        self,
        resolve: Resolve = system_resolve,
        context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connections = Connections(resolve, context)
        self._lines = Lines()
        self._sleep = sleep

    def fetch(self, fetch: Fetch, sink: Sink, watch: Watch | None = None) -> Fetched:
        """See the port."""
        target_of(fetch.url)
        arrival = _Arrival(fetch, sink, watch)
        if (kept := arrival.kept_whole()) is not None:
            return kept
        clock = Clock(fetch.pace, time.monotonic() + fetch.pace.total_seconds, fetch.label)
        with self._lines.one_of(fetch) as gate:
            tries = unmatched = 0
            while True:
                tries += 1
                try:
                    return self._attempt(fetch, arrival, clock, gate, tries)
                except _Again as again:
                    unmatched += isinstance(again.error, UpstreamDigest)
                    if tries >= fetch.pace.tries or unmatched > 1:
                        raise again.error from None
                    self._pause(fetch, arrival, again, tries)

    def close(self) -> None:
        """Let go of connections."""
        self._connections.close()

    def _pause(self, fetch: Fetch, arrival: _Arrival, again: _Again, tries: int) -> None:
        if again.at_once:
            return
        pace = fetch.pace
        if again.after > pace.longest_pause_seconds:
            raise again.error from None
        grown = min(pace.longest_pause_seconds, pace.pause_seconds * 2 ** (tries - 1))
        left = max(again.after, grown * _jitter.uniform(0.5, 1.0))
        while left > 0:
            arrival.look()
            self._sleep(min(left, _SLICE_SECONDS))
            left -= _SLICE_SECONDS

    def _attempt(self, fetch: Fetch, arrival: _Arrival, clock: Clock, gate: Gate, tries: int) -> Fetched:
        had = arrival.size
        try:
            with _translated(fetch):
                hop = self._ask(fetch, arrival, clock, fresh=tries > 1)
                with self._returned(fetch, hop):
                    return self._receive(fetch, arrival, clock, gate, hop, tries)
        except TimeoutError:
            error = clock.over(f"nothing came for {fetch.pace.idle_seconds:g} seconds")
            # Silence from the beginning is an answer of a kind; a line that broke down on the way is tried again.
            if arrival.size > had and clock.left:
                raise _Again(error) from None
            raise error from None
        except UpstreamDigest as error:
            arrival.restart()
            raise _Again(error) from None

    def _ask(self, fetch: Fetch, arrival: _Arrival, clock: Clock, *, fresh: bool) -> _Hop:
        """Follow redirects as far as they may lead."""
        first = target = target_of(fetch.url)
        for _ in range(MAX_REDIRECTS + 1):
            arrival.look()
            hop = self._exchange(fetch, target, self._request(fetch, arrival, target, first, fresh=fresh), clock)
            if hop.head.status not in _REDIRECTS:
                return hop
            with self._returned(fetch, hop, whole=_is_short(hop.head)):
                if _is_short(hop.head):
                    list(read_body(hop.line, hop.head, clock))
            target = _next(fetch, target, hop.head.get("location"))
        raise UpstreamRedirect(f"{fetch.label}: it is redirected more than {MAX_REDIRECTS} times")

    def _exchange(self, fetch: Fetch, target: Target, request: bytes, clock: Clock) -> _Hop:
        while True:
            clock.renew()
            line = self._connections.take(fetch, target, clock)
            try:
                line.send(request, clock)
                return _Hop(target, line, read_head(line, clock))
            except (BrokenOff, ConnectionError):
                line.close()
                if line.fresh:
                    raise
                # A kept connection that the server closed meanwhile: nothing was heard of it, another one is opened.
            except BaseException:
                line.close()
                raise

    def _request(self, fetch: Fetch, arrival: _Arrival, target: Target, first: Target, *, fresh: bool) -> bytes:
        place = target.path
        lines = [f"Host: {target.authority}", "User-Agent: entrepot", "Accept: */*", "Accept-Encoding: identity"]
        if fetch.proxy and target.scheme == "http":
            place = f"http://{target.authority}{target.path}"
            lines += [proxy_header(fetch.proxy).strip()]
        own = fetch.credentials
        if own and own.username and target.origin == first.origin:
            lines.append(f"Authorization: {basic(own.username, own.password)}")
        if arrival.resumable:
            lines.append(f"Range: bytes={arrival.size}-")
            if arrival.validator:
                lines.append(f"If-Range: {arrival.validator}")
        elif fetch.etag:
            lines.append(f"If-None-Match: {fetch.etag}")
        elif fetch.last_modified:
            lines.append(f"If-Modified-Since: {fetch.last_modified}")
        if fresh:
            lines.append("Cache-Control: no-cache")
        text = "\r\n".join([f"GET {place} HTTP/1.1", *filter(None, lines), "", ""])
        return text.encode("latin-1")

    def _receive(self, fetch: Fetch, arrival: _Arrival, clock: Clock, gate: Gate, hop: _Hop, tries: int) -> Fetched:
        head = hop.head
        if head.status == 304 and (fetch.etag or fetch.last_modified) and not arrival.size:
            return Fetched(0, "", fetch.etag, fetch.last_modified, not_modified=True, tries=tries)
        if head.status == 200:
            if arrival.size:
                arrival.restart()
        elif head.status == 206 and arrival.resumable:
            self._check_range(fetch, arrival, head)
        else:
            raise _refusal(fetch, arrival, head)
        _check_length(fetch, arrival, head)
        if head.status == 200:
            arrival.etag, arrival.last_modified = _shown(head.get("etag")), _shown(head.get("last-modified"))
        for data in read_body(hop.line, head, clock):
            arrival.take(data)
            wait = self._lines.wait_for(gate, len(data), fetch.pace.bytes_per_second)
            while wait > 0:
                self._sleep(min(wait, _SLICE_SECONDS))
                wait -= _SLICE_SECONDS
                arrival.look()
        if not hop.line.clean:
            raise UpstreamProtocol(f"{fetch.label}: the answer is longer than it says")
        return arrival.finish(tries)

    @staticmethod
    def _check_range(fetch: Fetch, arrival: _Arrival, head: Head) -> None:
        match = _CONTENT_RANGE.fullmatch(head.get("content-range"))
        whole = match is not None and int(match[1]) == arrival.size
        if match is not None and match[3] != "*":
            whole = whole and int(match[2]) == int(match[3]) - 1
        if not whole:
            arrival.restart()
            raise _Again(UpstreamProtocol(f"{fetch.label}: it sends another part than it was asked for"))

    @contextmanager
    def _returned(self, fetch: Fetch, hop: _Hop, *, whole: bool = True) -> Iterator[None]:
        """The connection goes back if it is at the end of the answer, and is closed otherwise."""
        try:
            yield
        except BaseException:
            hop.line.close()
            raise
        if whole and hop.head.stays and hop.line.clean:
            self._connections.give(fetch, hop.target, hop.line)
        else:
            hop.line.close()


def _is_short(head: Head) -> bool:
    """Whether a body that nobody wants is worth reading, to use the connection again."""
    return head.length is not None and head.length <= _LEAST_DRAINED_BYTES


def _shown(validator: str) -> str:
    """A validator that may be sent back."""
    return validator if len(validator) <= 256 and validator.isascii() else ""


def _next(fetch: Fetch, here: Target, location: str) -> Target:
    if not location:
        raise UpstreamRedirect(f"{fetch.label}: it is redirected to nowhere")
    host = f"{here.scheme}://{here.authority}"
    target = target_of(urljoin(f"{host}{here.path}", location))
    if here.scheme == "https" and target.scheme == "http" and not fetch.may_open:
        raise UpstreamRedirect(f"{fetch.label}: it is redirected from https to http")
    return target


def _check_length(fetch: Fetch, arrival: _Arrival, head: Head) -> None:
    if head.length is None:
        return
    total = arrival.size + head.length
    if fetch.size_bytes is not None and total != fetch.size_bytes:
        raise UpstreamDigest(f"{fetch.label}: it has {total} bytes, not the {fetch.size_bytes} of the index")
    if total > fetch.most_bytes:
        raise UpstreamTooLarge(f"{fetch.label}: it has {total} bytes; at most {fetch.most_bytes} are taken")


def _refusal(fetch: Fetch, arrival: _Arrival, head: Head) -> Exception:
    status = head.status
    if status == 416 and arrival.size:
        arrival.restart()
        return _Again(UpstreamProtocol(f"{fetch.label}: it cannot be gone on with"), at_once=True)
    if status in _GONE:
        return UpstreamMissing(f"{fetch.label}: it is not there", status=status)
    error = UpstreamStatus(f"{fetch.label}: the server answers {status}", status=status)
    if status in _AGAIN:
        return _Again(error, _retry_after(head.get("retry-after")))
    if status in (204, 206, 304):
        return UpstreamProtocol(f"{fetch.label}: the server answers {status} to a plain request")
    return error


def _retry_after(value: str) -> float:
    if value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, at.replace(tzinfo=at.tzinfo or UTC).timestamp() - time.time())


@contextmanager
def _translated(fetch: Fetch) -> Iterator[None]:
    """Failures of the connection as ours, with the label of the fetch."""
    try:
        yield
    except BrokenOff:
        raise _Again(UpstreamProtocol(f"{fetch.label}: the answer ends before its end")) from None
    except TimeoutError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _Again(UpstreamUnreachable(f"{fetch.label}: the server cannot be asked: {reason}")) from None
    except (AddressForbidden, UpstreamProtocol, UpstreamTooLarge, UpstreamUnreachable) as error:
        if error.detail.startswith(f"{fetch.label}:"):
            raise
        raise type(error)(f"{fetch.label}: {error.detail}", **error.facts) from None
