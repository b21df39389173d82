"""The ASGI application below ``/apt`` and ``/rpm``."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

import structlog

from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.download import USER_AGENT_CHARACTERS, Fetch
from entrepot.domain.model.generation import Extent, PublishedFile
from entrepot.domain.model.package import Format
from entrepot.entrypoints.content.arriving import Follower, status_of
from entrepot.entrypoints.content.conditional import Answer, answer_for, etag_of, last_modified
from entrepot.entrypoints.content.pairs import Pairs, client_of
from entrepot.errors import BlobCorrupt, EntrepotError, Kind
from entrepot.services.publish.reading import Found, PublishedFiles
from entrepot.services.upstream.mirrors import OnDemand

_log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_FORMATS = {"apt": Format.DEB, "rpm": Format.RPM}
_CHUNK_BYTES = 1 << 20
_SMALL_BYTES = 256 << 10
_AT_ONCE_BYTES = 64 << 10  # reading this takes less than handing it to a thread
_FOREVER = b"public, max-age=31536000, immutable"
_ASK_AGAIN = b"no-cache"
_UNAVAILABLE = {Kind.UNAVAILABLE, Kind.LIMITED, Kind.FULL}


@dataclass(frozen=True, slots=True)
class Counting:
    """Who is told of each answer with bytes of a package, which must not wait for anything; and the time."""

    note: Callable[[Fetch], None]
    now: Callable[[], datetime]


class ContentApp:
    """Answers GET and HEAD; everything else is 405.

    With ``accel`` a front server sends the bytes: ``x-accel:/prefix`` (nginx) or ``x-sendfile``; only whole blobs
    can be handed over, which are what weighs.
    """

    def __init__(
        self,
        files: PublishedFiles,
        blobs: BlobStore,
        public_url: str = "",
        accel: str = "",
        counting: Counting | None = None,
        on_demand: OnDemand | None = None,
    ) -> None:
        self._files = files
        self._blobs = blobs
        self._public_url = public_url.rstrip("/")
        self._accel = accel
        self._counting = counting
        self._on_demand = on_demand
        self._pairs = Pairs()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["method"] not in ("GET", "HEAD"):
            await _plain(send, 405, b"only GET and HEAD are possible here\n", [(b"allow", b"GET, HEAD")])
            return
        if not _addresses(scope):
            await _nothing(send)
            return
        top, _, rest = scope["path"].lstrip("/").partition("/")
        archive, _, path = rest.partition("/")
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        if scope["method"] == "HEAD":
            headers.pop("range", None)  # ranges are defined for GET alone (RFC 9110 section 14.2)
        try:
            found = self._files.remembered(_FORMATS[top], archive, path)
            if found is None:
                base_url = self._base_url(scope, headers)
                found = await asyncio.to_thread(self._files.find, _FORMATS[top], archive, path, base_url)
        except EntrepotError as error:
            status = 503 if error.kind in _UNAVAILABLE else 500
            await _plain(send, status, error.detail.encode() + b"\n", [(b"retry-after", b"5")])
            return
        if found is None:
            await _nothing(send)
            return
        if found.partner is not None and scope["method"] == "GET":
            found = self._pairs.match(client_of(scope.get("client"), headers), scope["path"], found)
        answer = answer_for(found.file, headers)
        if found.absent and scope["method"] == "GET" and answer.status in (200, 206):
            sent = await self._send_arriving(receive, send, found, answer)
            if sent is None:
                return
        else:
            sent = await self._send(scope, receive, send, found, answer)
        if self._counting is not None and found.pooled and scope["method"] == "GET" and answer.status in (200, 206):
            self._counting.note(_fetch(self._counting.now(), scope, headers, found.file, answer, sent))

    def _base_url(self, scope: Scope, headers: Mapping[str, str]) -> str:
        if self._public_url:
            return self._public_url
        host = headers.get("host", "")
        safe = host if host and all(char.isalnum() or char in ".-:[]" for char in host) else "localhost"
        return f"{scope['scheme']}://{safe}"

    async def _send(self, scope: Scope, receive: Receive, send: Send, found: Found, answer: Answer) -> int:
        """The number of bytes that were sent, or left to a front server to send."""
        wanted = answer.length
        with_body = scope["method"] == "GET" and answer.status in (200, 206)
        handed = self._handed_over(found) if with_body else None
        if handed is not None:
            answer = Answer(200, 0, found.file.size_bytes)  # the front server cuts the part that was asked for
        headers = _headers(found, answer)
        if handed is not None:
            headers = [header for header in headers if header[0] != b"content-length"]
            headers.append(handed)
            with_body = False
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if with_body and found.body is None and answer.length > _SMALL_BYTES:
            return await self._stream(receive, send, found, answer)
        body = b""
        if with_body:
            small = answer.length <= _AT_ONCE_BYTES
            body = self._read(found, answer) if small else await asyncio.to_thread(self._read, found, answer)
        await send({"type": "http.response.body", "body": body})
        return wanted

    async def _send_arriving(self, receive: Receive, send: Send, found: Found, answer: Answer) -> int | None:
        """As ``_send``, of a file that has yet to be fetched; none if it cannot be had at all."""
        if self._on_demand is None:
            await _nothing(send)
            return None
        try:
            arrival = await asyncio.to_thread(self._on_demand.open, found.absent)
            pieces = Follower(arrival, self._blobs, answer.offset, answer.length).pieces()
            piece = await anext(pieces, b"")
        except EntrepotError as error:
            await _plain(send, status_of(error), error.detail.encode() + b"\n", _later(error))
            return None
        left = answer.length
        gone = asyncio.ensure_future(_until_gone(receive))
        await send({"type": "http.response.start", "status": answer.status, "headers": _headers(found, answer)})
        try:
            while not gone.done():
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
                if not left:
                    break
                piece = await anext(pieces)
        except EntrepotError as error:
            # The answer stays without its end: that tells the client that it has no such file.
            _log.warning("content.cut", code=error.code, reason=error.detail)
        finally:
            gone.cancel()
            await pieces.aclose()
        return answer.length - left

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

    async def _stream(self, receive: Receive, send: Send, found: Found, answer: Answer) -> int:
        """A batch at a time, until the client goes; a file in many extents of one blob is read through one handle."""
        left = answer.length
        gone = asyncio.ensure_future(_until_gone(receive))
        batches = _batches(parts_of(found.file.extents, answer.offset, answer.length))
        with contextlib.ExitStack() as handles:
            handles.callback(gone.cancel)
            opened: dict[Digest, BinaryIO] = {}
            for batch in batches:
                if gone.done():
                    break
                data = await asyncio.to_thread(self._read_batch, batch, opened, handles)
                left -= len(data)
                await send({"type": "http.response.body", "body": data, "more_body": left > 0})
        return answer.length - left

    def _read_batch(self, batch: list[Extent], opened: dict[Digest, BinaryIO], handles: contextlib.ExitStack) -> bytes:
        pieces = []
        for part in batch:
            blob = opened.get(part.blob)
            if blob is None:
                blob = opened[part.blob] = handles.enter_context(self._blobs.open(part.blob))
            blob.seek(part.offset)
            pieces.append(blob.read(part.length))
        data = b"".join(pieces)
        if len(data) != sum(part.length for part in batch):
            raise BlobCorrupt("content in the store is shorter than recorded", blob=batch[0].blob)
        return data


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _fetch(
    now: datetime, scope: Scope, headers: Mapping[str, str], file: PublishedFile, answer: Answer, sent: int
) -> Fetch:
    peer = scope.get("client")
    return Fetch(
        at=now,
        digest=file.digest,
        path=scope["path"],
        address=peer[0] if peer else "",
        user_agent=headers.get("user-agent", "")[:USER_AGENT_CHARACTERS],
        status=answer.status,
        sent_bytes=sent,
        complete=sent == answer.length and answer.offset + answer.length == file.size_bytes,
    )


def _batches(parts: Iterator[Extent]) -> Iterator[list[Extent]]:
    """Pieces of at most a MiB together."""
    batch: list[Extent] = []
    size = 0
    for part in parts:
        at, end = part.offset, part.offset + part.length
        while at < end:
            length = min(end - at, _CHUNK_BYTES - size)
            batch.append(Extent(part.blob, at, length))
            at, size = at + length, size + length
            if size == _CHUNK_BYTES:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


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


def _addresses(scope: Scope) -> bool:
    """Whether the path can be the address of anything.

    A slash that is escaped would be a second address of a file, and databases refuse to look for a zero byte.
    """
    return b"%2f" not in scope.get("raw_path", b"").lower() and "\0" not in scope["path"]


async def _nothing(send: Send) -> None:
    await _plain(send, 404, b"nothing is published here\n", [(b"cache-control", b"no-cache")])


def _later(error: EntrepotError) -> Headers:
    """When to ask again, if that makes sense."""
    seconds = {Kind.LIMITED: 5, Kind.UNAVAILABLE: 5, Kind.UPSTREAM: 30, Kind.TIMED_OUT: 30}.get(error.kind)
    kept_out = [(b"cache-control", b"no-store")]
    return kept_out if seconds is None else [*kept_out, (b"retry-after", str(seconds).encode())]


async def _plain(send: Send, status: int, body: bytes, headers: Headers) -> None:
    kind = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers + kind})
    await send({"type": "http.response.body", "body": body})
