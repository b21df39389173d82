"""Real package managers and a real front server: each installation is one download, seen from either side."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.clients.test_nginx import MAIN, free_port, rendered, running_nginx, wait_until_ready

from entrepot.testing.clients import AptRoot, DnfRoot, ZypperRoot, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server

needs_apt = pytest.mark.skipif(bool(missing_programs("apt-get", "dpkg")), reason="APT IS NOT INSTALLED HERE")
needs_dnf = pytest.mark.skipif(
    bool(missing_programs("dnf", "rpm")) or os.geteuid() != 0, reason="DNF AND root ARE NEEDED"
)
needs_zypper = pytest.mark.skipif(
    bool(missing_programs("zypper", "rpm")) or os.geteuid() != 0, reason="ZYPPER AND root ARE NEEDED"
)
pytestmark = [pytest.mark.clients, pytest.mark.xdist_group("downloads")]

FILES = {"usr/share/doc/counted/hello": os.urandom(600 << 10)}


@dataclass(frozen=True, slots=True)
class Shop:
    """A server and how it is reached."""

    url: str
    server: Server
    client: httpx2.Client
    folder: Path

    def stats(self) -> dict[str, Any]:
        return dict(self.client.get(f"{self.server.url}/downloads/stats?days=2").json())

    def downloads_of(self, name: str, wanted: int) -> dict[str, Any]:
        """Statistics of one package, once so many were counted; a moment longer shows that it stays at that."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            rows = [row for row in self.stats()["per_package"] if row["name"] == name]
            if rows and rows[0]["downloads"] >= wanted:
                return dict(rows[0])
            time.sleep(0.1)
        raise AssertionError(f"{name} was not counted {wanted} times: {self.stats()}")

    def recent_of(self, name: str) -> list[dict[str, Any]]:
        return [row for row in self.stats()["recent"] if row["name"] == name]


@contextlib.contextmanager
def open_shop(folder: Path, *, fronted: bool) -> Iterator[Shop]:
    own_port, port = free_port(), free_port()
    server = Server(folder / "data", {}, port=own_port)
    backend, url = f"127.0.0.1:{own_port}", f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as ends:
        if fronted:
            server.environment = {
                "ENTREPOT_PUBLIC_URL": url,
                "ENTREPOT_ACCEL": "x-accel:/entrepot-blobs",
                "ENTREPOT_DOWNLOADS_FROM": "access-log",
                "ENTREPOT_ACCESS_LOG": str(folder / "access.log"),
            }
            (folder / "site.conf").write_text(rendered(port, backend, server.data))
        server.start(wait=not fronted)
        ends.callback(server.stop)
        if fronted:
            ends.enter_context(running_nginx(folder))
            wait_until_ready(url)
            server.url = f"http://{backend}"
        client = ends.enter_context(server.client())
        maintainer = Maintainer(client)
        maintainer.push(build_deb("counted", files=FILES), "jammy")
        maintainer.push(build_rpm("counted-r", files=FILES), "almalinux9")
        yield Shop(url if fronted else server.url, server, client, folder)


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("direct"), fronted=False) as found:
        yield found


@pytest.fixture(scope="module")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    if missing_programs("nginx"):
        pytest.skip("NGINX IS NOT INSTALLED HERE (Debian: nginx-light)")
    folder = tmp_path_factory.mktemp("fronted")
    with pytest.MonkeyPatch.context() as patch:
        text = MAIN.replace("access.log parts", "access.log combined")
        assert text != MAIN
        patch.setattr("tests.clients.test_nginx.MAIN", text)
        with open_shop(folder, fronted=True) as found:
            yield found


@pytest.fixture(params=["direct", "fronted"])
def shop(request: pytest.FixtureRequest) -> Shop:
    found: Shop = request.getfixturevalue(request.param)
    return found


