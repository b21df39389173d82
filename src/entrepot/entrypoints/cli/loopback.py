"""A code that a browser on this machine brings, or that somebody types."""

from __future__ import annotations

import select
import sys
import time
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Self, TextIO
from urllib.parse import parse_qs, urlsplit

# Browsers open connections ahead and say nothing on them.
_READ_SECONDS = 2
_MOST_CHARACTERS = 400
_PAGE = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Entrepot</title>"
    "<meta name='color-scheme' content='light dark'><meta name='viewport' content='width=device-width'></head>"
    "<body style='font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem'>"
    "<p>{text}</p></body></html>"
)


class Loopback:
    """Listens on a free port of 127.0.0.1, for one code.  Use it in ``with``."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Requests)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.server_close()

    def wait(self, seconds: float, *, typed: bool) -> str:
        """The code; empty if none came in time.  ``typed``: from a line of standard input as well."""
        end = time.monotonic() + seconds
        sources: list[_Server | TextIO] = [self._server, *([sys.stdin] if typed else [])]
        while not self._server.code and (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select(sources, [], [], left)
            if self._server in ready:
                self._server.handle_request()
            elif sys.stdin in ready:
                line = sys.stdin.readline(_MOST_CHARACTERS)
                if not line:
                    sources.remove(sys.stdin)
                elif line.strip():
                    return line.strip()
        return self._server.code


class _Server(TCPServer):
    code = ""
    allow_reuse_address = True
    timeout = _READ_SECONDS

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in between is nothing to speak of."""


class _Requests(BaseHTTPRequestHandler):
    server: _Server
    timeout = _READ_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
        """The code is in the first line of the request: it is written nowhere."""

    def do_GET(self) -> None:
        # Another name that leads to this machine is a page that tries its luck.
        known = self.headers.get("Host") == f"127.0.0.1:{self.server.server_address[1]}"
        parts = urlsplit(self.path)
        code = parse_qs(parts.query).get("code", [""])[0][:_MOST_CHARACTERS]
        if not known or parts.path != "/" or not code:
            self._answer(404, "There is nothing here.")
            return
        self.server.code = code
        self._answer(200, "The command line has it. You can close this page.")

    def _answer(self, status: int, text: str) -> None:
        body = _PAGE.format(text=text).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(body)),
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "Connection": "close",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
