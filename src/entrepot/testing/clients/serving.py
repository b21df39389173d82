"""A folder over HTTP, as the plainest of web servers would."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self


class FolderServer:
    """Serves ``folder`` on a free port of the loopback interface while the ``with`` block lasts.

    ``url`` has no slash at its end; ``requests`` are the request lines so far.
    """

    def __init__(self, folder: Path) -> None:
        self.requests: list[str] = []
        handler = functools.partial(_QuietHandler, self.requests, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _QuietHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, requests: list[str], *args: object, **options: object) -> None:
        self._requests = requests
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        self._requests.append(str(getattr(self, "requestline", "")))
