"""Servers and workers on one PostgreSQL database: workers die, the database restarts, nothing is lost or doubled."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.fault.installations import Installation, installed

from entrepot.testing.packages import build_deb
from entrepot.testing.postgres import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture
def installation(postgres: PostgresServer, tmp_path: Path) -> Iterator[Installation]:
    with installed(postgres, tmp_path) as found:
        yield found


class Uploaders:
    """Send package after package; each is sent again until it is in, whatever was answered before."""

    def __init__(self, installation: Installation, count: int = 3) -> None:
        self._installation = installation
        self._ended = threading.Event()
        self.statuses: list[int | None] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, worker: int) -> None:
        with self._installation.client() as client:
            for number in itertools.count():
                if self._ended.is_set():
                    return
                self._insist(client, f"package-{worker}-{number}")

    def _insist(self, client: httpx2.Client, name: str) -> None:
        for _ in range(200):
            status = self._installation.ledger.push(client, name, build_deb(name))
            self.statuses.append(status)
            if status in (200, 201):
                return
            time.sleep(0.2)
        raise AssertionError(f"{name} was never taken: {self.statuses[-5:]}")

    @contextlib.contextmanager
    def running(self) -> Iterator[Uploaders]:
        try:
            yield self
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join()


def test_a_worker_publishes_what_a_server_without_one_took(installation: Installation) -> None:
    installation.add_worker("first")
    with installation.client() as client:
        assert installation.ledger.push(client, "hello", build_deb("hello")) == 201
    installation.check()
    installation.verify()


def test_when_a_worker_is_killed_the_other_goes_on_and_uploads_do_not_notice(installation: Installation) -> None:
    installation.add_worker("first")
    installation.add_worker("second")
    with Uploaders(installation).running() as uploaders:
        for name in ("first", "second"):
            time.sleep(2)
            installation.kill_worker(name)
            time.sleep(3)
            installation.add_worker(name)
        time.sleep(1)
    assert set(uploaders.statuses) <= {200, 201}, uploaders.statuses
    installation.check()
    installation.verify()


def test_two_workers_publish_at_once_and_nothing_is_lost(installation: Installation) -> None:
    installation.add_worker("first")
    installation.add_worker("second")
    with Uploaders(installation, 6).running() as uploaders:
        time.sleep(6)
    assert set(uploaders.statuses) == {201}
    installation.check()
    installation.verify()


def test_a_database_that_restarts_costs_only_503s(installation: Installation, postgres: PostgresServer) -> None:
    installation.add_worker("first")
    with Uploaders(installation).running() as uploaders:
        for _ in range(4):
            time.sleep(1)
            postgres.stop("immediate")
            postgres.start()
        time.sleep(1)
    assert set(uploaders.statuses) <= {200, 201, 202, 503}, sorted(set(uploaders.statuses), key=str)
    installation.check()
    with installation.client() as client:
        for entry in installation.ledger.entries():
            history = client.get(f"/artifacts/{entry.name}").json()["history"]
            assert sum((row["action"], row["result"]) == ("UPLOAD", "SUCCESS") for row in history) == 1, entry.name
    installation.verify()


def test_what_was_served_before_is_served_while_the_database_is_down(
    installation: Installation, postgres: PostgresServer
) -> None:
    installation.add_worker("first")
    paths = ["dists/jammy/InRelease", "dists/jammy/main/binary-amd64/Packages", "pool/main/h/hello/hello_1.0_all.deb"]
    with installation.client() as client:
        assert installation.ledger.push(client, "hello", build_deb("hello")) == 201
        before = {path: client.get(f"/apt/main/{path}").content for path in paths}
        postgres.stop("immediate")
        try:
            for path in paths:
                answer = client.get(f"/apt/main/{path}")
                assert (answer.status_code, answer.content == before[path]) == (200, True), path
            refused = client.post("/upload/", files={"file": ("other.deb", build_deb("other"))})
            assert refused.status_code == 503
            assert refused.headers["retry-after"]
            assert client.get("/health/live").status_code == 200
            assert client.get("/health/ready").status_code == 503
        finally:
            postgres.start()
        assert installation.ledger.push(client, "other", build_deb("other")) == 201
    installation.check()
