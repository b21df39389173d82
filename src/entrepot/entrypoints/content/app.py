"""The ASGI application below ``/apt`` and ``/rpm``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from typing import Any

from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.generation import Extent
from entrepot.domain.model.package import Format
from entrepot.entrypoints.content.conditional import Answer, answer_for, etag_of, last_modified
from entrepot.errors import EntrepotError, Kind
from entrepot.services.publish.reading import Found, PublishedFiles

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_FORMATS = {"apt": Format.DEB, "rpm": Format.RPM}
_CHUNK_BYTES = 1 << 20
_SMALL_BYTES = 256 << 10
_FOREVER = b"public, max-age=31536000, immutable"
_ASK_AGAIN = b"no-cache"
_UNAVAILABLE = {Kind.UNAVAILABLE, Kind.LIMITED, Kind.FULL}


class ContentApp:
    """Answers GET and HEAD; everything else is 405.

    With ``accel`` a front server sends the bytes: ``x-accel:/prefix`` (nginx) or ``x-sendfile``; only whole blobs
    can be handed over, which are what weighs.
    """

    def __init__(self, files: PublishedFiles, blobs: BlobStore, public_url: str = "", accel: str = "") -> None:
        self._files = files
        self._blobs = blobs
        self._public_url = public_url.rstrip("/")
        self._accel = accel

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["method"] not in ("GET", "HEAD"):
            await _plain(send, 405, b"only GET and HEAD are possible here\n", [(b"allow", b"GET, HEAD")])
            return
        top, _, rest = scope["path"].lstrip("/").partition("/")
        archive, _, path = rest.partition("/")
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        try:
            found = await asyncio.to_thread(
                self._files.find, _FORMATS[top], archive, path, self._base_url(scope, headers)
            )
        except EntrepotError as error:
            status = 503 if error.kind in _UNAVAILABLE else 500
            await _plain(send, status, error.detail.encode() + b"\n", [(b"retry-after", b"5")])
            return
        if found is None:
            await _plain(send, 404, b"nothing is published here\n", [(b"cache-control", b"no-cache")])
            return
        await self._send(scope, send, found, answer_for(found.file, headers))

    def _base_url(self, scope: Scope, headers: Mapping[str, str]) -> str:
        if self._public_url:
            return self._public_url
        host = headers.get("host", "")
        safe = host if host and all(char.isalnum() or char in ".-:[]" for char in host) else "localhost"
        return f"{scope['scheme']}://{safe}"

    async def _send(self, scope: Scope, send: Send, found: Found, answer: Answer) -> None:
        headers = _headers(found, answer)
        with_body = scope["method"] == "GET" and answer.status in (200, 206)
        handed = self._handed_over(found) if with_body and answer.status == 200 else None
        if handed is not None:
            headers = [header for header in headers if header[0] != b"content-length"]
            headers.append(handed)
            with_body = False
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if with_body and found.body is None and answer.length > _SMALL_BYTES:
            await self._stream(send, found, answer)
            return
        body = b""
        if with_body:
            body = await asyncio.to_thread(self._read, found, answer)
        await send({"type": "http.response.body", "body": body})

    def _handed_over(self, found: Found) -> tuple[bytes, bytes] | None:
        extents = found.file.extents
        if not self._accel or len(extents) != 1 or extents[0].blob != found.file.digest:
            return None
        if self._accel == "x-sendfile":
            path = self._blobs.local_path(extents[0].blob)
            return None if path is None else (b"x-sendfile", os.fsencode(path))
        prefix = self._accel.removeprefix("x-accel:").rstrip("/")
        blob = extents[0].blob
        return b"x-accel-redirect", f"{prefix}/{blob[:2]}/{blob}".encode()

    def _read(self, found: Found, answer: Answer) -> bytes:
        if found.body is not None:
            return found.body[answer.offset : answer.offset + answer.length]
        parts = parts_of(found.file.extents, answer.offset, answer.length)
        return b"".join(self._blobs.read(part.blob, part.offset, part.length) for part in parts)

    async def _stream(self, send: Send, found: Found, answer: Answer) -> None:
        left = answer.length
        for part in parts_of(found.file.extents, answer.offset, answer.length):
            with await asyncio.to_thread(self._blobs.open, part.blob) as blob:
                await asyncio.to_thread(blob.seek, part.offset)
                remaining = part.length
                while remaining:
                    data = await asyncio.to_thread(blob.read, min(_CHUNK_BYTES, remaining))
                    if not data:
                        return  # the connection is cut short of its length, which every client notices
                    remaining -= len(data)
                    left -= len(data)
                    await send({"type": "http.response.body", "body": data, "more_body": left > 0})


def parts_of(extents: tuple[Extent, ...], offset: int, length: int) -> Iterator[Extent]:
    """The extents of a range of a file."""
    for extent in extents:
        if length <= 0:
            return
        if offset >= extent.length:
            offset -= extent.length
            continue
        take = min(extent.length - offset, length)
        yield Extent(extent.blob, extent.offset + offset, take)
        length -= take
        offset = 0


def _headers(found: Found, answer: Answer) -> Headers:
    file = found.file
    headers: Headers = [
        (b"etag", etag_of(file).encode()),
        (b"cache-control", _FOREVER if found.immutable else _ASK_AGAIN),
        (b"accept-ranges", b"bytes"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if file.modified_at:
        headers.append((b"last-modified", last_modified(file).encode()))
    if answer.status == 416:
        return [*headers, (b"content-range", f"bytes */{file.size_bytes}".encode()), (b"content-length", b"0")]
    if answer.status == 304:
        return headers
    headers.append((b"content-type", found.media_type.encode()))
    headers.append((b"content-length", str(answer.length).encode()))
    if answer.status == 206:
        last = answer.offset + answer.length - 1
        headers.append((b"content-range", f"bytes {answer.offset}-{last}/{file.size_bytes}".encode()))
    return headers


async def _plain(send: Send, status: int, body: bytes, headers: Headers) -> None:
    kind = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers + kind})
    await send({"type": "http.response.body", "body": body})
