"""A real little HTTP server that answers what it was told to and keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Reply:
    """One answer.  ``raw`` is written instead of everything else; ``early`` answers before the body was read."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    early: bool = False
    after: threading.Event | None = None


def reply(body: object, status: int = 200, **headers: str) -> Reply:
    """A JSON answer; underscores in header names stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), {**JSON, **named})


@dataclass(frozen=True)
class Asked:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


class ScriptedServer:
    """Replies in order, the last one again and again; ``at`` has replies for one path alone."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[Asked] = []
        self._replies: list[Reply] = [reply({"detail": "nothing is scripted", "error": "test"}, 500)]
        self._at: dict[str, list[Reply]] = {}
        self._lock = threading.Lock()

    def will(self, *replies: Reply) -> None:
        self._replies = list(replies)

    def will_at(self, path: str, *replies: Reply) -> None:
        self._at[path] = list(replies)

    def next(self, path: str) -> Reply:
        with self._lock:
            replies = self._at.get(path.partition("?")[0], self._replies)
            return replies.pop(0) if len(replies) > 1 else replies[0]


def _handler(scripted: list[ScriptedServer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            server = scripted[0]
            found = server.next(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            body = b"" if found.early else self.rfile.read(size)
            server.asked.append(
                Asked(self.command, self.path, {name.lower(): text for name, text in self.headers.items()}, body)
            )
            if found.after is not None:
                found.after.wait(60)
            with contextlib.suppress(OSError):
                self._write(found)
            if found.early or found.raw is not None:
                self.close_connection = True

        def _write(self, found: Reply) -> None:
            if found.raw is not None:
                self.wfile.write(found.raw)
                return
            self.send_response(found.status)
            for name, value in {"Content-Length": str(len(found.body)), **found.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    return Handler


@contextlib.contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """A server on a free port of loopback."""
    holder: list[ScriptedServer] = []
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(holder))
    http.daemon_threads = True
    holder.append(ScriptedServer(http.server_address[1]))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield holder[0]
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
