"""clamd over its socket: a connection for each command, streams by INSTREAM, no file is ever named.

Whatever is not exactly one of clamd's answers is a failure.  clamd says OK for what it did not scan when a limit of its
own was reached, unless ``AlertExceedsMax yes`` is set; callers must not send more than it takes.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from entrepot.adapters.antivirus.base import Answer, ScanResult, Version
from entrepot.domain.formats.quoting import quote
from entrepot.errors import ScannerUnavailable

_COMMAND_SECONDS = 5.0
_MOST_ANSWER_BYTES = 64 << 10
_MOST_CHUNK_BYTES = 1 << 20
_TCP = re.compile(r"tcp:(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(?P<port>[0-9]{1,5})\Z")
_FOUND = re.compile(r"stream: ([\x21-\x7e][\x20-\x7e]{0,300}) FOUND\Z")
_VERSION = re.compile(r"(?P<program>ClamAV [^\s/]{1,60})(?:/(?P<database>[0-9]{1,9})/(?P<date>[\x20-\x7e]{1,60}))?\Z")
_TOO_LONG = "INSTREAM size limit exceeded. ERROR"
_LIMIT_PREFIX = "Heuristics.Limits.Exceeded"


class Clamd:
    """Implements ``Scanner``."""

    def __init__(self, address: str, seconds: float) -> None:
        """``address`` is ``unix:/path`` or ``tcp:host:port``; an answer to a stream may take ``seconds``."""
        self._address = address
        self._seconds = seconds

    def version(self) -> Version:
        """The answer to VERSION, taken apart."""
        text = self._ask(b"VERSION")
        found = _VERSION.match(text)
        if found is None:
            raise ScannerUnavailable(f"what answers at {self._address} is not clamd: {quote(text)}")
        return Version(found["program"], found["database"], _date(found["date"]))

    def reload(self) -> str:
        """RELOAD."""
        return self._ask(b"RELOAD")

    @contextmanager
    def stream(self) -> Iterator[ClamdStream]:
        """One connection."""
        connection = self._connect(self._seconds)
        try:
            yield ClamdStream(connection, self._seconds)
        finally:
            connection.close()

    def _ask(self, command: bytes) -> str:
        connection = self._connect(_COMMAND_SECONDS)
        with connection:
            try:
                connection.sendall(b"z" + command + b"\0")
                answer = _receive(connection, _COMMAND_SECONDS)
            except OSError as error:
                raise ScannerUnavailable(f"clamd at {self._address} does not answer: {_why(error)}") from error
        if not answer:
            raise ScannerUnavailable(f"clamd at {self._address} hung up without an answer")
        return answer

    def _connect(self, seconds: float) -> socket.socket:
        connection: socket.socket | None = None
        try:
            if self._address.startswith("unix:"):
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(_COMMAND_SECONDS)
                connection.connect(self._address.removeprefix("unix:"))
            else:
                found = _TCP.match(self._address)
                if found is None:
                    raise ScannerUnavailable("ENTREPOT_CLAMD must be unix:/path or tcp:host:port")
                where = (found["host"].strip("[]"), int(found["port"]))
                connection = socket.create_connection(where, _COMMAND_SECONDS)
        except (OSError, OverflowError) as error:
            if connection is not None:
                connection.close()
            raise ScannerUnavailable(f"clamd at {self._address} cannot be reached: {_why(error)}") from error
        connection.settimeout(seconds)
        return connection


class ClamdStream:
    """Implements ``ScanStream``."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._fault: str | None = None
        self._send(b"zINSTREAM\0")

    def write(self, data: bytes) -> None:
        """In chunks with their length before them."""
        for at in range(0, len(data), _MOST_CHUNK_BYTES):
            chunk = data[at : at + _MOST_CHUNK_BYTES]
            self._send(struct.pack(">I", len(chunk)) + chunk)

    def finish(self) -> Answer:
        """An empty chunk ends the stream.  clamd answers and hangs up early when the stream is too long for it."""
        self._send(bytes(4))
        try:
            return _classified(_receive(self._connection, self._seconds), self._fault)
        except OSError as error:
            return Answer(ScanResult.FAILED, self._fault or _why(error))

    def _send(self, data: bytes) -> None:
        if self._fault is not None:
            return
        try:
            self._connection.sendall(data)
        except OSError as error:
            self._fault = _why(error)


def _classified(text: str, fault: str | None) -> Answer:
    if text == _TOO_LONG:
        return Answer(ScanResult.LIMIT, "longer than clamd's StreamMaxLength")
    found = _FOUND.match(text)
    if found is not None:
        name = found[1]
        return Answer(ScanResult.LIMIT if name.startswith(_LIMIT_PREFIX) else ScanResult.FOUND, name)
    # "OK" about a stream that did not arrive whole says nothing.
    if text == "stream: OK" and fault is None:
        return Answer(ScanResult.CLEAN)
    return Answer(
        ScanResult.FAILED, f"clamd says {quote(text)}" if text else fault or "clamd hung up without an answer"
    )


def _receive(connection: socket.socket, seconds: float) -> str:
    """All until the end of the answer; raises OSError when it takes too long or is too much."""
    deadline, data = time.monotonic() + seconds, b""
    while b"\0" not in data:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(4096)
        if not piece:
            # Every answer ends in NUL; what was cut off before it is none.
            return data.decode("latin-1") + "..." if data else ""
        data += piece
        if len(data) > _MOST_ANSWER_BYTES:
            raise OSError("its answer has no end")
    return data.partition(b"\0")[0].decode("latin-1").rstrip("\n")


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _date(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
