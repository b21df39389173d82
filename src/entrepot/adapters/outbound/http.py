"""Requests over HTTP/1.1, pinned to the addresses that were checked.

The name is resolved once; what was checked is what is connected to, so a name that changes its address in between
leads nowhere else.  TLS and the ``Host`` header keep the name.  No proxy of the environment is used.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from entrepot.adapters.outbound.addresses import Resolve, allowed, system_resolve
from entrepot.adapters.outbound.base import OutboundAnswer, OutboundRequest
from entrepot.errors import AddressForbidden, RemoteFailed

_CONNECT_SECONDS = 5.0
_SECONDS = 20.0
_MOST_ADDRESSES = 4
_PORTS = {"http": 80, "https": 443}
_FIRST_FREE_PORT = 1024
_PATH_LETTERS = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """For sentences: the path may hold a secret."""
        return f"{self.scheme}://{self.host}:{self.port}"


class HttpOutbound:
    """Implements ``Outbound``."""

    def __init__(
        self,
        resolve: Resolve = system_resolve,
        context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        seconds: float = _SECONDS,
    ) -> None:
        self._resolve = resolve
        self._context = context
        self._seconds = seconds

    def request(self, request: OutboundRequest) -> OutboundAnswer:
        """Resolve, check every address, connect to one of those, send, read.

        Raises:
            AddressForbidden, RemoteFailed: see the port.
        """
        target = _target(request.url, inside=request.inside)
        until = time.monotonic() + self._seconds
        with _translated(target, until):
            addresses = self._checked(target, inside=request.inside)
            plain = _connect(addresses, target.port)
            with _ended_at(until, plain) as line:
                connection = self._connected(target, line)
                connection.request(request.method, target.path, request.body or None, dict(request.headers))
                return _read(connection.getresponse(), request.most_bytes)

    def _checked(self, target: _Target, *, inside: bool) -> Sequence[str]:
        found = self._resolve(target.host, target.port)
        if not found or not all(allowed(each, inside=inside) for each in found):
            raise AddressForbidden(
                f"{target.host} leads to an address that must not be asked from here; for a host of the own network "
                "switch allow_private_addresses on"
            )
        return found[:_MOST_ADDRESSES]

    def _connected(self, target: _Target, line: list[socket.socket]) -> http.client.HTTPConnection:
        line[0].settimeout(self._seconds)
        if target.scheme == "https":
            secure = self._context().wrap_socket(line[0], server_hostname=target.host, do_handshake_on_connect=False)
            line[0] = secure
            secure.do_handshake()
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.default_port = _PORTS[target.scheme]  # what the Host header leaves out
        connection.auto_open = 0
        connection.sock = line[0]
        return connection


def _target(url: str, *, inside: bool) -> _Target:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
        host = (parts.hostname or "").encode("idna" if not (parts.hostname or "").isascii() else "ascii").decode()
    except ValueError as error:
        raise AddressForbidden("that is not a URL; it must be http://host/... or https://host/...") from error
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or any(ord(letter) <= 32 for letter in url):
        raise AddressForbidden("the URL must be http://host/... or https://host/..., without a user name")
    if not inside and port < _FIRST_FREE_PORT and port not in _PORTS.values():
        raise AddressForbidden(f"port {port} belongs to another service than HTTP")
    path = quote(parts.path or "/", safe=_PATH_LETTERS)
    return _Target(
        parts.scheme, host, port, f"{path}?{quote(parts.query, safe=_PATH_LETTERS)}" if parts.query else path
    )


def _connect(addresses: Sequence[str], port: int) -> socket.socket:
    for number, address in enumerate(addresses, 1):
        try:
            return socket.create_connection((address, port), timeout=_CONNECT_SECONDS)
        except OSError:
            if number == len(addresses):
                raise
    raise OSError("no address")


@contextmanager
def _ended_at(until: float, plain: socket.socket) -> Iterator[list[socket.socket]]:
    """Cut the connection off when the time is over: bytes that drip keep no sender busy.

    The list has the socket in use; whoever wraps it puts the wrapped one in its place.
    """
    line = [plain]
    over = threading.Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):
            socket.socket.shutdown(line[0], socket.SHUT_RDWR)  # not TLS's own, which waits for the other side

    timer = threading.Timer(max(0.1, until - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield line
    finally:
        timer.cancel()
        line[0].close()
        if over.is_set():  # what was read may be half of it
            raise TimeoutError


def _read(response: http.client.HTTPResponse, most_bytes: int) -> OutboundAnswer:
    body = response.read(most_bytes + 1)
    if len(body) <= most_bytes and response.length:
        raise http.client.IncompleteRead(b"", response.length)
    headers = {name.lower(): value for name, value in response.getheaders()}
    return OutboundAnswer(response.status, headers, body[:most_bytes], truncated=len(body) > most_bytes)


@contextmanager
def _translated(target: _Target, until: float) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise RemoteFailed(f"the certificate of {target.shown} is not good: {error.verify_message}") from None
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        if isinstance(error, TimeoutError) or time.monotonic() >= until:
            raise RemoteFailed(f"no whole answer from {target.shown} in time") from None
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise RemoteFailed(f"{target.shown} cannot be asked: {reason}") from None
