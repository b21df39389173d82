"""Requests to a real server: pinned, bounded, and nowhere else than where was looked."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from entrepot.adapters.outbound.base import OutboundRequest
from entrepot.adapters.outbound.http import HttpOutbound
from entrepot.errors import AddressForbidden, RemoteFailed
from entrepot.testing.mail import make_certificate
from entrepot.testing.receiver import Receiver, Reply, running_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


def request(url: str, **more: Any) -> OutboundRequest:
    return OutboundRequest(url, "POST", {"X-Test": "1"}, b"{}", **{"inside": True, **more})


def port_of(receiver: Receiver) -> int:
    return int(receiver.url.rpartition(":")[2])


def test_an_exchange(receiver: Receiver) -> None:
    receiver.reply = lambda _: Reply(200, {"X-Answer": "yes"}, b"thanks")
    answer = HttpOutbound().request(request(f"{receiver.url}/a b?c=d&e={{}}"[:-2].replace(" ", "%20")))
    assert (answer.status, answer.body, answer.headers["x-answer"]) == (200, b"thanks", "yes")
    [call] = receiver.calls
    assert (call.path, call.body, call.headers["x-test"]) == ("/a%20b?c=d&e=", b"{}", "1")
    assert call.headers["host"] == receiver.url.removeprefix("http://")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "0"]
)
def test_loopback_in_every_spelling_is_refused(receiver: Receiver, host: str) -> None:
    with pytest.raises((AddressForbidden, RemoteFailed)) as refused:
        HttpOutbound().request(request(f"http://{host}:{port_of(receiver)}/", inside=False))
    assert refused.type is AddressForbidden or host.startswith("[")
    assert receiver.calls == []


@pytest.mark.parametrize(
    "url",
    [
        *[
            "file:///etc/passwd",
            "ftp://example.org/",
            "gopher://x/",
            "//example.org/",
            "example.org",
            "http://",
            "http:///x",
        ],
        *[
            "http://user:secret@example.org/",
            "http://example.org:port/",
            "http://a b/",
            "http://a/\r\nX: y",
            "http://[/",
        ],
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(AddressForbidden) as refused:
        HttpOutbound().request(request(url))
    assert "secret" not in refused.value.detail


def test_ports_of_other_services_are_refused() -> None:
    with pytest.raises(AddressForbidden, match="port 22"):
        HttpOutbound(lambda *_: ["8.8.8.8"]).request(request("http://example.org:22/", inside=False))


def test_a_name_that_moves_after_it_was_looked_at_leads_nowhere_else(receiver: Receiver) -> None:
    asked = []

    def moving(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    answer = HttpOutbound(moving).request(request(f"http://receiver.example:{port_of(receiver)}/"))
    assert (answer.status, asked) == (204, ["receiver.example"])
    assert receiver.calls[0].headers["host"] == f"receiver.example:{port_of(receiver)}"


def test_one_bad_address_among_good_ones_is_enough(receiver: Receiver) -> None:
    for found in (["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], []):
        with pytest.raises(AddressForbidden):
            HttpOutbound(lambda *_, found=found: found).request(
                request(f"http://x.example:{port_of(receiver)}/", inside=False)
            )
    assert receiver.calls == []


def test_redirects_are_answers(receiver: Receiver) -> None:
    receiver.reply = lambda _: Reply(302, {"Location": f"{receiver.url}/elsewhere"})
    assert HttpOutbound().request(request(receiver.url)).status == 302
    assert len(receiver.calls) == 1


def test_no_more_is_read_than_was_asked_for(receiver: Receiver) -> None:
    receiver.reply = lambda _: Reply(200, {}, b"x" * 100_000)
    answer = HttpOutbound().request(request(receiver.url, most_bytes=1000))
    assert (len(answer.body), answer.truncated) == (1000, True)


def drip(stream: Any) -> None:
    with suppress(OSError):
        stream.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(2000):
            stream.write(b"X")
            stream.flush()
            time.sleep(0.01)


def test_an_answer_that_drips_is_cut_off(receiver: Receiver) -> None:
    receiver.reply = lambda _: Reply(write=drip)
    with pytest.raises(RemoteFailed, match="in time"):
        HttpOutbound(seconds=0.5).request(request(receiver.url))


def test_who_hangs_or_is_not_there_is_named(receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(RemoteFailed, match="in time"):
            HttpOutbound(seconds=0.3).request(request(f"http://127.0.0.1:{silent.getsockname()[1]}/hidden"))
        port = silent.getsockname()[1]
    with pytest.raises(RemoteFailed, match="refused") as failed:
        HttpOutbound().request(request(f"http://127.0.0.1:{port}/hidden"))
    assert "hidden" not in failed.value.detail
    receiver.reply = lambda _: Reply(write=lambda stream: stream.write(b"no http at all\r\n\r\n"))
    with pytest.raises(RemoteFailed):
        HttpOutbound().request(request(receiver.url))


def test_tls_is_verified_by_name_although_the_address_is_pinned(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "receiver.example")

    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cadata=certificate.pem)

    with running_receiver(certificate.context()) as receiver:
        there = f"https://receiver.example:{port_of(receiver)}/"
        pinned = HttpOutbound(lambda *_: ["127.0.0.1"], trusting)
        assert pinned.request(request(there)).status == 204
        with pytest.raises(RemoteFailed, match="certificate"):
            pinned.request(request(there.replace("receiver.example", "other.example")))
        with pytest.raises(RemoteFailed, match="certificate"):
            HttpOutbound(lambda *_: ["127.0.0.1"]).request(request(there))
        assert len(receiver.calls) == 1
