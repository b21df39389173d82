"""Downloads from servers that behave, and from servers that do not."""

from __future__ import annotations

import base64
import hashlib
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entrepot.adapters.outbound.fetching import Credentials, Fetch, Pace, Proxy
from entrepot.adapters.outbound.sinks import BlobSink, FileSink, MemorySink
from entrepot.adapters.outbound.streaming import HttpFetcher
from entrepot.adapters.outbound.targets import Inside
from entrepot.adapters.storage.filesystem import FilesystemBlobStore
from entrepot.errors import (
    AddressForbidden,
    BadSetting,
    EntrepotError,
    UpstreamDigest,
    UpstreamRedirect,
    UpstreamStatus,
    UpstreamTooLarge,
    UpstreamUnreachable,
)
from entrepot.testing.certificates import Authority
from entrepot.testing.hostile_upstream import HostileUpstream, running_hostile_upstream
from entrepot.testing.receiver import Call, Receiver, Reply, running_receiver

QUICK = Pace(connect_seconds=2, idle_seconds=1, total_seconds=30, pause_seconds=0.01, longest_pause_seconds=1)
HERE = Inside.parse("127.0.0.1")
TEXT = bytes(range(256)) * 400
FILE = "apt/good/dists/stable/InRelease"

# Fault: what is expected of a file of which nothing is known beforehand; nothing means the right content.
TRANSPORT = {
    "none": "", "delay:1": "", "fail-first:2": "", "range-ignored": "", "encoding-lie": "", "flip-flop": "",
    "hang": "upstream.timeout", "slow-headers": "upstream.timeout", "slow-body:1": "upstream.timeout",
    "close": "upstream.protocol", "truncate": "upstream.protocol", "length-short": "upstream.protocol",
    "length-negative": "upstream.protocol", "length-twice": "upstream.protocol", "http09": "upstream.protocol",
    "length-and-chunked": "upstream.protocol", "bad-chunk": "upstream.protocol", "huge-length": "upstream.protocol",
    "chunk-overflow": "upstream.protocol", "bad-status-line": "upstream.protocol", "always-304": "upstream.protocol",
    "range-wrong": "upstream.protocol", "header-injection": "upstream.protocol", "extra-bytes": "upstream.protocol",
    "reset": "upstream.unreachable", "reset-at:0": "upstream.unreachable", "reset-at:10": "upstream.unreachable",
    "endless-headers": "upstream.too_large", "endless-body": "upstream.too_large", "flood-1xx": "upstream.too_large",
    "endless-chunks": "upstream.too_large", "huge-header": "upstream.too_large", "many-headers": "upstream.too_large",
    "encoding-bomb": "upstream.too_large", "html": "other bytes",
    "status:500": "upstream.status", "status:403": "upstream.status", "status:404": "upstream.missing",
    "retry-after:120": "upstream.status",
    "redirect-loop": "upstream.redirect", "redirect-chain:20": "upstream.redirect",
    "redirect-nowhere": "upstream.redirect",
    **{f"redirect-{way}": "url.forbidden" for way in (
        "canary", "decimal", "octal", "hex", "short", "mapped", "metadata", "file", "gopher", "userinfo", "relative")},
}  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileUpstream]:
    with running_hostile_upstream(tmp_path_factory.mktemp("hostile"), "--max-seconds", "4", "--max-bytes", "64M") as on:
        yield on


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


_made: list[HttpFetcher] = []


def made(sleep: Callable[[float], None] = time.sleep) -> HttpFetcher:
    """One whose kept connections end with the test."""
    _made.append(HttpFetcher(sleep=sleep))
    return _made[-1]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _made:
        _made.pop().close()


def fetch_of(url: str, **more: Any) -> Fetch:
    return Fetch(url, "a file", **{"most_bytes": 1 << 20, "inside": HERE, "pace": QUICK, **more})


