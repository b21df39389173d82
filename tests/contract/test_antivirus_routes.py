"""State and update of the scanner, for those who may; what the other pages say of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from entrepot.testing.clamd import ClamdServer, find_clamd
from entrepot.testing.server import running_server

pytestmark = pytest.mark.xdist_group("clamd")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("av")


@pytest.fixture(scope="module")
def clamd(folder: Path) -> Iterator[ClamdServer]:
    program = find_clamd()
    if program is None:
        pytest.skip("CLAMD IS NOT INSTALLED (Debian: clamav-daemon); every test with it is skipped")
    server = ClamdServer(program, folder / "clamd")
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def freshclam(folder: Path) -> Path:
    """A program in the place of freshclam; it fails once ``broken`` is beside it."""
    program = folder / "freshclam"
    program.write_text(f"#!/bin/sh\nset | grep ENTREPOT\necho looked for news\ntest ! -e {folder}/broken\n")
    program.chmod(0o755)
    return program


@pytest.fixture(scope="module")
def client(clamd: ClamdServer, freshclam: Path, folder: Path) -> Iterator[httpx2.Client]:
    settings = {"ENTREPOT_CLAMD": clamd.address, "ENTREPOT_FRESHCLAM": str(freshclam)}
    with running_server(folder, **settings) as server, server.client() as signed_in:
        yield signed_in


def test_the_state_is_shown(client: httpx2.Client) -> None:
    body = client.get("/security/clamav/status").json()
    assert (body["available"], body["daemon_running"]) == (True, True)
    assert body["version"].startswith("ClamAV ")
    assert client.get("/dashboard/stats").json()["clamav"]["daemon_running"] is True
    health = client.get("/health").json()
    assert health["components"]["clamav"] == "ok"
    assert "ClamAV" in health["checks"]["clamav"]["detail"]


def test_an_update_is_made_and_recorded(client: httpx2.Client, folder: Path) -> None:
    answer = client.post("/security/clamav/update")
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "ok"
    # The program is told nothing of our settings.
    assert answer.json()["output"] == "looked for news\nRELOADING"
    (folder / "broken").touch()
    assert client.post("/security/clamav/update").json()["status"] == "warning"
    entries = client.get("/artifacts/audit/logs", params={"action": "CLAMAV_UPDATE"}).json()["items"]
    assert [entry["result"] for entry in entries] == ["WARNING", "SUCCESS"]


def test_a_scanner_that_is_away_is_told_of(client: httpx2.Client, clamd: ClamdServer) -> None:
    clamd.kill()
    body = client.get("/security/clamav/status").json()
    assert (body["available"], body["daemon_running"], body["version"]) == (True, False, None)
    assert body["detail"]
    assert client.post("/security/clamav/update").status_code == 503
    assert client.get("/health").json()["status"] == "degraded"
