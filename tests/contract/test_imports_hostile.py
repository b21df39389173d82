"""Imports from repositories that lie about packages, or whose lines are bad: each ends by its name, with nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.outbound.fetching import Fetch, Fetched, Pace, Sink, Watch
from entrepot.adapters.outbound.streaming import HttpFetcher
from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.adapters.storage.memory import MemoryBlobStore
from entrepot.application import Application
from entrepot.domain.model.actor import Role
from entrepot.main import Parts, assemble, start, stop
from entrepot.program.serving import make_front
from entrepot.services.access.first import NewAccount
from entrepot.settings import load_settings
from entrepot.testing.hostile_upstream import HostileUpstream, running_hostile_upstream
from entrepot.testing.memory import ADMIN

PASSWORD = "SecurePass1!"
QUICK = Pace(connect_seconds=2, idle_seconds=3, total_seconds=20, pause_seconds=0.01, longest_pause_seconds=0.05)
DIGEST, PROTOCOL, UNREACHABLE = "upstream.digest", "upstream.protocol", "upstream.unreachable"
STATUS, REDIRECT, FORBIDDEN, LARGE = "upstream.status", "upstream.redirect", "url.forbidden", "upstream.too_large"
TIMEOUT, MISSING = "upstream.timeout", "upstream.missing"

# What is wrong with the package itself: scenario, code.
LIES = {
    **{f"{kind}/package-{lie}": DIGEST for kind in ("apt", "rpm") for lie in ("hash", "short", "long")},
    **{f"{kind}/package-missing": MISSING for kind in ("apt", "rpm")},
    **{f"{kind}/package-other-inside": "upstream.misnamed" for kind in ("apt", "rpm")},
}
# What happens on the way to a package that is good.
LINES = {
    "hang": TIMEOUT, "slow-headers": TIMEOUT, "slow-body:1": TIMEOUT,
    "close": PROTOCOL, "truncate": PROTOCOL, "length-twice": PROTOCOL, "length-and-chunked": PROTOCOL,
    "bad-chunk": PROTOCOL, "chunk-overflow": PROTOCOL, "always-304": PROTOCOL, "range-wrong": PROTOCOL,
    "huge-length": PROTOCOL, "length-short": DIGEST, "html": DIGEST, "encoding-bomb": DIGEST,
    "endless-body": LARGE, "endless-chunks": LARGE, "endless-headers": LARGE,
    "reset": UNREACHABLE, "reset-at:0": UNREACHABLE, "reset-at:1": UNREACHABLE, "reset-at:300": UNREACHABLE,
    "status:500": STATUS, "status:403": STATUS, "status:404": MISSING, "retry-after:120": STATUS,
    "redirect-loop": REDIRECT, "redirect-chain:20": REDIRECT, "redirect-nowhere": REDIRECT,
    **{f"redirect-{way}": FORBIDDEN for way in (
        "canary", "decimal", "mapped", "metadata", "file", "userinfo", "relative")},
}  # fmt: skip
STATUSES = {TIMEOUT: 504}
COMES = ("fail-first:2", "flip-flop")
NAME = "hostile-demo"


class Hurried:
    """The fetcher that everybody has, with less patience."""

    def __init__(self, fetcher: HttpFetcher) -> None:
        self._fetcher = fetcher

    def fetch(self, fetch: Fetch, sink: Sink, watch: Watch | None = None) -> Fetched:
        return self._fetcher.fetch(replace(fetch, pace=QUICK), sink, watch)

    def close(self) -> None:
        self._fetcher.close()


@dataclass
class Desk:
    """An installation, asked over its API."""

    application: Application
    hostile: HostileUpstream
    front: object
    token: str = ""

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        async def send() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=cast("Any", self.front))
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            base = "http://entrepot.example"
            async with httpx2.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
                return await client.request(method, path, **more)

        return asyncio.run(send())

    def add(self, name: str, path: str) -> None:
        """A source that has been looked at."""
        about = {"name": name, "url": f"{self.hostile.url}/{path}", "gpg_key": self.hostile.key()}
        deb = "rpm/" not in path
        more = {"type": "apt", "distribution": "stable"} if deb else {"type": "rpm", "distribution": "almalinux9"}
        answer = self.ask("POST", "/import/sources", json={**about, **more})
        assert answer.status_code == 201, answer.text
        job = self.ask("POST", f"/import/sync/{name}").json()["job_id"]
        deadline = time.monotonic() + 60
        while (found := self.ask("GET", f"/jobs/{job}").json())["status"] == "running":
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        assert found["status"] == "done", found

    def lead(self, name: str, path: str, line: str) -> None:
        """The line to it goes bad."""
        url = f"{self.hostile.url}/net/{line}/{path}"
        assert self.ask("PATCH", f"/import/sources/{name}", json={"url": url}).status_code == 200

    def fetch(self, path: str, **more: Any) -> httpx2.Response:
        distribution = "almalinux9" if "rpm/" in path else "jammy"
        return self.ask("POST", "/import/fetch", json={"name": NAME, "distribution": distribution, **more})

    def names(self) -> list[str]:
        return [row["name"] for row in self.ask("GET", "/packages/").json()["items"]]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileUpstream]:
    folder = tmp_path_factory.mktemp("hostile")
    with running_hostile_upstream(folder, "--max-seconds", "6", "--max-bytes", "32M", "--bomb-size", "64M") as found:
        yield found


@contextmanager
def desk_in(folder: Path, hostile: HostileUpstream) -> Iterator[Desk]:
    """An installation of its own: what came in once is not fetched again."""
    settings = load_settings(
        data=folder, key_algorithm="ed25519",
        rate_limits="all=100000/minute", upstream_inside=hostile.url.partition("//")[2],
    )  # fmt: skip

    def now() -> datetime:
        return datetime.now(UTC)

    catalog, fetcher = SqlCatalog(settings.catalog_url), HttpFetcher()
    with closing(fetcher):
        blobs = MemoryBlobStore(lambda: now().timestamp())
        parts = Parts(catalog, blobs, MemoryKeyring(now), MemoryQueue(), bytes(32), now, fetcher=Hurried(fetcher))
        application = assemble(settings, parts)
        start(application, works=True)
        desk = Desk(application, hostile, make_front(application, settings))
        try:
            application.users.create(ADMIN, NewAccount("boss", PASSWORD, frozenset({Role.ADMIN})))
            body = {"username": "boss", "password": PASSWORD}
            desk.token = desk.ask("POST", "/auth/token", json=body).json()["access_token"]
            yield desk
        finally:
            stop(application)
    assert hostile.canary() == []


@pytest.fixture(scope="module")
def desk(hostile: HostileUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all that never comes in."""
    with desk_in(tmp_path_factory.mktemp("desk"), hostile) as found:
        found.add("bad", "apt/good")
        yield found
        assert found.names() == []


