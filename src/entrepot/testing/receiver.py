"""A real receiver of webhooks on loopback, which answers as a test tells it to."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came; names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def ident(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say.  ``write`` takes over the whole answer, by the raw stream."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    write: Callable[[Any], None] | None = None


@dataclass(slots=True)
class Receiver:
    """``reply`` is asked for each request."""

    url: str = ""
    reply: Callable[[Call], Reply] = lambda _: Reply()
    calls: list[Call] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, wanted: Callable[[list[Call]], object], seconds: float = 90) -> list[Call]:
        """All calls once they are as wanted."""
        with self.came:
            if not self.came.wait_for(lambda: wanted(self.calls), seconds):
                raise TimeoutError(f"came only: {[call.event for call in self.calls]}")
            return list(self.calls)

    def settings(self, **more: object) -> dict[str, object]:
        """The section ``webhook`` that leads here."""
        return {"enabled": True, "url": f"{self.url}/hook", "allow_private_addresses": True, **more}


@contextlib.contextmanager
def running_receiver(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """On a free port of 127.0.0.1."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            call = Call(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            with receiver.came:
                receiver.calls.append(call)
                receiver.came.notify_all()
            reply = receiver.reply(call)
            with contextlib.suppress(OSError):  # the other side may be gone
                self._answer(reply)

        do_GET = do_POST  # noqa: N815

        def _answer(self, reply: Reply) -> None:
            if reply.write is not None:
                reply.write(self.wfile)
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if context is None else "https"
    receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
