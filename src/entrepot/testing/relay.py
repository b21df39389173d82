"""A relay before an upstream that gives some of its paths another place; what comes back is handed on byte for byte."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

_HEAD_BYTES = 64 << 10
_SECONDS = 60.0
_RESET = struct.pack("ii", 1, 0)


class Relay:
    """One request for each connection; a line that breaks there breaks here in the same way."""

    def __init__(self, upstream: str, placed: Callable[[str], str]) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._placed = placed
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more requests."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._hand_on, args=(line,), daemon=True).start()

    def _hand_on(self, line: socket.socket) -> None:
        with line:
            line.settimeout(_SECONDS)
            try:
                head = self._head(line)
                if head is None:
                    return
                with socket.create_connection(self._upstream, _SECONDS) as there:
                    there.sendall(head)
                    while data := there.recv(1 << 16):
                        line.sendall(data)
            except ConnectionResetError:
                with contextlib.suppress(OSError):
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            except OSError:
                return

    def _head(self, line: socket.socket) -> bytes | None:
        found = b""
        while b"\r\n\r\n" not in found:
            data = line.recv(4096)
            if not data or len(found) > _HEAD_BYTES:
                return None
            found += data
        first, *fields = found.partition(b"\r\n\r\n")[0].split(b"\r\n")
        method, path, version = first.decode("latin-1").split(" ", 2)
        kept = [field for field in fields if not field.lower().startswith(b"connection:")]
        request = f"{method} {self._placed(path)} {version}".encode("latin-1")
        return b"\r\n".join([request, *kept, b"Connection: close", b"", b""])


@contextmanager
def relayed(upstream: str, placed: Callable[[str], str]) -> Iterator[Relay]:
    """Until the block ends; ``placed`` says which path of the upstream stands for one of the relay."""
    relay = Relay(upstream, placed)
    try:
        yield relay
    finally:
        relay.close()
