"""One PostgreSQL database, a server that does no durable work, and workers that do nothing else."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from entrepot.testing.ledger import Ledger
from entrepot.testing.postgres import PostgresServer
from entrepot.testing.server import Server

_READY_SECONDS = 180
_numbers = itertools.count(1)


@dataclass
class Installation:
    """One server that does no durable work, and workers that do nothing else."""

    server: Server
    environment: dict[str, str]
    ledger: Ledger
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def add_worker(self, name: str) -> None:
        environment = {**os.environ, **self.environment, "ENTREPOT_DATA": str(self.server.data), "ENTREPOT_NODE": name}
        log = self.server.data.parent / f"{name}.log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", "entrepot", "worker"]
            self.workers[name] = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        deadline = time.monotonic() + _READY_SECONDS
        while b"worker.ready" not in log.read_bytes():
            assert self.workers[name].poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def kill_worker(self, name: str) -> None:
        self.workers[name].kill()
        self.workers.pop(name).wait()

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.server.url, headers=self.headers, timeout=60)

    def check(self) -> None:
        with self.client() as client:
            assert self.ledger.differences(client) == []

    def verify(self) -> None:
        """All processes end first."""
        for name in list(self.workers):
            self.kill_worker(name)
        self.server.stop()
        environment = {**os.environ, **self.environment, "ENTREPOT_DATA": str(self.server.data)}
        command = [sys.executable, "-m", "entrepot", "verify"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def installed(postgres: PostgresServer, folder: Path, **more: str) -> Iterator[Installation]:
    """With a database of its own, and without workers yet."""
    environment = {
        "ENTREPOT_DATABASE_URL": postgres.create_database(f"workers_{next(_numbers)}"),
        # A worker's death must not keep an uploader waiting for longer than this.
        "ENTREPOT_PUBLISH_WAIT_SECONDS": "15",
        "ENTREPOT_KEY_ALGORITHM": "ed25519",
        **more,
    }
    server = Server(folder / "data", environment, ("--no-worker",))
    server.start()
    found = Installation(server, environment, Ledger(folder / "ledger.jsonl"))
    found.headers = {"Authorization": f"Bearer {server.token()}"}
    try:
        yield found
    finally:
        for name in list(found.workers):
            found.kill_worker(name)
        server.kill()