@needs_apt
def test_apt_installs_once_and_is_counted_once(tmp_path: Path, shop: Shop) -> None:
    apt = AptRoot(tmp_path)
    apt.add_source(httpx2.get(f"{shop.url}/apt/main/jammy.sources").text)
    apt.update().checked()
    apt.install("counted").checked()
    row = shop.downloads_of("counted", 1)
    assert (row["downloads"], row["clients"], row["versions"], row["format"]) == (1, 1, ["1.0"], "deb")
    assert row["bytes"] == len(build_deb("counted", files=FILES))
    [seen] = shop.recent_of("counted")
    assert (seen["client_type"], seen["status"], seen["pkg_format"]) == ("apt", 200, "deb")
    assert "127.0.0.1" not in seen["ip"]
    assert shop.stats()["summary"]["per_client_type"]["apt"] == 1


@needs_dnf
def test_dnf_installs_once_and_is_counted_once(tmp_path: Path, shop: Shop) -> None:
    dnf = DnfRoot(tmp_path)
    dnf.add_repo(httpx2.get(f"{shop.url}/rpm/main/almalinux9.repo").text)
    dnf.install("counted-r").checked()
    row = shop.downloads_of("counted-r", 1)
    assert (row["downloads"], row["clients"], row["format"]) == (1, 1, "rpm")
    assert {seen["client_type"] for seen in shop.recent_of("counted-r")} == {"dnf"}
    assert shop.stats()["summary"]["per_client_type"]["dnf"] == 1


@needs_zypper
def test_zypper_installs_once_and_is_counted_once(tmp_path: Path, direct: Shop) -> None:
    with direct.server.client() as client:
        Maintainer(client).push(build_rpm("counted-z", files=FILES), "opensuse-leap-15.6")
    zypper = ZypperRoot(tmp_path)
    zypper.trust(httpx2.get(f"{direct.url}/rpm/main/key.asc").content).checked()
    zypper.add_repo(httpx2.get(f"{direct.url}/rpm/main/opensuse-leap-15.6.repo").text)
    zypper.install("counted-z").checked()
    assert direct.downloads_of("counted-z", 1)["downloads"] == 1
    assert {seen["client_type"] for seen in direct.recent_of("counted-z")} == {"zypper"}


def test_nothing_is_lost_or_doubled_when_nginx_rotates_its_log(fronted: Shop) -> None:
    deb = build_deb("rotated")
    with fronted.server.client() as client:
        name = Maintainer(client).push(deb, "jammy")["filename"]
    url = f"{fronted.url}/apt/main/pool/main/r/rotated/{name}"
    log = fronted.folder / "access.log"
    total = 0
    for turn in range(3):
        for _ in range(20):
            assert httpx2.get(url).content == deb
        log.rename(fronted.folder / f"access.log.{3 - turn}")
        for _ in range(20):  # nginx still writes into the renamed file
            httpx2.get(url)
        os.kill(int((fronted.folder / "nginx.pid").read_text()), 10)  # SIGUSR1, which is 'nginx -s reopen'
        for _ in range(20):
            httpx2.get(url)
        total += 60
    assert fronted.downloads_of("rotated", total)["downloads"] == total
    assert fronted.stats()["summary"]["log_lines_skipped"] == 0
    # Answers that a front server asked for are not counted here as well.
    assert httpx2.get(f"{fronted.server.url}/apt/main/pool/main/r/rotated/{name}").status_code == 200
    httpx2.get(url)
    assert fronted.downloads_of("rotated", total + 1)["downloads"] == total + 1


def test_a_server_that_stops_has_counted_everything(direct: Shop) -> None:
    deb = build_deb("last")
    with direct.server.client() as client:
        name = Maintainer(client).push(deb, "jammy")["filename"]
    for _ in range(5):
        httpx2.get(f"{direct.url}/apt/main/pool/main/l/last/{name}")
    direct.server.stop()
    direct.server.start()
    with direct.server.client() as client:
        rows = client.get("/downloads/stats").json()["per_package"]
    assert [row["downloads"] for row in rows if row["name"] == "last"] == [5]
