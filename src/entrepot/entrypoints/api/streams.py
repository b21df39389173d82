"""Server-sent events: bounded in number, and alive by heartbeats.  ``Front`` ends them when the server ends.

A stream holds no buffer of its own: it reads on after the last number that it sent, so that a slow reader costs nothing
and one that comes back goes on where it was.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from entrepot.errors import EntrepotError, TooManyStreams

HEARTBEAT_SECONDS = 25.0
_ASK_SECONDS = 4.0
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

# Data of each event, with its number if the reader may go on after it.
Page = tuple[Iterable[tuple[int | None, dict[str, Any]]], int]


@dataclass(slots=True)
class Subscriber:
    """Somebody who watches, and the number of what they saw last."""

    username: str
    kind: str
    since: datetime
    number: int


@dataclass(slots=True)
class Streams:
    """All streams of one kind in this process.  Used by one event loop.

    ``limit`` is how many there may be at a time, ``limit_of_one`` how many of one person.
    """

    limit: int = 100
    limit_of_one: int = 10
    look_seconds: float = 1.0
    subscribers: list[Subscriber] = field(default_factory=list)

    def open(
        self,
        subscriber: Subscriber,
        read: Callable[[int], Awaitable[Page]],
        still_allowed: Callable[[], object],
        *,
        follow: bool | Callable[[], bool],
    ) -> StreamingResponse:
        """A stream of whatever ``read`` finds after the subscriber's number, as long as ``follow``; then what there is.

        ``still_allowed`` is asked every few seconds, in a thread, and raises when a session is over.

        Raises:
            TooManyStreams: there are too many, of all or of this person.
        """
        mine = sum(1 for one in self.subscribers if one.username == subscriber.username)
        if len(self.subscribers) >= self.limit or mine >= self.limit_of_one:
            raise TooManyStreams("too many event streams are open; close one, or try again later", retry_after=30)
        goes_on = follow if callable(follow) else lambda: follow
        events = self._events(subscriber, read, still_allowed, goes_on)
        return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)

    async def _events(
        self,
        subscriber: Subscriber,
        read: Callable[[int], Awaitable[Page]],
        still_allowed: Callable[[], object],
        goes_on: Callable[[], bool],
    ) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        self.subscribers.append(subscriber)
        beat_at, ask_at = loop.time() + HEARTBEAT_SECONDS, loop.time() + _ASK_SECONDS
        try:
            yield b"retry: 3000\n: watching\n\n"
            while True:
                before = subscriber.number
                found, subscriber.number = await read(before)
                text = b"".join(event_text(number, data) for number, data in found)
                if text:
                    yield text
                if subscriber.number > before:
                    continue  # there may be more
                if not goes_on():
                    return
                if loop.time() >= ask_at:
                    await run_in_threadpool(still_allowed)
                    ask_at = loop.time() + _ASK_SECONDS
                if loop.time() >= beat_at:
                    yield b": heartbeat\n\n"
                    beat_at = loop.time() + HEARTBEAT_SECONDS
                await asyncio.sleep(min(self.look_seconds, max(0.0, beat_at - loop.time())))
        except EntrepotError as error:  # the session is over, or the database is away: the client comes again
            yield f": {error.code}\n\n".encode()
        finally:
            self.subscribers.remove(subscriber)


def event_text(number: int | None, data: dict[str, Any]) -> bytes:
    """One event on the wire."""
    head = "" if number is None else f"id: {number}\n"
    return f"{head}data: {json.dumps(data, default=str)}\n\n".encode()
