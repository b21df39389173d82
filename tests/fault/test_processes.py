"""A server of several processes: one works, others answer; whichever is killed, nothing is lost, another follows."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from tests.fault.kills import verify

from entrepot.testing.ledger import Ledger
from entrepot.testing.packages import build_deb
from entrepot.testing.postgres import PostgresServer
from entrepot.testing.server import Server

_PATIENCE_SECONDS = 120
_REMEMBERED_SECONDS = 1.5
"""Each process asks for the settings again after a second."""


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Family:
    """A running server, of which all processes but one answer, and its ledger."""

    def __init__(self, folder: Path, processes: str, **environment: str) -> None:
        self.server = Server(folder / "data", environment, ("--processes", processes))
        self.server.start()
        self.ledger = Ledger(folder / "ledger.jsonl")
        self._headers = {"Authorization": f"Bearer {self.server.token()}"}

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.server.url, headers=self._headers, timeout=120)

    def pids(self, name: str) -> list[int]:
        """Of this process and of those that were before it."""
        found = re.findall(rf"process\.started.*\bname={name} pid=(\d+)", self.server.log.read_text())
        return [int(pid) for pid in found]

    def kill(self, *names: str) -> None:
        """And wait until another is ready in the place of each."""
        before = {name: self._readies(name) for name in names}
        for name in names:
            os.kill(self.pids(name)[-1], signal.SIGKILL)
        for name in names:
            eventually(lambda name=name: self._readies(name) > before[name], f"no {name} follows")  # type: ignore[misc]

    def _readies(self, name: str) -> int:
        return len(re.findall(rf"process\.ready.*\bname={name}\b", self.server.log.read_text()))

    def push(self, name: str) -> None:
        """Again and again, until it is in."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            with self.client() as client:
                if self.ledger.push(client, name, build_deb(name)) in (200, 201):
                    return
            assert time.monotonic() < deadline, f"{name} was never taken"

    @contextmanager
    def crowd(self, prefix: str) -> Iterator[None]:
        """Three who upload one package after the other, all the while."""
        ended = threading.Event()

        def upload(who: int) -> None:
            number = 0
            while not ended.is_set():
                number += 1
                self.push(f"{prefix}-{who}-{number}")
                ended.wait(0.2)

        with ThreadPoolExecutor(3) as pool:
            uploaders = [pool.submit(upload, who) for who in range(3)]
            try:
                yield
            finally:
                ended.set()
            for one in uploaders:
                one.result()

    def check(self) -> None:
        with self.client() as client:
            assert self.ledger.differences(client) == []


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    made = Family(tmp_path_factory.mktemp("family"), "3")
    try:
        yield made
    finally:
        made.server.kill()


def test_each_upload_is_in_the_index_when_it_is_answered_whoever_is_asked(family: Family) -> None:
    def push(number: int) -> bool:
        name = f"parallel-{number}"
        with family.client() as client:
            assert family.ledger.push(client, name, build_deb(name)) == 201
        with family.client() as other:  # a connection of its own, so that any process may answer
            return f"Package: {name}\n" in other.get("/apt/main/dists/jammy/main/binary-amd64/Packages").text

    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(push, range(24)))
    family.check()


def test_others_follow_those_that_are_killed_in_the_middle_of_their_work(family: Family) -> None:
    with family.crowd("killed"):
        done = family.ledger.acknowledged()
        eventually(lambda: family.ledger.acknowledged() > done + 2, "nothing is taken in")
        family.kill("worker", "server-1")
        done = family.ledger.acknowledged()
        eventually(lambda: family.ledger.acknowledged() > done + 2, "nothing is taken in any more")
    family.check()


def test_limits_and_sessions_are_the_same_in_every_process(family: Family) -> None:
    with family.client() as admin:
        assert admin.patch("/settings", json={"rate_limits": {"auth_token": "7/hour"}}).status_code == 200
        time.sleep(_REMEMBERED_SECONDS)

        def sign_in(_number: int) -> int:
            with httpx2.Client(base_url=family.server.url, timeout=120) as client:
                body = {"username": "nobody", "password": "Wrong-password-1"}
                return client.post("/auth/token", json=body).status_code

        with ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(sign_in, range(24)))
        assert admin.patch("/settings", json={"rate_limits": None}).status_code == 200
        assert sorted(set(statuses)) == [401, 429]
        # The session of the administrator took one of the window's places.
        assert statuses.count(401) <= 7
    seen = set()
    for _ in range(20):
        with family.client() as client:
            seen.add(client.get("/auth/me").status_code)
    assert seen == {200}


def test_a_killed_parent_takes_its_family_along_and_nothing_is_lost(family: Family) -> None:
    pids = [family.pids(name)[-1] for name in ("worker", "server-1", "server-2")]
    with family.client() as client:
        assert family.ledger.push(client, "before", build_deb("before")) == 201
    family.server.kill()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "somebody outlives the parent")
    assert verify(family.server.data)["differences"] == []


@pytest.mark.postgres
def test_with_postgresql_as_well_and_all_end_when_they_are_told(postgres: PostgresServer, tmp_path: Path) -> None:
    family = Family(tmp_path, "2", ENTREPOT_DATABASE_URL=postgres.create_database("processes"))
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(family.push, [f"package-{number}" for number in range(8)]))
        family.check()
        pids = [family.pids(name)[-1] for name in ("worker", "server-1")]
        assert family.server.stop() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
        assert "process.died" not in family.server.log.read_text()
    finally:
        family.server.kill()
