"""The scanner dies, hangs, talks nonsense: nothing is published unscanned, and nothing is lost."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from entrepot.adapters.antivirus.base import ScanResult
from entrepot.adapters.antivirus.clamd import Clamd
from entrepot.testing.clamd import EICAR, NAME, ClamdServer, find_clamd
from entrepot.testing.corpora import require_shared
from entrepot.testing.ledger import published_packages
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server, running_server

pytestmark = pytest.mark.xdist_group("clamd")

_PATIENCE_SECONDS = 60


@pytest.fixture
def clamd(tmp_path: Path) -> Iterator[ClamdServer]:
    program = find_clamd()
    if program is None:
        pytest.skip("CLAMD IS NOT INSTALLED (Debian: clamav-daemon); every test with it is skipped")
    server = ClamdServer(program, tmp_path / "av")
    server.start()
    try:
        yield server
    finally:
        server.resume()
        server.kill()


def upload(client: httpx2.Client, name: str, content: bytes = b"fine\n") -> tuple[int, dict[str, Any]]:
    data = build_deb(name, files={f"usr/share/{name}": content})
    answer = client.post("/upload/", files={"file": (f"{name}.deb", data)}, data={"distribution": "jammy"})
    return answer.status_code, answer.json()


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def verdicts(client: httpx2.Client, name: str) -> list[tuple[str, str]]:
    """Result, and what the scan said, of every verdict that was recorded."""
    found = client.get("/artifacts/audit/logs", params={"package": name, "action": "VALIDATE"}).json()["items"]
    return [(entry["result"], entry["detail"]["checks"]["antivirus"]) for entry in found]


def names(client: httpx2.Client) -> set[str]:
    return set(published_packages(client, "jammy"))


def test_a_scanner_that_dies_is_waited_for(clamd: ClamdServer, tmp_path: Path) -> None:
    with running_server(tmp_path, ENTREPOT_CLAMD=clamd.address) as server, server.client() as client:
        status, body = upload(client, "before")
        assert (status, body["status"], body["pipeline"]["antivirus"]) == (201, "published", "clean")
        status, body = upload(client, "ill", EICAR)
        assert (status, body["status"], body["pipeline"]["antivirus"]) == (422, "quarantined", "infected")
        assert NAME in body["message"]
        health = client.get("/health").json()
        assert (health["components"]["clamav"], health["status"]) == ("ok", "ok")

        clamd.kill()
        for number in range(6):
            status, body = upload(client, f"waits-{number}")
            assert (status, body["pipeline"]["antivirus"], body["indexed"]) == (202, "pending", False)
        upload(client, "ill-too", EICAR)
        until(lambda: client.get("/health").json()["components"]["clamav"] == "error", "health does not tell")
        assert client.get("/health").status_code == 200
        assert names(client) == {"before"}

        clamd.start()
        wanted = {"before", *(f"waits-{number}" for number in range(6))}
        until(lambda: names(client) == wanted, "what waited is not published")
        [(result, scan)] = verdicts(client, "ill-too")
        assert (result, scan.split(":")[0]) == ("BLOCKED", "findings")


def test_what_waits_for_the_scanner_survives_a_restart(clamd: ClamdServer, tmp_path: Path) -> None:
    clamd.kill()
    server = Server(tmp_path / "data", {"ENTREPOT_CLAMD": clamd.address})
    server.start()
    try:
        with server.client() as client:
            assert upload(client, "first")[0] == 202
            headers = client.headers
        server.kill()
        clamd.start()
        server.start()
        with httpx2.Client(base_url=server.url, headers=headers, timeout=30) as client:
            until(lambda: names(client) == {"first"}, "what waited is not published")
            assert verdicts(client, "first")[0][1].startswith("clean: nothing found")
    finally:
        server.kill()


def test_a_scanner_that_dies_in_the_middle_is_asked_again(clamd: ClamdServer, tmp_path: Path) -> None:
    settings = {"ENTREPOT_CLAMD": clamd.address, "ENTREPOT_CLAMD_ANSWER_SECONDS": "3"}
    with running_server(tmp_path, **settings) as server, server.client() as client:
        clamd.pause()  # the connection stands, nobody answers
        assert upload(client, "cut")[0] == 202
        clamd.kill()
        assert names(client) == set()
        clamd.start()
        until(lambda: names(client) == {"cut"}, "what was cut off is not published")


class FakeClamd:
    """One that misbehaves as it is told to."""

    def __init__(self, folder: Path) -> None:
        self._mode = folder / "mode"
        self.address = f"unix:{folder}/fake.ctl"
        self.command = [
            sys.executable, str(require_shared("hostile", "fake_clamd.py")),
            "--socket", f"{folder}/fake.ctl", "--control", str(self._mode),
        ]  # fmt: skip

    def be(self, mode: str) -> None:
        self._mode.write_text(mode, encoding="ascii")


@contextlib.contextmanager
def fake_clamd(folder: Path) -> Iterator[FakeClamd]:
    fake = FakeClamd(folder)
    fake.be("ok")
    process = subprocess.Popen(fake.command)
    try:
        until((folder / "fake.ctl").exists, "the fake does not start")
        yield fake
    finally:
        process.kill()
        process.wait()


def test_a_scan_that_is_never_finished_is_held_in_the_end(tmp_path: Path) -> None:
    settings = {"ENTREPOT_CLAMD_ANSWER_SECONDS": "1", "ENTREPOT_PUBLISH_WAIT_SECONDS": "5"}
    with (
        fake_clamd(tmp_path) as fake,
        running_server(tmp_path, ENTREPOT_CLAMD=fake.address, **settings) as server,
        server.client() as client,
    ):
        assert upload(client, "fine")[1]["pipeline"]["antivirus"] == "clean"
        fake.be("hang")
        status, body = upload(client, "unfinished")
        assert (status, body["pipeline"]["antivirus"], body["indexed"]) == (202, "pending", False)
        until(lambda: "unfinished" in held(client), "no verdict")
        assert names(client) == {"fine"}
        fake.be("refuse")
        assert upload(client, "waits")[0] == 202
        fake.be("ok")
        until(lambda: names(client) == {"fine", "waits"}, "what waited is not published")
        assert held(client) == {"unfinished"}


@pytest.mark.parametrize("mode", ["close", "refuse", "rubbish", "empty", "error", "half", "limit"])
def test_an_answer_that_is_none_is_not_clean(tmp_path: Path, mode: str) -> None:
    with fake_clamd(tmp_path) as fake:
        fake.be(mode)
        with Clamd(fake.address, 5).stream() as stream:
            for _ in range(20):
                stream.write(bytes(1 << 20))
            assert stream.finish().result in (ScanResult.FAILED, ScanResult.LIMIT)


def held(client: httpx2.Client) -> set[str]:
    queue = client.get("/security/review-queue", params={"per_page": 50}).json()["packages"]["items"]
    return {str(row["name"]) for row in queue}
