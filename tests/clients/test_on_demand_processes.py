"""A mirror on demand with PostgreSQL, several servers, a worker of its own, and a front server that sends the files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from entrepot.client.api import Client
from entrepot.testing.clients import Hold, missing_programs
from entrepot.testing.mirroring import MirrorScene, mirror_scene
from entrepot.testing.packages import build_deb
from entrepot.testing.postgres import PostgresServer
from entrepot.testing.server import Server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.postgres,
    pytest.mark.skipif(bool(missing_programs("gpg", "apt-ftparchive")), reason="gpg OR apt-ftparchive IS MISSING"),
]


@pytest.fixture
def scene(tmp_path: Path, postgres: PostgresServer) -> Iterator[MirrorScene]:
    shared = {"ENTREPOT_DATABASE_URL": postgres.create_database("on_demand"), "ENTREPOT_ACCEL": "x-accel:/inside"}
    with mirror_scene(tmp_path, "--no-worker", **shared) as made:
        environment = {**os.environ, **made.server.environment, "ENTREPOT_NODE": "worker"}
        command = [sys.executable, "-m", "entrepot", "worker", "--data", str(made.server.data)]
        with (
            (tmp_path / "worker.log").open("wb") as log,
            subprocess.Popen(command, env=environment, stderr=log) as worker,
        ):
            try:
                yield made
            finally:
                worker.terminate()


def test_two_servers_fetch_once_and_then_leave_the_bytes_to_the_front_server(scene: MirrorScene) -> None:
    package = build_deb("d-shared", "1.0", architecture="amd64")
    scene.publish_apt("shared", {"d-shared_1.0_amd64.deb": package})
    done = scene.mirror("shared", download_policy="on_demand")
    assert done["status"] == "done", done
    first = scene.server
    environment = {**first.environment, "ENTREPOT_NODE": "second"}
    second = Server(first.data, environment, ("--no-worker",), first.admin, first.password)
    second.start()
    try:
        held = Hold("/shared/pool/")
        scene.upstream.holds.append(held)
        path = "/apt/shared/pool/d-shared_1.0_amd64.deb"
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(httpx2.get, f"{one.url}{path}", timeout=60) for one in (first, second) * 4]
            assert held.began.wait(60)
            held.release()
            found = [one.result() for one in asked]
        assert all(one.content == package or "x-accel-redirect" in one.headers for one in found)
        assert any(one.content == package for one in found)
        assert len(scene.fetched("/shared/pool/")) == 1
        for one in (first, second):
            later = httpx2.get(f"{one.url}{path}", timeout=60)
            assert (later.content, later.headers["x-accel-redirect"].count("/")) == (b"", 3)
        with Client(second.url, second.token()) as client:
            assert client.mirrors.one("shared")["stored_files"] == 1
    finally:
        second.stop()