@pytest.mark.parametrize("path", LIES)
def test_a_package_that_is_not_what_the_index_says(desk: Desk, path: str) -> None:
    desk.add(path.replace("/", "-"), path)
    answer = desk.fetch(path, source_id=path.replace("/", "-"))
    assert (answer.status_code, answer.json()["error"]) == (502, LIES[path]), answer.text
    assert answer.json()["detail"]
    log = desk.ask("GET", "/artifacts/audit/logs", params={"action": "IMPORT", "per_page": 1}).json()["items"]
    assert (log[0]["result"], log[0]["package"]) == ("FAILURE", NAME), log


@pytest.mark.parametrize("fault", LINES)
def test_a_line_that_is_bad(desk: Desk, fault: str) -> None:
    desk.lead("bad", "apt/good", fault)
    answer = desk.fetch("apt/good", source_id="bad")
    wanted = (STATUSES.get(LINES[fault], 502), LINES[fault])
    assert (answer.status_code, answer.json()["error"]) == wanted, answer.text


@pytest.mark.parametrize("fault", COMES)
def test_a_line_that_is_bad_for_a_while(hostile: HostileUpstream, tmp_path: Path, fault: str) -> None:
    with desk_in(tmp_path, hostile) as desk:
        desk.add("bad", "apt/good")
        desk.lead("bad", "apt/good", fault)
        assert desk.fetch("apt/good").status_code == 201
        assert desk.names() == [NAME]


def test_of_a_batch_each_is_told_and_those_who_ask_for_the_same_wait(hostile: HostileUpstream, tmp_path: Path) -> None:
    with desk_in(tmp_path, hostile) as desk:
        for name, path in (("good", "apt/good"), ("liar", "apt/package-other-inside"), ("silent", "rpm/good")):
            desk.add(name, path)
        desk.lead("silent", "rpm/good", "hang")
        desk.lead("good", "apt/good", "delay:1")
        hostile.reset()
        wishes: list[dict[str, Any]] = [{}, {}, {"group": "another"}, {"distribution": "focal"}]
        with ThreadPoolExecutor(len(wishes)) as pool:
            answers = list(pool.map(lambda wish: desk.fetch("apt/good", source_id="good", **wish), wishes))
        assert {answer.status_code for answer in answers} <= {200, 201}, [answer.text for answer in answers]
        assert sum("/pool/" in path for path in hostile.asked()) == 1, hostile.asked()
        asked = [
            {"name": NAME, "source_id": "liar", "distribution": "bookworm"},
            {"name": NAME, "source_id": "silent", "distribution": "almalinux9"},
            {"name": NAME, "source_id": "good", "distribution": "noble"},
            {"name": "nobody-has-this", "distribution": "jammy"},
        ]
        body = desk.ask("POST", "/import/batch", json={"packages": asked}).json()
        assert (body["status"], body["imported"], body["failed"]) == ("partial", 1, 3), body
        assert [row["status"] for row in body["results"]] == ["error", "error", "published", "error"]
        assert all(row["message"] for row in body["results"] if row["status"] == "error")
        for distribution, count in (("noble", 1), ("jammy", 1), ("bookworm", 0), ("almalinux9", 0)):
            page = desk.ask("GET", "/packages/", params={"distribution": distribution}).json()
            assert page["total"] == count, page