def no_sleep(_: float) -> None:
    """Pauses are counted where a test wants to know; nobody waits for them."""


@pytest.mark.parametrize("fault", TRANSPORT)
def test_a_transport_fault_ends_in_the_right_bytes_or_in_an_error_with_a_name(
    hostile: HostileUpstream, fault: str
) -> None:
    wanted = TRANSPORT[fault]
    sink, good = MemorySink(), hostile.get(FILE)
    most = 1 << 19  # less than what the compressed bomb has
    # A second's pause is no fault: only there must a busy machine not be taken for a slow sender.
    pace = Pace() if fault == "delay:1" else QUICK
    fetch = fetch_of(f"{hostile.url}/net/{fault}/{FILE}", most_bytes=most, inside=hostile.inside, pace=pace)
    if wanted.startswith(("up", "url")):
        with pytest.raises(EntrepotError) as refused:
            made().fetch(fetch, sink)
        assert refused.value.code == wanted
        assert refused.value.detail.startswith("a file: ")
    else:
        found = made().fetch(fetch, sink)
        assert (sink.data == good) == (wanted == "")
        assert found.sha256 == hashlib.sha256(sink.data).hexdigest()
    assert hostile.canary() == []


@pytest.mark.parametrize("fault", ["none", "flip-flop", "html", "encoding-lie", "range-ignored", "truncate", "close"])
def test_with_a_digest_there_are_the_right_bytes_or_none(hostile: HostileUpstream, fault: str) -> None:
    path = "apt/good/dists/stable/main/binary-amd64/Packages"
    good, sink = hostile.get(path), MemorySink()
    digests = {"sha256": hashlib.sha256(good).hexdigest()}
    fetch = fetch_of(f"{hostile.url}/net/{fault}/{path}", size_bytes=len(good), digests=digests)
    if fault in ("html", "truncate", "close"):
        with pytest.raises(EntrepotError):
            made().fetch(fetch, sink)
    else:
        made().fetch(fetch, sink)
        assert sink.data == good


def test_no_file_is_asked_for_more_than_four_times(hostile: HostileUpstream) -> None:
    hostile.reset()
    with pytest.raises(UpstreamStatus):
        made().fetch(fetch_of(f"{hostile.url}/net/status:503/{FILE}"), MemorySink())
    assert len(hostile.asked()) == 4


def ranged(asked: list[str | None], *, etag: str = '"one"', break_at: int = 60_000) -> Callable[[Call], Reply]:
    """A server that breaks off in its first answer, and then goes on where it is asked to."""

    def reply(call: Call) -> Reply:
        asked.append(call.headers.get("range"))
        if len(asked) == 1:
            head = f"HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: {len(TEXT)}\r\n\r\n".encode()
            return Reply(write=lambda out: out.write(head + TEXT[:break_at]))
        start = int((call.headers.get("range") or "bytes=0-")[6:-1])
        if start and call.headers.get("if-range", etag) == etag:
            where = {"Content-Range": f"bytes {start}-{len(TEXT) - 1}/{len(TEXT)}", "ETag": etag}
            return Reply(206, where, TEXT[start:])
        return Reply(200, {"ETag": etag}, TEXT)

    return reply


def test_what_broke_off_is_gone_on_with(receiver: Receiver) -> None:
    asked: list[str | None] = []
    receiver.reply = ranged(asked)
    sink = MemorySink()
    found = made().fetch(fetch_of(f"{receiver.url}/f"), sink)
    assert sink.data == TEXT
    assert asked == [None, "bytes=60000-"]
    assert receiver.calls[1].headers["if-range"] == '"one"'
    assert (found.tries, found.etag) == (2, '"one"')


def test_without_a_validator_or_a_digest_it_begins_again(receiver: Receiver) -> None:
    asked: list[str | None] = []
    receiver.reply = ranged(asked, etag='W/"weak"')
    sink = MemorySink()
    made().fetch(fetch_of(f"{receiver.url}/f"), sink)
    assert sink.data == TEXT
    assert asked == [None, None]


