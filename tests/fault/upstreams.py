"""A repository of somebody else on loopback that counts what it gives away, takes its time, and hangs up."""

from __future__ import annotations

import re
import socket
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote

_PIECE_BYTES = 16 << 10
_RANGE = re.compile(r"bytes=([0-9]{1,12})-")


@dataclass
class Manners:
    """How it behaves; tests change it while it runs.

    ``wait_seconds`` before each answer; ``bytes_per_second`` of each answer, 0 for as fast as it goes.  One of
    ``cut_one_of`` files is cut off ``cuts`` times before it comes whole.  ``away``: connections are closed without an
    answer.
    """

    wait_seconds: float = 0.0
    bytes_per_second: int = 0
    cut_one_of: int = 0
    cuts: int = 1
    away: bool = False


@dataclass
class Book:
    """What was asked for, and what was sent to its last byte, by path."""

    asked: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def twice(self, under: str = "") -> dict[str, int]:
        """Files that were sent whole more than once."""
        with self.lock:
            return {path: count for path, count in self.whole.items() if count > 1 and path.startswith(under)}

    def clear(self) -> None:
        with self.lock:
            for counter in (self.asked, self.whole, self.cut):
                counter.clear()


class Upstream:
    """Serves a folder while the block lasts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manners = Manners()
        self.book = Book()
        upstream = self

        class Handler(_Handler):
            place = upstream

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self.inside}"

    @property
    def inside(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def cut_at(self, path: str, size: int) -> int | None:
        """After how many bytes this answer breaks off; the same for the same file, so that every run is alike."""
        manners, book = self.manners, self.book
        chance = zlib.crc32(path.encode())
        if not manners.cut_one_of or chance % manners.cut_one_of or book.cut[path] >= manners.cuts:
            return None
        book.cut[path] += 1
        return (chance >> 8) % max(1, size)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    place: Upstream

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing."""

    def do_GET(self) -> None:
        place, path = self.place, unquote(self.path).lstrip("/")
        if place.manners.away:
            self._hang_up()
            return
        with place.book.lock:
            place.book.asked[path] += 1
        time.sleep(place.manners.wait_seconds)
        file = place.folder / path
        if not file.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = file.read_bytes()
        match = _RANGE.fullmatch(self.headers.get("Range", ""))
        start = int(match[1]) if match is not None and int(match[1]) < len(data) else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        with place.book.lock:
            cut = place.cut_at(path, len(data) - start)
        try:
            self._send(data[start : None if cut is None else start + cut])
        except OSError:
            self.close_connection = True
            return
        if cut is not None:
            self._hang_up()
            return
        with place.book.lock:
            place.book.whole[path] += 1

    def _send(self, data: bytes) -> None:
        manners = self.place.manners
        for at in range(0, len(data), _PIECE_BYTES):
            if manners.away:
                raise ConnectionError
            self.wfile.write(data[at : at + _PIECE_BYTES])
            if manners.bytes_per_second:
                time.sleep(len(data[at : at + _PIECE_BYTES]) / manners.bytes_per_second)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
