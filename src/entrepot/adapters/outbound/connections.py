"""Connections to checked addresses, kept open between requests, and as many as a source allows."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from entrepot.adapters.outbound.addresses import Resolve
from entrepot.adapters.outbound.fetching import Credentials, Fetch, Proxy
from entrepot.adapters.outbound.targets import Target, check_addresses, is_address
from entrepot.adapters.outbound.wire import Clock, Line, read_head
from entrepot.errors import UpstreamStatus, UpstreamUnreachable

_MOST_ADDRESSES = 4
_KEPT_SECONDS = 10.0
_MOST_KEPT = 8


class Connections:
    """Opens, and keeps those that can be used again.  Safe for many threads."""

    def __init__(self, resolve: Resolve, context: Callable[[], ssl.SSLContext]) -> None:
        self._resolve = resolve
        self._context = context
        self._contexts: dict[Credentials | None, ssl.SSLContext] = {}
        self._kept: dict[tuple[object, ...], list[Line]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def take(self, fetch: Fetch, target: Target, clock: Clock) -> Line:
        """A connection to the target; its addresses were looked at just now.

        Raises:
            AddressForbidden, UpstreamUnreachable, UpstreamStatus, OSError: there is none.
        """
        addresses = self._addresses(fetch, target)
        key = self._key(fetch, target)
        with self._lock:
            for line in self._kept.pop(key, []):
                if time.monotonic() - line.idle_since < _KEPT_SECONDS and line.address in addresses:
                    self._kept.setdefault(key, []).append(line)
                else:
                    line.close()
            if self._kept.get(key):
                return self._kept[key].pop()
        return self._open(fetch, target, addresses, clock)

    def give(self, fetch: Fetch, target: Target, line: Line) -> None:
        """It may be used again; what comes back after the end is closed."""
        line.fresh, line.idle_since = False, time.monotonic()
        with self._lock:
            if self._closed:
                line.close()
                return
            kept = self._kept.setdefault(self._key(fetch, target), [])
            kept.append(line)
            for old in kept[:-_MOST_KEPT]:
                old.close()
            del kept[:-_MOST_KEPT]

    def close(self) -> None:
        """All that are kept."""
        with self._lock:
            self._closed = True
            for lines in self._kept.values():
                for line in lines:
                    line.close()
            self._kept.clear()

    @staticmethod
    def _key(fetch: Fetch, target: Target) -> tuple[object, ...]:
        return (*target.origin, fetch.proxy, fetch.credentials, fetch.inside)

    def _addresses(self, fetch: Fetch, target: Target) -> Sequence[str]:
        if fetch.proxy:
            # The proxy resolves names; an address that is written out is looked at here all the same.
            if is_address(target.host):
                check_addresses(target, [target.host], fetch.inside)
            return self._resolve(fetch.proxy.host, fetch.proxy.port)[:_MOST_ADDRESSES]
        found = self._resolve(target.host, target.port)
        check_addresses(target, found, fetch.inside)
        return found[:_MOST_ADDRESSES]

    def _open(self, fetch: Fetch, target: Target, addresses: Sequence[str], clock: Clock) -> Line:
        port = fetch.proxy.port if fetch.proxy else target.port
        line = _connect(addresses, port, fetch.pace.connect_seconds)
        try:
            if target.scheme == "https":
                if fetch.proxy:
                    _tunnel(line, fetch, target, clock)
                self._secure(line, fetch, target)
        except BaseException:
            line.close()
            raise
        return line

    def _secure(self, line: Line, fetch: Fetch, target: Target) -> None:
        line.socket.settimeout(fetch.pace.connect_seconds)
        context = self._context_for(fetch.credentials)
        secure = context.wrap_socket(line.socket, server_hostname=target.host, do_handshake_on_connect=False)
        line.replace(secure)
        try:
            secure.do_handshake()
        except ssl.SSLCertVerificationError as error:
            raise UpstreamUnreachable(
                f"the certificate of {target.shown} is not good: {error.verify_message}"
            ) from None

    def _context_for(self, credentials: Credentials | None) -> ssl.SSLContext:
        own = credentials if credentials and (credentials.certificate or credentials.authorities) else None
        with self._lock:
            found = self._contexts.get(own)
        if found is None:
            found = self._context()
            found.set_alpn_protocols(["http/1.1"])
            if own is not None:
                _equip(found, own)
            with self._lock:
                self._contexts[own] = found
        return found


def _equip(context: ssl.SSLContext, credentials: Credentials) -> None:
    try:
        if credentials.authorities:
            context.load_verify_locations(cadata=credentials.authorities)
        if credentials.certificate:
            with _in_memory(f"{credentials.certificate}\n{credentials.private_key}\n".encode()) as path:
                context.load_cert_chain(path)
    except (ssl.SSLError, ValueError, OSError):
        raise UpstreamUnreachable("the certificate or key to show to this upstream cannot be read") from None


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """A path to bytes that never touch a disk: the library reads keys from files only."""
    handle = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(handle, data)
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def _connect(addresses: Sequence[str], port: int, seconds: float) -> Line:
    for number, address in enumerate(addresses, 1):
        try:
            plain = socket.create_connection((address, port), timeout=seconds)
        except OSError:
            if number == len(addresses):
                raise
            continue
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Line(plain, address)
    raise OSError("no address")


def _tunnel(line: Line, fetch: Fetch, target: Target, clock: Clock) -> None:
    host = f"[{target.host}]" if ":" in target.host else target.host
    place = f"{host}:{target.port}"
    line.send(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{proxy_header(fetch.proxy)}\r\n".encode(), clock)
    head = read_head(line, clock)
    if head.status != 200:
        raise UpstreamStatus(f"the proxy does not lead to {target.shown}: it answers {head.status}", status=head.status)


def proxy_header(proxy: Proxy | None) -> str:
    """Who asks the proxy."""
    if proxy is None or not proxy.username:
        return ""
    return f"Proxy-Authorization: {basic(proxy.username, proxy.password)}\r\n"


def basic(username: str, password: str) -> str:
    """The value of an ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@dataclass(slots=True)
class Gate:
    """The limits that the fetches of one line share."""

    connections: int
    free: threading.Semaphore
    lock: threading.Lock = field(default_factory=threading.Lock)
    next_at: float = 0.0


class Lines:
    """Bandwidth and connections, by line."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()

    @contextmanager
    def one_of(self, fetch: Fetch) -> Iterator[Gate]:
        """A place among the connections of the line, waited for."""
        with self._lock:
            gate = self._gates.get(fetch.line)
            if gate is None or gate.connections != fetch.pace.connections:
                gate = Gate(fetch.pace.connections, threading.Semaphore(max(1, fetch.pace.connections)))
                self._gates[fetch.line] = gate
        with gate.free:
            yield gate

    @staticmethod
    def wait_for(gate: Gate, size: int, bytes_per_second: int) -> float:
        """How long to wait after so many bytes."""
        if not bytes_per_second:
            return 0.0
        with gate.lock:
            now = time.monotonic()
            gate.next_at = max(gate.next_at, now - 0.5) + size / bytes_per_second
            return max(0.0, gate.next_at - now)