def test_a_file_that_was_left_behind_is_gone_on_with_and_verified(receiver: Receiver, tmp_path: Path) -> None:
    digests = {"sha256": hashlib.sha256(TEXT).hexdigest(), "sha512": hashlib.sha512(TEXT).hexdigest()}
    path = tmp_path / "part"
    for left, wanted in ((TEXT[:1000], ["bytes=1000-"]), (b"x" * 1000, ["bytes=1000-", None]), (TEXT, [])):
        path.write_bytes(left)
        asked: list[str | None] = ["begun"]
        receiver.reply = ranged(asked)
        with FileSink(path) as sink:
            fetch = fetch_of(f"{receiver.url}/f", size_bytes=len(TEXT), digests=digests)
            made(sleep=no_sleep).fetch(fetch, sink)
        assert path.read_bytes() == TEXT
        assert asked[1:] == wanted


def test_nothing_comes_twice_that_did_not_change(receiver: Receiver) -> None:
    receiver.reply = lambda call: Reply(304 if call.headers.get("if-none-match") == '"a"' else 200, {"ETag": '"a"'})
    fetcher = made()
    first = fetcher.fetch(fetch_of(f"{receiver.url}/f"), MemorySink())
    assert (first.etag, first.not_modified) == ('"a"', False)
    again = fetcher.fetch(fetch_of(f"{receiver.url}/f", etag=first.etag), MemorySink())
    assert again.not_modified
    assert len(receiver.calls) == 2


def test_more_than_the_index_says_is_refused_before_it_is_read(receiver: Receiver) -> None:
    receiver.reply = lambda _: Reply(200, {}, TEXT)
    with pytest.raises(UpstreamDigest, match="has 102400 bytes, not the 10 of the index"):
        made(sleep=no_sleep).fetch(fetch_of(f"{receiver.url}/f", size_bytes=10), MemorySink())
    with pytest.raises(UpstreamTooLarge):
        made().fetch(fetch_of(f"{receiver.url}/f", most_bytes=10), MemorySink())


def test_a_blob_is_verified_before_it_is_committed(receiver: Receiver, tmp_path: Path) -> None:
    receiver.reply = lambda _: Reply(200, {}, TEXT)
    store = FilesystemBlobStore(tmp_path)
    fetch = fetch_of(f"{receiver.url}/f", digests={"sha256": "0" * 64})
    with BlobSink(store) as sink, pytest.raises(UpstreamDigest):
        made(sleep=no_sleep).fetch(fetch, sink)
    assert list(store.digests()) == []
    with BlobSink(store) as sink:
        found = made().fetch(replace(fetch, digests={}), sink)
        assert sink.writer.commit() == found.sha256
    assert [str(each) for each in store.digests()] == [found.sha256]


def test_credentials_stay_with_the_server_that_they_are_for(receiver: Receiver) -> None:
    own = Credentials("ada", "secret-word")
    with running_receiver() as other:
        other.reply = lambda _: Reply(200, {}, b"there")
        receiver.reply = lambda _: Reply(302, {"Location": f"{other.url}/f"})
        sink = MemorySink()
        made().fetch(fetch_of(f"{receiver.url}/f", credentials=own), sink)
        assert sink.data == b"there"
        assert "authorization" not in other.calls[0].headers
    wanted = "Basic " + base64.b64encode(b"ada:secret-word").decode()
    assert receiver.calls[0].headers["authorization"] == wanted
    assert "secret-word" not in repr(own) + repr(fetch_of("http://h/", credentials=own))


def test_a_watcher_ends_it(receiver: Receiver) -> None:
    receiver.reply = lambda _: Reply(200, {}, TEXT)

    def watch(size: int) -> None:
        if size:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        made().fetch(fetch_of(f"{receiver.url}/f"), MemorySink(), watch)


