"""What every request meets first: its address, its id, the headers of its answer, and one line in the log."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

import structlog
from fastapi import FastAPI

from entrepot.entrypoints.api import limits
from entrepot.entrypoints.content.app import ContentApp
from entrepot.entrypoints.dialects import gitea
from entrepot.entrypoints.observation import Observation

_log = structlog.get_logger(__name__)

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
RequestLog = Literal["none", "api", "all"]

MODULES = (
    *("auth", "packages", "artifacts", "upload", "import", "security", "sbom", "distributions", "downloads"),
    *("dashboard", "settings", "health", "setup", "groups", "roles", "templates", "license", "logs", "metrics"),
    *("webhooks", "archives", "notifications", "jobs", "snapshots", "environments", "mirrors", "bundles", "exports"),
    "suites",
)
_PREFIX = re.compile(rf"/api(?:/v1)?(?=/(?:{'|'.join(MODULES)})(?:/|\Z))")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")
_SECRET_NAME = re.compile(r"token|password|passwd|secret|code|state|key|sign|auth|session", re.IGNORECASE)
_CONTENT = ("/apt/", "/rpm/")
_MOST_LOGGED = 200
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")


class _Enough(Exception):
    """The rest of a body that a HEAD request does not want."""


@dataclass(slots=True)
class Exchange:
    """One request and what is known of its answer."""

    request_id: str
    began: float
    state: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    sent_bytes: int = 0
    is_cut: bool = False


class Front:
    """Routes by path: content, or the API under any of its prefixes, with or without a trailing slash.

    Done here and not by redirects: clients lose their body or their credentials on the way (contract D-01, D-02).
    """

    def __init__(
        self,
        api: FastAPI,
        content: ContentApp,
        observation: Observation | None = None,
        request_log: RequestLog = "api",
    ) -> None:
        self._api = api
        self._content = content
        self._seen = observation or Observation()
        self._request_log = request_log
        api.state.observation = self._seen
        self._addresses = gitea.Addresses(api.state.application.catalog)
        self._streams: dict[int, tuple[asyncio.Task[Any], Exchange]] = {}

    def end_streams(self) -> None:
        """Answers that go on until somebody leaves; for the end of the program."""
        for task, exchange in list(self._streams.values()):
            exchange.is_cut = True
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] != "http":
            await self._api(scope, receive, send)
            return
        exchange = Exchange(_request_id(scope), time.perf_counter())
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        self._seen.in_flight.inc()
        try:
            path: str = scope["path"]
            if path.startswith(_CONTENT):
                await self._answer_content(scope, receive, send, exchange)
            elif scope["method"] in {"GET", "HEAD"} and self._addresses.may_be(path):
                ours = await asyncio.to_thread(self._addresses.find, path)
                await self._answer_content({**scope, "path": ours}, receive, send, exchange)
            else:
                await self._answer(scope, receive, send, exchange)
        finally:
            self._seen.in_flight.dec()
            structlog.contextvars.unbind_contextvars("request_id")

    async def _answer_content(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        added = [(b"x-request-id", exchange.request_id.encode())]

        async def sending(message: Message) -> None:
            _note(exchange, message)
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        try:
            if _host_is_nonsense(scope):
                await _refuse_host(sending)
            else:
                await self._content(scope, receive, sending)
        finally:
            self._seen.content(scope["path"], exchange.status, exchange.sent_bytes)
            if self._request_log == "all":
                self._write_line(scope, exchange, "content")

    async def _answer(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        method = scope["method"]
        inner = {**scope, "path": canonical(scope["path"]), "state": exchange.state}
        inner.pop("raw_path", None)
        if method == "HEAD":
            inner["method"] = "GET"
        sending = self._registering(_decorated(send, scope, exchange), exchange)
        try:
            if _host_is_nonsense(scope):
                await _refuse_host(sending)
            else:
                await self._api(inner, receive, sending)
        except _Enough:
            pass
        except asyncio.CancelledError:
            if not exchange.is_cut:
                raise
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._streams.pop(id(exchange), None)
            route = getattr(inner.get("route"), "path", "(none)")
            self._seen.request(_known(method), route, exchange.status, time.perf_counter() - exchange.began)
            if self._request_log != "none":
                self._write_line(scope, exchange, route)

    def _registering(self, send: Send, exchange: Exchange) -> Send:
        task = asyncio.current_task()

        async def sending(message: Message) -> None:
            if task is not None and message["type"] == "http.response.start":
                kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
                if any(kind.startswith(b"text/event-stream") for kind in kinds):
                    self._streams[id(exchange)] = (task, exchange)
            await send(message)

        return sending

    @staticmethod
    def _write_line(scope: Scope, exchange: Exchange, route: str) -> None:
        actor = exchange.state.get("actor")
        principal = actor.name if actor is not None else ""
        path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
        _log.info(
            "request",
            method=_known(scope["method"]),
            path=ascii(path.decode("latin-1")[:_MOST_LOGGED])[1:-1],
            **({"query": query} if (query := shown_query(scope.get("query_string", b""))) else {}),
            route=route,
            status=exchange.status,
            ms=round((time.perf_counter() - exchange.began) * 1000, 1),
            sent_bytes=exchange.sent_bytes,
            principal=principal if principal.isprintable() else ascii(principal),
            address=scope["client"][0] if scope.get("client") else "",
        )


def canonical(path: str) -> str:
    """Without a prefix of the API and without slashes at the end."""
    match = _PREFIX.match(path)
    if match:
        path = path[match.end() :]
    return path.rstrip("/") or "/"


def shown_query(query: bytes) -> str:
    """For the log: short, in one line, and without the values of what may be a secret."""
    if not query:
        return ""
    try:
        pairs = parse_qsl(query[:2000].decode("latin-1"), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return "(too many fields)"
    shown = "&".join(f"{name}={'***' if _SECRET_NAME.search(name) else value}" for name, value in pairs)
    return ascii(shown[:_MOST_LOGGED])[1:-1]


def _known(method: str) -> str:
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "(other)"


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.match(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    return secrets.token_hex(8)


def _host_is_nonsense(scope: Scope) -> bool:
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    return len(hosts) > 1 or any(value and not _HOST.match(value) for value in hosts)


async def _refuse_host(send: Send) -> None:
    body = b'{"detail":"the Host header is malformed","error":"invalid_request"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _note(exchange: Exchange, message: Message) -> None:
    if message["type"] == "http.response.start":
        exchange.status = message["status"]
    elif message["type"] == "http.response.body":
        exchange.sent_bytes += len(message.get("body", b""))


def _decorated(send: Send, scope: Scope, exchange: Exchange) -> Send:
    """With the headers that every answer has; to HEAD, without a body."""
    is_head = scope["method"] == "HEAD"
    standard = [*_SECURITY_HEADERS, *([_HSTS] if scope.get("scheme") == "https" else [])]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            added = [header for header in standard if header[0] not in present]
            added += limits.rate_headers(exchange.state)
            message["headers"] = [*message["headers"], *added, (b"x-request-id", exchange.request_id.encode())]
        if is_head and message["type"] == "http.response.body":
            goes_on = message.get("more_body", False)
            await send({"type": "http.response.body", "body": b""})
            if goes_on:
                raise _Enough
            return
        _note(exchange, message)
        await send(message)

    return sending
