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
_LOOK_SECONDS = 1.0
_MOST = 100
_MOST_OF_ONE = 10
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

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
    """All streams of this process.  Used by one event loop."""

    subscribers: list[Subscriber] = field(default_factory=list)

    @property
    def limit(self) -> int:
        """Most streams at a time."""
        return _MOST

    def open(
        self,
        subscriber: Subscriber,
        read: Callable[[int], Awaitable[Page]],
        still_allowed: Callable[[], object],
        *,
        follow: bool,
    ) -> StreamingResponse:
        """A stream of whatever ``read`` finds after the subscriber's number; without ``follow`` of what there is now.

        ``still_allowed`` is asked at each heartbeat, in a thread, and raises when a session is over.

        Raises:
            TooManyStreams: there are too many, of all or of this person.
        """
        mine = sum(1 for one in self.subscribers if one.username == subscriber.username)
        if len(self.subscribers) >= _MOST or mine >= _MOST_OF_ONE:
            raise TooManyStreams("too many event streams are open; close one, or try again later", retry_after=30)
        events = self._events(subscriber, read, still_allowed, follow=follow)
        return StreamingResponse(events, media_type="text/event-stream", headers=_HEADERS)

    async def _events(
        self,
        subscriber: Subscriber,
        read: Callable[[int], Awaitable[Page]],
        still_allowed: Callable[[], object],
        *,
        follow: bool,
    ) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        self.subscribers.append(subscriber)
        beat_at = loop.time() + HEARTBEAT_SECONDS
        try:
            yield b"retry: 3000\n: watching\n\n"
            while True:
                before = subscriber.number
                found, subscriber.number = await read(before)
                text = b"".join(_event(number, data) for number, data in found)
                if text:
                    yield text
                if subscriber.number > before:
                    continue  # there may be more
                if not follow:
                    return
                if loop.time() >= beat_at:
                    await run_in_threadpool(still_allowed)
                    yield b": heartbeat\n\n"
                    beat_at = loop.time() + HEARTBEAT_SECONDS
                await asyncio.sleep(min(_LOOK_SECONDS, max(0.0, beat_at - loop.time())))
        except EntrepotError as error:  # the session is over, or the database is away: the client comes again
            yield f": {error.code}\n\n".encode()
        finally:
            self.subscribers.remove(subscriber)


def _event(number: int | None, data: dict[str, Any]) -> bytes:
    head = "" if number is None else f"id: {number}\n"
    return f"{head}data: {json.dumps(data, default=str)}\n\n".encode()
