"""A slow check runs after the upload was answered, and survives the death of the process that ran it."""

from __future__ import annotations

import time
from pathlib import Path

import httpx2
from tests.fault.kills import verify

from entrepot.testing.ledger import published_packages
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server

_SCRIPT = Path(__file__).with_name("inspecting_server.py")
_PATIENCE_SECONDS = 90


def wait_for(folder: Path, count: int) -> None:
    """Until so many inspections have begun."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    begun = folder / "begun"
    while not begun.exists() or len(begun.read_text().split()) < count:
        assert time.monotonic() < deadline, "no inspection begins"
        time.sleep(0.05)


def wait_published(client: httpx2.Client, names: set[str]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while set(published_packages(client, "jammy")) != names:
        assert time.monotonic() < deadline, "the packages are not published"
        time.sleep(0.1)


def test_an_inspection_that_was_cut_off_is_done_after_the_restart(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", {"ENTREPOT_PUBLISH_WAIT_SECONDS": "1"}, program=(str(_SCRIPT),))
    server.start()
    try:
        with server.client() as client:
            for name in ("first", "second"):
                answer = client.post("/upload/", files={"file": (f"{name}.deb", build_deb(name))})
                assert (answer.status_code, answer.json()["indexed"]) == (202, False)
            wait_for(tmp_path, 2)
            wait_published(client, set())
            assert client.get("/apt/main/pool/main/f/first/first_1.0_all.deb").status_code == 404
            headers = client.headers
        server.kill()
        server.start()
        with httpx2.Client(base_url=server.url, headers=headers, timeout=30) as client:
            wait_for(tmp_path, 4)
            assert published_packages(client, "jammy") == {}
            (tmp_path / "open").touch()
            wait_published(client, {"first", "second"})
            history = client.get("/artifacts/first").json()["history"]
            assert sum(entry["action"] == "VALIDATE" for entry in history) == 1
    finally:
        server.kill()
    assert verify(server.data)["differences"] == []


def test_inspections_that_hang_keep_nobody_from_publishing(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", {"ENTREPOT_PUBLISH_WAIT_SECONDS": "1"}, program=(str(_SCRIPT),))
    server.start()
    try:
        with server.client() as client:
            for number in range(12):
                name = f"package-{number}"
                assert client.post("/upload/", files={"file": (f"{name}.deb", build_deb(name))}).status_code == 202
            wait_for(tmp_path, 4)
            answer = client.post("/distributions/init", json={"codename": "meanwhile", "format": "deb"}, timeout=30)
            assert answer.status_code == 201, answer.text
            assert client.get("/apt/main/dists/meanwhile/InRelease").status_code == 200
            (tmp_path / "open").touch()
            wait_published(client, {f"package-{number}" for number in range(12)})
    finally:
        server.kill()
