"""Answers are bounded, waiting is bounded, credentials stay with their server."""

from __future__ import annotations

import socket
import threading

import pytest
from tests.unit.cli.scripted import Reply, ScriptedServer, reply, scripted_server

from entrepot.client.api import Client, Selection
from entrepot.client.errors import (
    BadAnswer,
    BadInput,
    Conflict,
    Limited,
    Missing,
    RefusedByPolicy,
    ServerFault,
    Unavailable,
    Unreachable,
    error_class,
)
from entrepot.client.transport import Patience, retry_after

ME = {"username": "ada", "role": "reader", "roles": ["reader"]}


def test_waits_as_long_as_the_server_says_and_asks_again(server: ScriptedServer) -> None:
    slept: list[float] = []
    told: list[str] = []
    server.will(reply({"detail": "x"}, 429, Retry_After="7"), reply({"detail": "x"}, 503, Retry_After="2"), reply(ME))
    patience = Patience(60, slept.append, lambda _seconds, why: told.append(why))
    with Client(server.url, "t", patience=patience) as client:
        assert client.me()["username"] == "ada"
    assert slept == [7, 2]
    assert told == ["the server limits the rate", "the server is busy"]


def test_does_not_begin_a_wait_that_it_cannot_end(server: ScriptedServer) -> None:
    slept: list[float] = []
    limited = {"detail": {"error": "rate_limit_exceeded", "message": "slow down", "retry_after": 900}}
    server.will(reply(limited, 429, Retry_After="900"))
    with Client(server.url, patience=Patience(60, slept.append)) as client, pytest.raises(Limited) as caught:
        client.me()
    assert slept == []
    assert (caught.value.detail, caught.value.code) == ("slow down", "rate_limit_exceeded")
    assert caught.value.retry_after_seconds == 900


def test_without_patience_nothing_is_waited_for(server: ScriptedServer) -> None:
    server.will(reply({"detail": "busy", "error": "store.unavailable"}, 503, Retry_After="1"))
    with Client(server.url) as client, pytest.raises(Unavailable):
        client.me()
    assert len(server.asked) == 1


def test_a_busy_server_that_gives_no_time_is_asked_less_and_less_and_not_for_ever(server: ScriptedServer) -> None:
    slept: list[float] = []
    server.will(Reply(503, b"proxy says no"))
    with Client(server.url, patience=Patience(1e9, slept.append)) as client, pytest.raises(Unavailable):
        client.me()
    assert len(server.asked) == 12
    assert slept[0] < slept[3] < slept[-1] <= 40


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        ("0", 1),
        ("999999999999999999999", 86400),
        ("Sat, 21 Nov 2026 14:00:30 GMT", 31),
        ("Sat, 21 Nov 2026 13:00:00 GMT", 1),
        ("soon", None),
        ("-5", None),
        ("\N{SUPERSCRIPT TWO}", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: int | None) -> None:
    assert retry_after({"retry-after": value, "date": "Sat, 21 Nov 2026 14:00:00 GMT"}) == seconds


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>hello</html>", b"[1, 2]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"username": 5}', b"NaN"],
    ids=["empty", "html", "list", "text", "bytes", "deep", "shape", "nan"],
)
def test_what_is_not_an_answer_of_this_api_is_said_to_be_none(server: ScriptedServer, body: bytes) -> None:
    server.will(Reply(200, body))
    with Client(server.url) as client, pytest.raises(BadAnswer):
        client.me()


def test_a_list_of_other_things_than_objects_is_no_answer(server: ScriptedServer) -> None:
    server.will(reply({"items": ["x"], "total": 1, "pages": 1}))
    with Client(server.url) as client, pytest.raises(BadAnswer, match="items"):
        client.packages(Selection())


def test_an_answer_without_end_is_not_taken(server: ScriptedServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    server.will(Reply(raw=head + b" " * (33 << 20)))
    with Client(server.url) as client, pytest.raises(BadAnswer, match="larger than"):
        client.me()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\nabcd",
    ],
    ids=["nothing", "not-http", "cut-off", "broken-gzip"],
)
def test_a_broken_conversation_is_one_of_our_errors(server: ScriptedServer, raw: bytes) -> None:
    server.will(Reply(raw=raw))
    with Client(server.url) as client, pytest.raises((Unreachable, BadAnswer)):
        client.me()


def test_a_server_that_does_not_answer_in_time_is_unreachable(server: ScriptedServer) -> None:
    over = threading.Event()
    server.will(Reply(after=over))
    with Client(server.url, timeout_seconds=0.2) as client, pytest.raises(Unreachable, match="in time"):
        client.me()
    over.set()


def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with Client(f"http://127.0.0.1:{free.getsockname()[1]}") as client, pytest.raises(Unreachable):
            client.me()


