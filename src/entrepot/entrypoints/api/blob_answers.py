"""A stored file as an answer: whole, or the one range that is asked for (RFC 9110 section 14)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.model.digest import Digest

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")
_CHUNK_BYTES = 256 << 10


def blob_answer(
    request: Request, blobs: BlobStore, digest: Digest, size_bytes: int, media_type: str, filename: str
) -> Response:
    """Streamed from the store; opened before the answer begins, so that a lost blob is an error and no half file."""

    def pieces(start: int, end: int) -> Iterator[bytes]:
        return _pieces(blobs.open(digest), start, end)

    file = RangedFile(filename, digest, size_bytes, media_type, pieces)
    return ranged_answer(request, file, {"X-Checksum-Sha256": digest})


@dataclass(frozen=True, slots=True)
class RangedFile:
    """Bytes that can be read from one offset up to another; ``tag`` differs for other bytes."""

    name: str
    tag: str
    size_bytes: int
    media_type: str
    pieces: Callable[[int, int], Iterator[bytes]]


def ranged_answer(request: Request, file: RangedFile, more: Mapping[str, str] | None = None) -> Response:
    """The file, or the part of it that is asked for."""
    etag = f'"{file.tag}"'
    name = re.sub(r"[^A-Za-z0-9._+~-]", "_", file.name)
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{name}"',
        **(more or {}),
    }
    if request.headers.get("if-none-match") in (etag, "*"):
        return Response(status_code=304, headers=headers)
    applies = request.headers.get("if-range", etag) == etag
    start, end, status = _part(request.headers.get("range") if applies else None, file.size_bytes)
    if status == 416:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{file.size_bytes}"})
    headers["Content-Length"] = str(end - start)
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size_bytes}"
    return StreamingResponse(file.pieces(start, end), status, headers, file.media_type)


def _part(wanted: str | None, size_bytes: int) -> tuple[int, int, int]:
    """First byte, the one after the last, and the status; whatever is no single range of bytes means the whole."""
    match = _RANGE.match(wanted or "")
    if match is None or not any(match.groups()):
        return 0, size_bytes, 200
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last) + 1 if last else size_bytes, size_bytes)
    else:
        start, end = max(0, size_bytes - int(last)), size_bytes
    if first and last and int(last) < int(first):
        return 0, size_bytes, 200
    return (start, end, 206) if start < end else (0, 0, 416)


def _pieces(blob: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    with blob:
        blob.seek(start)
        while start < end:
            piece = blob.read(min(_CHUNK_BYTES, end - start))
            if not piece:
                return
            start += len(piece)
            yield piece
