"""A server that is killed again and again, and what has to be true of it afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from entrepot.adapters.storage.filesystem import locked_folder
from entrepot.testing.ledger import Ledger
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server

_PATIENCE_SECONDS = 120


class Victim:
    """A server with a ledger and one session that outlives it: the secret is kept with the data."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.server = Server(folder / "data", environment)
        self.server.start()
        self.ledger = Ledger(folder / "ledger.jsonl")
        self._headers = {"Authorization": f"Bearer {self.server.token()}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.kill()

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.server.url, headers=self._headers, timeout=60)

    def pid(self) -> int:
        assert self.server.process is not None
        return self.server.process.pid

    def restart(self) -> None:
        self.server.kill()
        self.server.start()

    def staging(self) -> list[str]:
        return leftovers(self.server.data / "blobs" / "staging")

    def check(self, *, fetch: bool = False) -> None:
        """Right after a start: everything acknowledged is in the index, nothing else is, and nothing is left over."""
        found = self.staging()
        assert found == [], found
        with self.client() as client:
            assert self.ledger.differences(client, fetch=fetch) == []

    def retry(self) -> None:
        """Whoever got no answer to an upload asks again and is served, whatever had happened."""
        with self.client() as client:
            for entry in self.ledger.unsure():
                if entry.distribution == "jammy":
                    data = package(entry.name)
                    assert hashlib.sha256(data).hexdigest() == entry.sha256
                    assert self.ledger.push(client, entry.name, data) in (200, 201)

    def stop_and_verify(self) -> dict[str, Any]:
        """The report of the program's own walk over everything stored."""
        self.server.stop()
        return verify(self.server.data)


def leftovers(staging: Path) -> list[str]:
    """Unfinished files whose writer is dead; a living one holds a lock on its file."""
    found = []
    with locked_folder(staging, fcntl.LOCK_EX):
        paths = list(staging.iterdir())
    for path in paths:
        with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("rb") as staged:
            fcntl.flock(staged, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists():
                found.append(path.name)
    return found


def package(name: str) -> bytes:
    return build_deb(name)


def verify(data: Path) -> dict[str, Any]:
    """``entrepot verify`` as an administrator runs it."""
    command = [sys.executable, "-m", "entrepot", "verify", "--json", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == bool(report["differences"])
    return report


class Crowd:
    """Clients that upload, remove and promote as fast as they are answered, until their server is gone."""

    def __init__(self, victim: Victim, prefix: str, count: int = 4) -> None:
        self._victim = victim
        self._before = victim.ledger.acknowledged()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(f"{prefix}-{number}",)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, prefix: str) -> None:
        ledger, number = self._victim.ledger, 0
        with self._victim.client() as client:
            while not self._ended.is_set():
                number += 1
                name = f"{prefix}-{number}"
                if ledger.push(client, name, package(name)) not in (200, 201):
                    return
                if number % 4 == 0:
                    ledger.promote(client, name, "jammy", "noble")
                if number % 5 == 0:
                    ledger.delete(client, name)

    def wait_acknowledged(self) -> None:
        """Until something was answered as done since the beginning."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._victim.ledger.acknowledged() == self._before:
            assert time.monotonic() < deadline, "nothing is acknowledged"
            time.sleep(0.01)

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
