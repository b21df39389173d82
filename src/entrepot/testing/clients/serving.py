"""A folder over HTTP, as the plainest of web servers would."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_LONGEST_SECONDS = 60


class Hold:
    """Answers for paths with ``part`` in them stop in their middle until ``release``, and break off with ``cut``."""

    def __init__(self, part: str, *, cut: bool = False) -> None:
        self.part = part
        self.cut = cut
        self.began = threading.Event()
        self._free = threading.Event()

    def release(self) -> None:
        """Go on, and hold nothing any more."""
        self._free.set()

    def wait(self) -> None:
        """In the middle of an answer."""
        self.began.set()
        self._free.wait(_LONGEST_SECONDS)

    @property
    def lasts(self) -> bool:
        """Whether answers are still held."""
        return not self._free.is_set()


class FolderServer:
    """Serves ``folder`` on a free port of the loopback interface while the ``with`` block lasts.

    ``url`` has no slash at its end; ``requests`` are the request lines so far.  ``holds`` stop some of the answers.
    """

    def __init__(self, folder: Path) -> None:
        self.requests: list[str] = []
        self.holds: list[Hold] = []
        handler = functools.partial(_QuietHandler, self.requests, self.holds, directory=str(folder))
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

    def __init__(self, requests: list[str], holds: list[Hold], *args: object, **options: object) -> None:
        self._requests = requests
        self._holds = holds
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:  # type: ignore[override]
        held = next((hold for hold in self._holds if hold.lasts and hold.part in self.path), None)
        if held is not None:
            data = source.read()
            outputfile.write(data[: len(data) // 2])
            outputfile.flush()
            held.wait()
            if held.cut:
                self.close_connection = True
                return
            source.seek(len(data) // 2)
        super().copyfile(source, outputfile)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        self._requests.append(str(getattr(self, "requestline", "")))
