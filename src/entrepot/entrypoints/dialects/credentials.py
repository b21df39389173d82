"""Who asks, by ``Bearer`` or ``Basic``: curl, dput and most CI plug-ins know only the latter."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool

from entrepot.domain.model.actor import Actor
from entrepot.domain.model.address import source_of
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.entrypoints.api.context import address, application
from entrepot.entrypoints.api.limits import Limit, caller_of
from entrepot.errors import NotSignedIn, SignInFailed
from entrepot.services.access import Challenge
from entrepot.services.access.identity import PREFIX

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Entrepot", charset="UTF-8"'}
_REMEMBER_SECONDS = 300.0
_MOST_REMEMBERED = 1000
_DRAIN_BYTES = 256 << 20


class _Sessions:
    """Sessions that passwords opened: a set of ten files is one sign-in, not ten."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)
        self._found: dict[bytes, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def key(self, *parts: str) -> bytes:
        """What stands for a password in memory."""
        text = "\0".join(parts).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, key=self._salt).digest()

    def get(self, key: bytes) -> str | None:
        """A session that is not too old."""
        with self._lock:
            found = self._found.get(key)
        return found[0] if found and time.monotonic() - found[1] < _REMEMBER_SECONDS else None

    def put(self, key: bytes, session: str) -> None:
        """Remember; the oldest goes when there are too many."""
        with self._lock:
            self._found.pop(key, None)
            while len(self._found) >= _MOST_REMEMBERED:
                self._found.pop(next(iter(self._found)))
            self._found[key] = (session, time.monotonic())

    def drop(self, key: bytes) -> None:
        """Forget one that has ended."""
        with self._lock:
            self._found.pop(key, None)


_sessions = _Sessions()
_SIGN_INS = Limit("auth_token")


def _given(request: Request) -> tuple[str, str]:
    """User name and secret; the name is empty for a bearer."""
    found = request.headers.getlist("authorization")
    if len(found) != 1:
        raise NotSignedIn("send one header Authorization: Basic or Bearer; an API token is a good password")
    scheme, _, value = found[0].partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return "", value.strip()
    if scheme.lower() != "basic":
        raise NotSignedIn("send the header Authorization: Basic or Bearer")
    try:
        username, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise NotSignedIn("the header Authorization: Basic cannot be read") from None
    if not colon or not password:
        raise NotSignedIn("the header Authorization: Basic has no password")
    return username, password


def _authenticated(request: Request, username: str, secret: str) -> Actor:
    app, where = application(request), address(request)
    if not username or secret.startswith(PREFIX):
        return app.access.authenticate(secret, where)
    key = _sessions.key(username, secret, where)
    session = _sessions.get(key)
    if session is not None:
        try:
            return app.access.authenticate(session, where)
        except NotSignedIn:
            _sessions.drop(key)
    _SIGN_INS.use(request, app, f"address:{source_of(where)}")
    opened = app.access.sign_in(username, secret, where)
    if isinstance(opened, Challenge):
        raise NotSignedIn("the account has a second factor: send an API token as the password")
    _sessions.put(key, opened.token)
    return app.access.authenticate(opened.token, where)


async def sender(request: Request) -> Actor:
    """Whoever sends.

    The body of a request without credentials is read all the same, up to a bound: dput sends the whole file before it
    looks at the answer that asks for them.

    Raises:
        HTTPException: 401, asking for ``Basic``.
    """
    try:
        username, secret = _given(request)
        request.state.actor = await run_in_threadpool(_authenticated, request, username, secret)
        return cast("Actor", request.state.actor)
    except (NotSignedIn, SignInFailed) as error:
        await _drain(request)
        raise HTTPException(401, error.detail, _CHALLENGE) from None


async def _drain(request: Request) -> None:
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _DRAIN_BYTES:
        return
    async for _ in request.stream():
        pass


@dataclass(frozen=True, slots=True)
class Sending:
    """A dependency: whoever sends, if they may; counted when the path has this ending."""

    permission: Permission
    limit: Limit | None = None
    ending: str = ""

    async def __call__(self, request: Request) -> Actor:
        """Whoever sends.

        Raises:
            HTTPException, PermissionDenied: nobody known, or they may not.
        """
        who = await sender(request)
        demand(who, self.permission)
        if self.limit is not None and request.url.path.endswith(self.ending):
            await run_in_threadpool(self.limit.use, request, application(request), caller_of(who))
        return who


Uploader = Annotated[Actor, Depends(Sending(Permission.PACKAGE_UPLOAD))]
# One package, or one set of them, is one upload.
Publisher = Annotated[Actor, Depends(Sending(Permission.PACKAGE_UPLOAD, Limit("upload")))]
SetSender = Annotated[Actor, Depends(Sending(Permission.PACKAGE_UPLOAD, Limit("upload"), ".changes"))]
Reader = Annotated[Actor, Depends(Sending(Permission.PACKAGE_READ))]
Remover = Annotated[Actor, Depends(Sending(Permission.PACKAGE_DELETE))]
SuiteMaker = Annotated[Actor, Depends(Sending(Permission.SUITE_WRITE))]
