"""Files and events from servers that break off, lie, or do not end."""

from __future__ import annotations

import io

import pytest
from tests.unit.cli.scripted import Reply, ScriptedServer, reply, scripted_server

from entrepot.client.api import Client
from entrepot.client.errors import BadAnswer, ClientError, NotAllowed, Unreachable
from entrepot.client.transport import Patience

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
FILE = Reply(body=b"bytes", headers={"Content-Disposition": 'attachment; filename="../../etc/x.deb"'})


def events(server: ScriptedServer, body: bytes) -> list[tuple[int | None, dict[str, object]]]:
    server.will(Reply(body=body))
    with Client(server.url) as client:
        return [(event.number, event.data) for event in client.dashboard.events(after=3)]


def test_events_are_told_from_remarks_and_go_on_after_a_number(server: ScriptedServer) -> None:
    body = b'retry: 3000\n: watching\n\ndata: {"a": 1}\n\nid: 7\ndata: {"b":\ndata:  2}\n\n: heartbeat\n\ndata: {"cut'
    assert events(server, body) == [(None, {"a": 1}), (7, {"b": 2})]
    assert server.asked[0].headers["last-event-id"] == "3"
    assert server.asked[0].headers["accept"] == "text/event-stream"


@pytest.mark.parametrize("body", [b"data: [1]\n\n", b"data: nonsense\n\n", b"data: " + b"x" * (2 << 20)])
def test_what_is_no_event_is_refused(server: ScriptedServer, body: bytes) -> None:
    with pytest.raises(BadAnswer):
        events(server, body)


def test_a_stream_that_breaks_off_is_one_of_our_errors(server: ScriptedServer) -> None:
    server.will(Reply(raw=HEAD + b'Content-Length: 500\r\n\r\ndata: {"a": 1}\n\n'))
    with Client(server.url) as client:
        found = client.logs.stream()
        assert next(found).data == {"a": 1}
        with pytest.raises(Unreachable):
            next(found)


def test_a_file_has_a_name_that_is_no_path(server: ScriptedServer) -> None:
    server.will(FILE)
    target = io.BytesIO()
    with Client(server.url) as client:
        done = client.versions.download(target, "x", "1")
    assert (done.filename, done.size_bytes, target.getvalue()) == ("x.deb", 5, b"bytes")


def test_a_file_that_changed_on_its_way_is_refused(server: ScriptedServer) -> None:
    server.will(Reply(body=b"bytes", headers={"X-Checksum-Sha256": "00" * 32}))
    with Client(server.url) as client, pytest.raises(BadAnswer, match="changed on its way"):
        client.versions.download(io.BytesIO(), "x", "1")


def test_a_file_that_breaks_off_is_refused(server: ScriptedServer) -> None:
    server.will(Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nbytes"))
    with Client(server.url) as client, pytest.raises(Unreachable):
        client.versions.download(io.BytesIO(), "x", "1")


def test_a_file_is_waited_for_and_not_fetched_from_another_host(server: ScriptedServer) -> None:
    waits: list[float] = []
    server.will(reply({"detail": "later"}, 503, Retry_After="2"), FILE)
    with Client(server.url, "token", patience=Patience(10, waits.append)) as client:
        client.versions.download(io.BytesIO(), "x", "1")
        assert waits == [2]
        server.will(reply({"detail": "no", "error": "forbidden"}, 403))
        with pytest.raises(NotAllowed):
            client.audit.export(io.BytesIO())
        with scripted_server() as other:
            server.will(Reply(302, headers={"Location": f"{other.url}/x.deb"}))
            with pytest.raises(ClientError, match="not followed"):
                client.versions.download(io.BytesIO(), "x", "1")
            assert other.asked == []
