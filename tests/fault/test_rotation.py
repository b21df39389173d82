"""A rotation of keys that is cut off, and one that a worker elsewhere has to follow."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest

from entrepot.adapters.signing import verification
from entrepot.adapters.signing.armor import Block, armor, dearmor
from entrepot.adapters.signing.packets import Tag, read_packets
from entrepot.errors import BadSignature
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.postgres import PostgresServer
from entrepot.testing.server import Server

_PATIENCE_SECONDS = 60


def certificates(armored: bytes) -> list[bytes]:
    """Each by itself."""
    found: list[bytes] = []
    for one in read_packets(dearmor(Block.PUBLIC_KEY, armored)):
        if one.tag == Tag.PUBLIC_KEY:
            found.append(b"")
        found[-1] += one.raw
    return [armor(Block.PUBLIC_KEY, one) for one in found]


def signers(maintainer: Maintainer, suite: str = "bookworm") -> tuple[int, int]:
    """How many keys are given out, and how many of them signed what is served: none while nothing is published yet."""
    given = certificates(maintainer.file("/apt/main/key.asc"))
    answer = maintainer.client.get(f"/apt/main/dists/{suite}/InRelease")
    if answer.status_code == 404:
        return len(given), 0
    text = answer.content
    count = 0
    for one in given:
        with contextlib.suppress(BadSignature):
            verification.verify_clearsigned(one, text)
            count += 1
    return len(given), count


def settled(maintainer: Maintainer, wanted: tuple[int, int]) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while signers(maintainer) != wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def retire(client: httpx2.Client) -> int:
    """The status, once no suite lags behind any more: until then retiring is refused."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        status = client.post("/settings/gpg/retire", json={"force": True}).status_code
        if status != 409 or time.monotonic() > deadline:
            return status
        time.sleep(0.2)


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.1, 0.4])
def test_a_rotation_that_was_killed_goes_on(tmp_path: Path, delay: float) -> None:
    server = Server(tmp_path / "data")
    server.start()
    try:
        with server.client() as client:
            maintainer = Maintainer(client)
            assert settled(maintainer, (1, 1))

            def ask() -> None:
                with contextlib.suppress(httpx2.HTTPError):
                    client.post("/settings/gpg/generate", json={})

            asking = threading.Thread(target=ask)
            asking.start()
            time.sleep(delay)
            server.kill()
            asking.join()
        server.start()
        with server.client() as client:
            maintainer = Maintainer(client)
            given, signed = signers(maintainer)
            assert signed >= 1, "whatever is given out verifies what is served"
            # Asked again, it ends; archives that were reached are left alone.
            assert client.post("/settings/gpg/generate", json={}).status_code in {200, 409}
            assert given in {1, 2}
            assert settled(maintainer, (2, 2))
            assert len(certificates(maintainer.file("/rpm/main/key.asc"))) == 2
            assert retire(client) == 200
            assert settled(maintainer, (1, 1))
    finally:
        server.stop()


@pytest.mark.postgres
def test_a_worker_elsewhere_signs_with_the_new_key(tmp_path: Path, postgres: PostgresServer) -> None:
    shared = {"ENTREPOT_DATABASE_URL": postgres.create_database(f"rotation_{os.getpid()}")}
    server = Server(tmp_path / "data", shared, ("--no-worker",))
    server.start()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    worker = subprocess.Popen(
        [sys.executable, "-m", "entrepot", "worker", "--data", str(tmp_path / "data")],
        env=environment | shared | {"ENTREPOT_NODE": "worker"},
        stderr=subprocess.DEVNULL,
    )
    try:
        with server.client() as client:
            maintainer = Maintainer(client)
            client.post("/distributions/init", json={"codename": "bookworm"})
            assert settled(maintainer, (1, 1))
            assert client.post("/settings/gpg/generate", json={}).status_code == 200
            assert signers(maintainer) == (2, 2)
            assert retire(client) == 200
            assert signers(maintainer) == (1, 1)
    finally:
        worker.terminate()
        worker.wait(timeout=30)
        server.stop()
