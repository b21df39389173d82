"""Downloads are counted once each, whatever cuts, repeats or asks; who fetched stays unknown (contract 4.9)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from entrepot.domain.model.download import client_type_of
from entrepot.entrypoints.content.app import ContentApp, Counting
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_rpm

APT = "Debian APT-HTTP/1.3 (2.6.1)"
DNF = "libdnf (AlmaLinux 9.4; generic; Linux.x86_64)"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path) as found:
        found.upload(build_deb("hello"), "hello_1.0_all.deb", "jammy")
        found.upload(build_deb("big", files={"usr/share/big": os.urandom(1 << 20)}), "big_1.0_all.deb", "jammy")
        found.upload(build_rpm("rolling"), "rolling-1.0-1.noarch.rpm", "almalinux9")
        found.wait_idle()
        yield found


HELLO = "/apt/main/pool/main/h/hello/hello_1.0_all.deb"
BIG = "/apt/main/pool/main/b/big/big_1.0_all.deb"


class Clients:
    """Requests to the content application from chosen addresses."""

    def __init__(self, installation: MemoryInstallation, accel: str = "") -> None:
        application = installation.application
        counting = Counting(application.recorder.note, installation.clock.now)
        self._app = ContentApp(application.published, application.blobs, accel=accel, counting=counting)
        self._application = application

    def ask(self, path: str, agent: str = APT, address: str = "192.0.2.1", **more: Any) -> httpx2.Response:
        async def send() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=cast("Any", self._app), client=(address, 1))
            async with httpx2.AsyncClient(transport=transport, base_url="http://entrepot.example") as client:
                headers = {"user-agent": agent, **more.get("headers", {})}
                return await client.request(more.get("method", "GET"), path, headers=headers)

        return asyncio.run(send())

    def counted(self, days: int = 30) -> dict[str, tuple[int, int, int]]:
        """Downloads, bytes and clients of each name."""
        self._application.recorder.flush()
        found = self._application.downloads.statistics(ADMIN, days)
        return {one.name: (one.downloads, one.sent_bytes, one.clients) for one in found.packages}


def test_every_download_counts_once_however_it_is_cut(installation: MemoryInstallation) -> None:
    clients = Clients(installation)
    whole = clients.ask(BIG)
    size = len(whole.content)
    assert clients.counted() == {"big": (1, size, 1)}
    for cut in ("bytes=0-99", "bytes=100-999999", "bytes=1000000-"):
        assert clients.ask(BIG, headers={"range": cut}).status_code == 206
    assert clients.counted() == {"big": (2, 2 * size, 1)}


def test_what_brings_no_bytes_is_no_download(installation: MemoryInstallation) -> None:
    clients = Clients(installation)
    tag = clients.ask(HELLO, method="HEAD").headers["etag"]
    assert clients.ask(HELLO, headers={"if-none-match": tag}).status_code == 304
    assert clients.ask(HELLO, headers={"range": "bytes=99999999-"}).status_code == 416
    assert clients.ask(f"{HELLO}.absent").status_code == 404
    assert clients.ask("/apt/main/dists/jammy/InRelease").status_code == 200
    assert clients.counted() == {}


def test_a_front_server_that_sends_the_bytes_makes_no_difference(installation: MemoryInstallation) -> None:
    clients = Clients(installation, accel="x-accel:/inside")
    assert clients.ask(HELLO).content == b""
    assert clients.ask(HELLO, headers={"range": "bytes=0-9"}).status_code == 200  # which it will cut
    [(downloads, sent, _)] = clients.counted().values()
    assert (downloads, sent) == (1, len(build_deb("hello")) + 10)


def test_a_client_that_goes_away_has_not_downloaded(installation: MemoryInstallation) -> None:
    clients = Clients(installation)
    sent: list[int] = []

    async def leave() -> None:
        gone = asyncio.Event()

        async def receive() -> dict[str, object]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(len(message.get("body", b"")))
            gone.set()
            await asyncio.sleep(0)

        scope = {"type": "http", "method": "GET", "path": BIG, "raw_path": b"", "headers": [], "scheme": "http"}
        await clients._app(scope, receive, send)

    asyncio.run(leave())
    assert clients.counted() == {}
    total = installation.application.downloads.statistics(ADMIN, 1).totals
    assert sum(day.sent_bytes for day in total) == sum(sent)


def test_clients_are_counted_apart_and_stored_as_pseudonyms(installation: MemoryInstallation) -> None:
    clients = Clients(installation)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "2001:db8::ffff"):
        clients.ask(HELLO, address=address)
    assert clients.counted()["hello"] == (5, 5 * len(build_deb("hello")), 3)
    shown = [one.client for one in installation.application.downloads.statistics(ADMIN, 1).recent]
    assert len(set(shown)) == 3
    assert not any("192.0.2" in one or ":" in one for one in shown)
    # Tomorrow the same client has another name.
    installation.clock.advance(days=1)
    clients.ask(HELLO, address="192.0.2.1")
    assert clients.counted()["hello"][2] == 4
    assert installation.application.downloads.statistics(ADMIN, 1).recent[0].client not in shown


def test_an_ended_day_keeps_its_number_and_loses_its_pseudonyms(installation: MemoryInstallation) -> None:
    clients = Clients(installation)
    for address in ("192.0.2.1", "192.0.2.2"):
        clients.ask(HELLO, address=address)
    before = clients.counted()
    installation.clock.advance(days=3)
    installation.application.recorder.read_logs()
    with installation.catalog.write() as unit:
        day = (installation.clock.now() - timedelta(days=3)).date()
        assert unit.download_salt(day, "fresh") == "fresh", "the salt of that day is gone"
    assert clients.counted() == before == {"hello": (2, 2 * len(build_deb("hello")), 2)}


def test_addresses_are_kept_only_when_a_setting_says_so(tmp_path: Path) -> None:
    with memory_installation(tmp_path, keep_addresses=True) as installation:
        installation.upload(build_deb("hello"), "hello_1.0_all.deb", "jammy")
        installation.wait_idle()
        clients = Clients(installation)
        clients.ask(HELLO, address="192.0.2.77")
        assert clients.counted()["hello"][0] == 1
        [one] = installation.application.downloads.statistics(ADMIN, 1).recent
        assert one.client == "192.0.2.77"


def test_a_user_agent_is_shown_as_one_line(installation: MemoryInstallation) -> None:
    clients = Clients(installation)
    clients.ask(HELLO, agent="curl/8\x1b[31m" + "x" * 5000)
    clients.counted()
    [one] = installation.application.downloads.statistics(ADMIN, 1).recent
    assert one.client_type == "curl"
    assert len(one.user_agent) == 200
    assert one.user_agent.isprintable()


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (APT, "apt"),
        ("Debian APT-CURL/1.0 (1.2)", "apt"),
        (DNF, "dnf"),
        ("libdnf5 (Fedora Linux 41; server; Linux.x86_64)", "dnf"),
        ("dnf/4.14.0", "dnf"),
        ("urlgrabber/3.10 yum/3.4.3", "yum"),
        ("ZYpp 17.31.7 (curl 7.88.1) openSUSE-Leap-15.5-x86_64", "zypper"),
        ("apk-tools/2.14.0", "apk"),
        ("curl/8.5.0", "curl"),
        ("Wget/1.21.3", "wget"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "browser"),
        ("python-httpx/1", "other"),
        ("adaptive-client/1", "other"),
        ("", "other"),
    ],
)
def test_programs_are_told_apart_by_their_user_agent(agent: str, kind: str) -> None:
    assert client_type_of(agent) == kind


def test_days_are_utc_and_old_ones_are_forgotten(installation: MemoryInstallation) -> None:
    clients = Clients(installation)
    clients.ask(HELLO)
    clients.counted()
    installation.clock.advance(days=364)
    assert clients.counted(365)["hello"][0] == 1
    assert clients.counted(364) == {}
    installation.clock.advance(days=60)
    installation.application.recorder.read_logs()
    with installation.catalog.read() as reading:
        long_ago = datetime(2020, 1, 1, tzinfo=UTC).date()
        assert reading.downloads_by_day(long_ago, installation.clock.now().date()) == []
