"""One HTTP application: the main API, and repository content beside it."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import structlog
from fastapi import FastAPI

from entrepot import __version__
from entrepot.application import Application
from entrepot.entrypoints.api import (
    artifacts,
    audit,
    configuration,
    directory,
    distributions,
    downloads,
    groups,
    health,
    limits,
    notifications,
    problems,
    promotions,
    roles,
    security,
    setup,
    sign_in,
    tokens,
    upload,
    users,
)
from entrepot.entrypoints.content.app import ContentApp
from entrepot.entrypoints.dialects import aptly, dput, gitea
from entrepot.entrypoints.web import pages

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_MODULES = (
    *("auth", "packages", "artifacts", "upload", "import", "security", "sbom", "distributions", "downloads"),
    *("dashboard", "settings", "health", "setup", "groups", "roles", "templates", "license", "logs", "metrics"),
    *("webhooks", "archives", "notifications"),
)
_PREFIX = re.compile(rf"/api(?:/v1)?(?=/(?:{'|'.join(_MODULES)})(?:/|\Z))")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_CONTENT = ("/apt/", "/rpm/")
_SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


# In this order, so that literal paths win over places.
_ROUTES = (
    sign_in,
    setup,
    users,
    tokens,
    audit,
    roles,
    groups,
    promotions,
    artifacts,
    upload,
    security,
    distributions,
    configuration,
    downloads,
    notifications,
    directory,
    health,
    pages,
    gitea,
    aptly,
    dput,
)


def make_api(application: Application, *, max_upload_bytes: int, publish_wait_seconds: int, public_url: str) -> FastAPI:
    """The main API at the root; ``Front`` adds its other addresses."""
    api = FastAPI(
        title="Entrepot",
        version=__version__,
        summary="Linux package repository server",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    api.state.application = application
    api.state.max_upload_bytes = max_upload_bytes
    api.state.publish_wait_seconds = publish_wait_seconds
    api.state.public_url = public_url
    problems.install(api)
    for module in _ROUTES:
        api.include_router(module.router)
    return api


class Front:
    """Routes by path: content, or the API under any of its prefixes, with or without a trailing slash.

    Done here and not by redirects: clients lose their body or their credentials on the way (contract D-01, D-02).
    """

    def __init__(self, api: FastAPI, content: ContentApp) -> None:
        self._api = api
        self._content = content
        self._addresses = gitea.Addresses(api.state.application.catalog)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] != "http":
            await self._api(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(_CONTENT):
            await self._content(scope, receive, send)
            return
        if scope["method"] in {"GET", "HEAD"} and self._addresses.may_be(path):
            ours = await asyncio.to_thread(self._addresses.find, path)
            await self._content({**scope, "path": ours}, receive, send)
            return
        state: dict[str, Any] = {}
        scope = {**scope, "path": self._canonical(path), "state": state}
        scope.pop("raw_path", None)
        request_id = _request_id(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._api(scope, receive, _with_headers(send, request_id, state))
        finally:
            structlog.contextvars.unbind_contextvars("request_id")

    @staticmethod
    def _canonical(path: str) -> str:
        match = _PREFIX.match(path)
        if match:
            path = path[match.end() :]
        return path.rstrip("/") or "/"


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.match(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    return secrets.token_hex(8)


def _with_headers(send: Send, request_id: str, state: Mapping[str, Any]) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            added = [header for header in _SECURITY_HEADERS if header[0] not in present]
            added += limits.rate_headers(state)
            message["headers"] = [*message["headers"], *added, (b"x-request-id", request_id.encode())]
        await send(message)

    return sending
