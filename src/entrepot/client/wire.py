"""What every theme of the client asks through: JSON, text, files and events of one server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import BinaryIO, Protocol

from entrepot.client.errors import BadAnswer
from entrepot.client.multipart import Progress
from entrepot.client.transport import Answer, Call, Patience, Transport, failure

CHANGE_SECONDS = 700  # the server lets a change wait for its generation, at most 600 s
MOST_FILE_BYTES = 16 << 30
_STREAM_SECONDS = 90  # the server's heartbeat comes every 25 s
_EVENT_BYTES = 1 << 20
_TEXT_BYTES = 16 << 20

Params = Mapping[str, str | int]


class JsonCall(Protocol):
    """One request and its answer."""

    def __call__(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        payload: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        """Raises ``ClientError``."""
        ...


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came whole: the name that the server gave it, its size and SHA-256, and the answer's headers."""

    filename: str
    size_bytes: int
    sha256: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of a stream; ``number`` is where to go on after it, none where that is not possible.

    ``kind`` is its name, where the server gives it one.
    """

    number: int | None
    data: dict[str, object]
    kind: str = "message"


class Wire:
    """A transport and the patience of one client."""

    def __init__(self, transport: Transport, patience: Patience) -> None:
        self.transport = transport
        self.patience = patience

    def __call__(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        payload: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        """A request with a JSON object as its answer."""
        return self.answer(method, path, params, payload).json()

    def answer(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        payload: Mapping[str, object] | None = None,
    ) -> Answer:
        """A request and its whole answer, which is not one of a failure."""
        seconds = None if method == "GET" else CHANGE_SECONDS
        answer = self.transport.send(Call(method, path, params, payload, read_seconds=seconds), self.patience)
        if answer.status >= 400:
            raise failure(answer)
        return answer

    def at_once(
        self, path: str, payload: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> dict[str, object]:
        """A POST that never waits: a wrong password is answered now."""
        answer = self.transport.send(Call("POST", path, payload=payload, headers=headers))
        if answer.status >= 400:
            raise failure(answer)
        return answer.json()

    def text(self, path: str, most_bytes: int = _TEXT_BYTES) -> str:
        """A GET with text as its answer."""
        answer = self.transport.send(Call("GET", path, most_bytes=most_bytes), self.patience)
        if answer.status >= 400:
            raise failure(answer)
        return answer.content.decode("utf-8", "replace")

    def file(
        self,
        path: str,
        target: BinaryIO,
        params: Params | None = None,
        *,
        most_bytes: int = MOST_FILE_BYTES,
        progress: Progress | None = None,
    ) -> Received:
        """A GET whose body is written to ``target`` as it comes.

        What was written before a failure stays there: write to a file that is given its name afterwards.

        Raises:
            BadAnswer: more than ``most_bytes`` came.
        """
        digest, size = hashlib.sha256(), 0
        call = Call("GET", path, params, headers={"accept": "*/*"}, read_seconds=CHANGE_SECONDS)
        with self.transport.stream(call, self.patience) as response:
            for part in response.iter_bytes():
                size += len(part)
                if size > most_bytes:
                    raise BadAnswer(f"the file is larger than {most_bytes} bytes", code="bad_answer")
                digest.update(part)
                target.write(part)
                if progress is not None:
                    progress(len(part))
            headers = dict(response.headers)
        return Received(_filename(headers), size, digest.hexdigest(), headers)

    def events(
        self, path: str, *, after: int | None, follow: bool, params: Params | None = None
    ) -> Iterator[ServerEvent]:
        """Server-sent events until the server ends the stream, or whoever reads does.

        Raises:
            BadAnswer: an event is larger than a MiB, or no JSON object.
        """
        headers = {"accept": "text/event-stream"} | ({} if after is None else {"last-event-id": str(after)})
        query = {"follow": "true" if follow else "false"} | dict(params or {})
        yield from self.streamed(Call("GET", path, query, headers=headers, read_seconds=_STREAM_SECONDS))

    def told(
        self, method: str, path: str, params: Params, payload: Mapping[str, object] | None = None
    ) -> Iterator[ServerEvent]:
        """As ``events``, of a route that begins something and tells how it goes, or of one with places of its own."""
        headers = {"accept": "text/event-stream"}
        return self.streamed(Call(method, path, params, payload, headers=headers, read_seconds=_STREAM_SECONDS))

    def streamed(self, call: Call, patience: Patience | None = None) -> Iterator[ServerEvent]:
        """The events that answer a call.

        Raises:
            BadAnswer: an event is larger than a MiB, or no JSON object.
        """
        with self.transport.stream(call, patience or self.patience) as response:
            rest = b""
            for part in response.iter_bytes():
                *blocks, rest = (rest + part).split(b"\n\n")
                if len(rest) > _EVENT_BYTES:
                    raise BadAnswer("an event of the stream is too large", code="bad_answer")
                yield from (event for block in blocks if (event := _event(block)) is not None)


def given(**values: str | int | bool | None) -> dict[str, str | int]:
    """A query without what was not given: none and empty text."""
    return {
        name.removesuffix("_"): str(value).lower() if isinstance(value, bool) else value
        for name, value in values.items()
        if value is not None and value != ""
    }


def sent(**values: object) -> dict[str, object]:
    """A body without what is none."""
    return {name: value for name, value in values.items() if value is not None}


def _filename(headers: Mapping[str, str]) -> str:
    """The last segment of the name in ``Content-Disposition`` (RFC 6266); empty when there is none."""
    message = Message()
    message["content-disposition"] = headers.get("content-disposition", "")
    found = message.get_filename() or ""
    return found.replace("\\", "/").rpartition("/")[2].strip(". ")


def _event(block: bytes) -> ServerEvent | None:
    """One event (WHATWG HTML, server-sent events); comments, what carries no data, and the word at the end are none."""
    number, lines, kind = None, [], "message"
    for line in block.decode("utf-8", "replace").split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            lines.append(value)
        elif name == "event":
            kind = value[:40]
        elif name == "id" and value.isascii() and value.isdigit():
            number = int(value[:20])
    if not lines or lines == ["done"]:
        return None
    try:
        data = json.loads("\n".join(lines))
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise BadAnswer("an event of the stream is not a JSON object", code="bad_answer")
    return ServerEvent(number, data, kind)
