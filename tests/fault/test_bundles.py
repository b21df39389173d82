"""A server that is killed while a bundle comes in goes on with it, and shows nothing in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.client.api import Client
from entrepot.domain.bundles.archive import Archive
from entrepot.domain.bundles.head import read_head
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server, running_server

COUNT = 40
INDEX = "/apt/main/dists/jammy/main/binary-amd64/Packages"


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "offline", {"ENTREPOT_BUNDLE_KEYRING": str(tmp_path / "key.asc")})
    server.start()
    yield server
    server.kill()


def ended(client: Client, job: str) -> str:
    deadline = time.monotonic() + 120
    while (status := client.jobs.one(job)["status"]) == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return str(status)


def bundle_of(folder: Path) -> Path:
    """Some packages of another server; its key lies beside."""
    with running_server(folder) as online, online.client() as session, Client(online.url, online.token()) as client:
        for number in range(COUNT):
            Maintainer(session).push(build_deb(f"f-{number}", "1.0"), "jammy")
        (folder / "key.asc").write_text(client.bundles.key())
        job = client.bundles.make(["jammy"])["job_id"]
        assert ended(client, job) == "done"
        result = client.jobs.one(job)["result"]
        path = folder / "bundle.tar"
        with path.open("wb") as file:
            client.bundles.fetch(str(result["bundle"]), 1, file)
    return path


def test_a_killed_import_goes_on_and_shows_nothing_before_its_end(tmp_path: Path, offline: Server) -> None:
    path = bundle_of(tmp_path)
    with path.open("rb") as file:
        name = read_head(Archive(file), lambda _sums, _signature: None)[0].manifest.id
    data = path.read_bytes()
    with Client(offline.url, offline.token()) as client:
        assert client.bundles.send([data])["missing"]["files"] == 0
        job = client.bundles.take_in(name)["job_id"]
    for _ in range(3):
        time.sleep(0.15)  # somewhere in the middle, another place each time
        offline.kill()
        offline.start()
        with offline.client() as session:
            shown = session.get(INDEX).text.count("Package: f-")
            assert shown in {0, COUNT}
    with Client(offline.url, offline.token()) as client, offline.client() as session:
        assert ended(client, job) == "done"
        deadline = time.monotonic() + 60
        while (shown := session.get(INDEX).text.count("Package: f-")) != COUNT:
            assert shown == 0
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert client.bundles.one(name)["status"] == "imported"