def test_credentials_do_not_go_to_another_host(server: ScriptedServer) -> None:
    with scripted_server() as other:
        other.will(reply(ME))
        server.will(Reply(302, b"", {"Location": f"{other.url}/auth/me"}))
        with Client(server.url, "secret") as client, pytest.raises(BadAnswer, match="not followed") as caught:
            client.me()
        assert other.asked == []
    assert caught.value.code == "redirect"


def test_a_redirect_within_the_server_is_followed_for_reading_only(server: ScriptedServer) -> None:
    server.will_at("/auth/me", Reply(307, b"", {"Location": "/elsewhere?x=1"}))
    server.will_at("/elsewhere", reply(ME))
    server.will_at("/distributions/init", Reply(307, b"", {"Location": "/elsewhere"}))
    with Client(server.url, "secret") as client:
        assert client.me()["username"] == "ada"
        with pytest.raises(BadAnswer):
            client.initialise()
    assert [asked.path for asked in server.asked] == ["/auth/me", "/elsewhere?x=1", "/distributions/init"]


def test_redirects_in_circles_end(server: ScriptedServer) -> None:
    server.will(Reply(302, b"", {"Location": "/auth/me"}))
    with Client(server.url) as client, pytest.raises(BadAnswer, match="circles"):
        client.me()


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://host", "http://", "http://user:pw@host", "http://[::1", "/x"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(BadInput):
        Client(url)


@pytest.mark.parametrize("token", ["a\nb", "a b", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_token_cannot_bring_a_header_along(token: str) -> None:
    with pytest.raises(BadInput):
        Client("http://localhost", token)


def test_names_and_versions_are_one_segment_of_the_path(server: ScriptedServer) -> None:
    server.will(reply({"name": "x"}))
    with Client(f"{server.url}/prefix/") as client:
        client.manifest("libstdc++", "2:1.0~rc1+b/../1", architecture="amd64")
        for name in ("", ".", ".."):
            with pytest.raises(BadInput):
                client.manifest(name, "1")
    assert server.asked[0].path == "/prefix/artifacts/libstdc%2B%2B/2%3A1.0~rc1%2Bb%2F..%2F1?arch=amd64"
    assert len(server.asked) == 1


def test_pages_are_fetched_as_they_are_needed(server: ScriptedServer) -> None:
    def page(number: int) -> Reply:
        items = [{"name": f"p{number}-{row}"} for row in range(2)]
        return reply({"items": items, "total": 6, "page": number, "per_page": 2, "pages": 3})

    server.will(page(1), page(2), page(3))
    with Client(server.url) as client:
        rows = client.all_packages(Selection(text="p", architecture="all"))
        assert next(rows)["name"] == "p1-0"
        assert len(server.asked) == 1
        assert len(list(rows)) == 5
    assert [asked.path for asked in server.asked][1:] == [
        f"/packages/?q=p&arch=all&page={number}&per_page=200" for number in (2, 3)
    ]


def test_a_server_that_is_not_well_can_still_say_so(server: ScriptedServer) -> None:
    server.will(reply({"status": "error", "components": {"database": "error"}}, 503))
    with Client(server.url) as client:
        assert client.health()["status"] == "error"
        server.will(Reply(503, b"no upstream"))
        with pytest.raises(Unavailable):
            client.health()


def test_detail_is_found_in_every_form_that_the_api_has(server: ScriptedServer) -> None:
    faults = [{"loc": ["body", "package"], "msg": "Field required", "type": "missing"}]
    cases: list[tuple[object, int, str, str]] = [
        ({"detail": "plain", "error": "code"}, 404, "plain", "code"),
        ({"detail": {"error": "inner", "message": "object"}}, 409, "object", "inner"),
        ({"detail": faults}, 422, "package: Field required", "validation_error"),
        ({"status": "rejected", "message": "refused: bad"}, 422, "refused: bad", "rejected"),
        ({}, 500, "the server answered with status 500 and no explanation", "http_500"),
    ]
    for body, status, detail, code in cases:
        server.will(reply(body, status, X_Request_ID="r-1"))
        with (
            Client(server.url) as client,
            pytest.raises((Missing, Conflict, BadInput, RefusedByPolicy, ServerFault)) as e,
        ):
            client.me()
        assert (e.value.detail, e.value.code, e.value.status, e.value.request_id) == (detail, code, status, "r-1")


def test_a_policy_s_no_is_told_from_other_failures_of_the_same_status() -> None:
    assert error_class(422, {"status": "rejected"}) is RefusedByPolicy
    assert error_class(409, {"policy_verdict": {}, "detail": "x"}) is RefusedByPolicy
    assert error_class(422, {"status": "rejected", "error": "package.malformed"}) is BadInput
    assert error_class(409, {"error": "duplicate_conflict"}) is Conflict
