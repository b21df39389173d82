"""HTTP/1.1 with bounds: the parser itself would gather a head of any size before anybody could look at it."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_HEAD_BYTES = 64 << 10
_MOST_HEADERS = 200
_MOST_URL_BYTES = 32 << 10


class BoundedProtocol(HttpToolsProtocol):
    """A head of at most 64 KiB and 200 headers, an address of at most 32 KiB; what is more is refused and cut off."""

    _head_bytes: int | None = 0  # none while a body comes

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that is not complete yet."""
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is None or self.transport.is_closing():
            return
        if len(self.url or b"") > _MOST_URL_BYTES:
            self._refuse(b"414 URI Too Long")
        elif self._head_bytes > _MOST_HEAD_BYTES + len(data):
            self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is complete; refuse it if it came in one piece and is too large."""
        self._head_bytes = None
        head = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if len(self.url) > _MOST_URL_BYTES:
            self._refuse(b"414 URI Too Long")
        elif head > _MOST_HEAD_BYTES or len(self.headers) > _MOST_HEADERS:
            self._refuse(b"431 Request Header Fields Too Large")
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next head may begin."""
        self._head_bytes = 0
        super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        """Nothing of a request that was refused."""
        if not self.transport.is_closing():
            super().on_body(body)

    def _refuse(self, status: bytes) -> None:
        body = b'{"detail":"the head of the request is too large","error":"head_too_large"}'
        headers: list[Any] = [
            b"HTTP/1.1 " + status,
            b"content-type: application/json",
            b"content-length: " + str(len(body)).encode(),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join([*headers, b"", body]))
        self.transport.close()
