"""Answers that never end by themselves, at the door: HEAD of them, and the end of the program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from entrepot.entrypoints.content.app import ContentApp
from entrepot.entrypoints.front import Front, shown_query
from entrepot.testing.memory import MemoryInstallation, memory_installation


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path, works=False) as found:
        yield found


def front_with_stream(house: MemoryInstallation) -> Front:
    """With one route that tells something for ever."""
    api = FastAPI()
    api.state.application = house.application

    @api.get("/events")
    async def events() -> StreamingResponse:
        async def told() -> AsyncIterator[str]:
            while True:
                yield "data: still here\n\n"
                await asyncio.sleep(0.01)

        return StreamingResponse(told(), media_type="text/event-stream")

    application = house.application
    return Front(api, ContentApp(application.published, application.blobs))


async def ask(front: Front, method: str, messages: list[dict[str, Any]], first: asyncio.Event) -> None:
    """A client that stays."""

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        messages.append(message)
        if message.get("body"):
            first.set()

    scope: dict[str, Any] = {"type": "http", "method": method, "path": "/events", "headers": [], "query_string": b""}
    scope |= {"scheme": "http", "client": ("192.0.2.1", 1), "server": ("x", 80), "http_version": "1.1", "root_path": ""}
    scope["asgi"] = {"version": "3.0", "spec_version": "2.3"}
    await front(scope, receive, send)


def test_streams_end_when_the_program_ends(house: MemoryInstallation) -> None:
    async def play() -> list[dict[str, Any]]:
        front, messages, first = front_with_stream(house), list[dict[str, Any]](), asyncio.Event()
        asking = asyncio.create_task(ask(front, "GET", messages, first))
        await first.wait()
        front.end_streams()
        await asyncio.wait_for(asking, 30)
        front.end_streams()  # nothing is left of it
        return messages

    messages = asyncio.run(play())
    assert messages[0]["status"] == 200
    assert messages[-1] == {"type": "http.response.body", "body": b""}


def test_a_client_that_only_wants_the_head_of_a_stream_is_let_go(house: MemoryInstallation) -> None:
    async def play() -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        await asyncio.wait_for(ask(front_with_stream(house), "HEAD", messages, asyncio.Event()), 30)
        return messages

    messages = asyncio.run(play())
    assert [message.get("body") for message in messages] == [None, b""]
    assert (b"content-type", b"text/event-stream; charset=utf-8") in messages[0]["headers"]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (b"", ""),
        (b"q=a%20b&page=2", "q=a b&page=2"),
        (b"token=abc&Reset_Code=1&api_KEY=2&access_token=3", "token=***&Reset_Code=***&api_KEY=***&access_token=***"),
        (b"q=%0aforged", r"q=\nforged"),
        (b"&".join(b"a=1" for _ in range(60)), "(too many fields)"),
    ],
)
def test_queries_are_shown_in_one_line_without_secrets(query: bytes, shown: str) -> None:
    assert shown_query(query) == shown