def test_a_server_that_asks_for_patience_gets_it_up_to_a_limit(receiver: Receiver) -> None:
    pauses: list[float] = []
    replies = iter([Reply(429, {"Retry-After": "1"}), Reply(503), Reply(200, {}, b"now")])
    receiver.reply = lambda _: next(replies)
    sink = MemorySink()
    made(sleep=pauses.append).fetch(fetch_of(f"{receiver.url}/f"), sink)
    assert sink.data == b"now"
    assert sum(pauses) >= 1
    receiver.reply = lambda _: Reply(429, {"Retry-After": "3600"})
    with pytest.raises(UpstreamStatus):
        made(sleep=pauses.append).fetch(fetch_of(f"{receiver.url}/g"), MemorySink())
    assert [call.path for call in receiver.calls].count("/g") == 1


def test_bandwidth_is_limited(receiver: Receiver) -> None:
    waited: list[float] = []
    receiver.reply = lambda _: Reply(200, {}, TEXT)
    slow = replace(QUICK, bytes_per_second=20_000)
    made(sleep=waited.append).fetch(fetch_of(f"{receiver.url}/f", pace=slow), MemorySink())
    assert sum(waited) > 3  # a hundred thousand bytes at twenty thousand a second


def test_https_with_an_authority_and_a_client_certificate(tmp_path: Path) -> None:
    authority = Authority()
    issued = authority.issue(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    with running_receiver(context) as receiver:
        receiver.reply = lambda _: Reply(200, {}, b"safe")
        with pytest.raises(UpstreamUnreachable, match="certificate"):
            made().fetch(fetch_of(f"{receiver.url}/f"), MemorySink())
        own = Credentials(
            certificate=issued.certificate.read_text(), private_key=issued.key.read_text(), authorities=authority.pem
        )
        sink = MemorySink()
        made().fetch(fetch_of(f"{receiver.url}/f", credentials=own), sink)
        assert sink.data == b"safe"
        with running_receiver() as open_one:
            receiver.reply = lambda _: Reply(302, {"Location": f"{open_one.url}/f"})
            with pytest.raises(UpstreamRedirect, match="from https to http"):
                made().fetch(fetch_of(f"{receiver.url}/f", credentials=own), MemorySink())
            assert open_one.calls == []


def test_a_proxy_is_asked_in_place_of_the_server(receiver: Receiver) -> None:
    receiver.reply = lambda _: Reply(200, {}, b"by the proxy")
    port = receiver.url.rpartition(":")[2]
    proxy = Proxy.parse(f"http://ada:geheim@127.0.0.1:{port}")
    sink = MemorySink()
    made().fetch(fetch_of("http://mirror.example/debian/x", inside=Inside(), proxy=proxy), sink)
    assert sink.data == b"by the proxy"
    assert receiver.calls[0].path == "http://mirror.example/debian/x"
    assert receiver.calls[0].headers["proxy-authorization"].startswith("Basic ")
    with pytest.raises(AddressForbidden):
        made().fetch(fetch_of("http://169.254.169.254/x", inside=Inside(), proxy=proxy), MemorySink())
    with pytest.raises(BadSetting):
        Proxy.parse("socks5://127.0.0.1:1")


def test_places_of_the_own_network_are_asked_only_where_an_operator_named_them() -> None:
    for url in ("http://127.0.0.1:9/", "http://10.0.0.1/", "http://[::1]:9/", "http://[fd00::1]/"):
        with pytest.raises(AddressForbidden):
            made().fetch(fetch_of(url, inside=Inside.parse("127.0.0.1:8")), MemorySink())
    assert Inside.parse("10.0.0.0/8, 127.0.0.1:8080 [fd00::1]:80") != Inside()
    for text in ("10.0.0.0/40", "host.example", "10.0.0.1:x", "fd00::1:80:"):
        with pytest.raises(BadSetting):
            Inside.parse(text)
