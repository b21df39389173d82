"""Everything that is brought from a repository of somebody else at once: its list, a mirror of it, and packages."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from tests.fault.kills import verify
from tests.fault.upstreams import Upstream

from entrepot.testing.packages import build_deb
from entrepot.testing.repositories import release_of, write_apt_repository
from entrepot.testing.server import Server

LISTED, MIRRORED, NEEDED = 12_000, 90, 12
_UNTIL_SECONDS = 150
_STANZA = """Package: listed-{number}
Version: {version}
Architecture: all
Maintainer: Nobody <nobody@example.org>
Depends: listed-{other}
Filename: pool/listed-{number}_{version}_all.deb
Size: 1000
SHA256: {digest}
Description: number {number}
 {digest}{digest}

"""


def write_list(folder: Path, version: str, minutes: int) -> None:
    """A suite with thousands of packages that nobody ever fetches."""
    top = folder / "dists/wide"
    index = top / "main/binary-amd64/Packages"
    index.parent.mkdir(parents=True, exist_ok=True)
    stanzas = (
        _STANZA.format(
            number=number,
            other=number // 2,
            version=version,
            digest=hashlib.sha256(f"{number} {version}".encode()).hexdigest(),
        )
        for number in range(LISTED)
    )
    index.write_text("".join(stanzas))
    date = datetime(2026, 1, 1, 0, minutes, tzinfo=UTC)
    (top / "Release").write_text(release_of(top, date, None, ["amd64"]))


def write_packages(folder: Path) -> None:
    """A suite to be mirrored whole, and one whose packages need each other."""
    many = {f"many{number}_1_all.deb": build_deb(f"many{number}", "1") for number in range(MIRRORED)}
    write_apt_repository(folder / "many", many, datetime(2026, 1, 1, tzinfo=UTC))
    chain = {
        f"chain{number}_1_all.deb": build_deb(
            f"chain{number}", "1", depends=f"chain{number + 1}" if number + 1 < NEEDED else ""
        )
        for number in range(NEEDED)
    }
    write_apt_repository(folder / "chain", chain, datetime(2026, 1, 1, tzinfo=UTC), suite="jammy")


@dataclass(slots=True)
class Bringing:
    """A server, its upstream, and the three jobs."""

    server: Server
    upstream: Upstream
    headers: dict[str, str]
    jobs: dict[str, str]

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.server.url, headers=self.headers, timeout=60)

    def add(self) -> None:
        """Three sources, and a mirror."""
        with self.client() as client:
            for name, path, suite in (("wide", "", "wide"), ("many", "/many", "stable"), ("chain", "/chain", "jammy")):
                about = {"name": name, "type": "apt", "url": self.upstream.url + path, "distribution": suite}
                answer = client.post("/import/sources", json={**about, "allow_unsigned": True})
                assert answer.status_code == 201, answer.text
            answer = client.post("/mirrors", json={"name": "many", "source": "many", "every_hours": 0})
            assert answer.status_code == 201, answer.text
            for name in ("wide", "chain"):
                with client.stream("POST", f"/import/sources/{name}/sync") as events:
                    assert '"status": "done"' in events.read().decode()

    def begin(self) -> None:
        """All of it at once."""
        with self.client() as client:
            self.jobs["sync"] = client.post("/import/sync/wide").json()["job_id"]
            self.jobs["mirror"] = client.post("/mirrors/many/run", json={}).json()["job_id"]
            with client.stream(
                "POST", "/import/fetch", json={"name": "chain0"}, headers={"Accept": "text/event-stream"}
            ) as answer:
                assert answer.status_code == 200
            [job] = client.get("/jobs", params={"kind": "import", "status": "running"}).json()["items"]
            self.jobs["import"] = job["job_id"]

    def states(self, client: httpx2.Client) -> dict[str, dict[str, Any]]:
        return {name: client.get(f"/jobs/{job}").json() for name, job in self.jobs.items()}

    def cancel(self, kind: str, job: str, way: str) -> None:
        """By the route of all jobs, by the one of synchronisations, or by the command."""
        if way == "command":
            token = self.headers["Authorization"].partition(" ")[2]
            environment = {**os.environ, "ENTREPOT_URL": self.server.url, "ENTREPOT_TOKEN": token}
            command = [sys.executable, "-m", "entrepot", "job", "cancel", job]
            subprocess.run(command, env=environment, check=True, capture_output=True)
            return
        family = "/import/sync/jobs" if (kind, way) == ("sync", "own") else "/jobs"
        with self.client() as client:
            answer = client.post(f"{family}/{job}/cancel")
            assert answer.status_code == 200, answer.text

    def search(self, text: str) -> list[dict[str, Any]]:
        with self.client() as client:
            answer = client.get("/import/search", params={"q": text, "limit": 100})
            found: list[dict[str, Any]] = answer.json()["results"]
            return found

    def ended(self) -> dict[str, dict[str, Any]]:
        """All of them; nobody does anything for that."""
        deadline = time.monotonic() + _UNTIL_SECONDS
        with self.client() as client:
            while True:
                found = self.states(client)
                if all(job["status"] != "running" for job in found.values()):
                    return found
                assert time.monotonic() < deadline, found
                time.sleep(0.1)

    def look(self) -> None:
        """Whatever can be seen is whole."""
        with self.client() as client:
            rows = client.get("/import/search", params={"q": "listed-1", "limit": 100}).json()["results"]
            assert len({row["version"] for row in rows}) == 1, rows
            release = client.get("/apt/many/dists/stable/Release")
            if release.status_code == 200:
                self._look_through(client, release.text)
            self._look_at_packages(client)

    def _look_through(self, client: httpx2.Client, release: str) -> None:
        for digest, size, path in re.findall(r"^ ([0-9a-f]{64}) ([0-9]+) (\S+)$", release, re.MULTILINE):
            index = client.get(f"/apt/many/dists/stable/{path}").content
            assert (hashlib.sha256(index).hexdigest(), len(index)) == (digest, int(size)), path
            for name in re.findall(r"^Filename: (\S+)$", index.decode(), re.MULTILINE):
                assert client.head(f"/apt/many/{name}").status_code == 200, name

    def _look_at_packages(self, client: httpx2.Client) -> None:
        """What the index of the suite lists can be fetched, and is what it says."""
        index = client.get("/apt/main/dists/jammy/main/binary-amd64/Packages").text
        for stanza in index.split("\n\n"):
            fields = dict(re.findall(r"^(Filename|SHA256): (\S+)$", stanza, re.MULTILINE))
            if fields:
                body = client.get(f"/apt/main/{fields['Filename']}").content
                assert hashlib.sha256(body).hexdigest() == fields["SHA256"], fields

    def check_end(self, jobs: Mapping[str, Mapping[str, Any]], version: str) -> None:
        """Everything came."""
        assert {name: job["status"] for name, job in jobs.items()} == dict.fromkeys(jobs, "done"), jobs
        with self.client() as client:
            rows = client.get("/import/search", params={"q": "listed-1", "limit": 100}).json()["results"]
            assert {row["version"] for row in rows} == {version}
            status = {row["source_id"]: row for row in client.get("/import/sync-status").json()["sources"]}
            assert status["wide"]["pkg_count"] == LISTED
            assert client.get("/mirrors/many").json()["files"] == MIRRORED
            shares = jobs["import"]["result"]
            assert len(shares["imported"]) + len(shares["skipped"]) == NEEDED, shares
            assert shares["failed"] == []
            page = client.get("/packages/", params={"distribution": "jammy", "per_page": 200}).json()
            assert page["total"] == NEEDED, page
        self.look()

    def peak_bytes(self) -> int:
        """The most memory that the server ever had."""
        assert self.server.process is not None
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+([0-9]+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) << 10

    def verify(self) -> None:
        self.server.stop()
        assert verify(self.server.data)["differences"] == []


@contextmanager
def upstream_of(folder: Path) -> Iterator[Upstream]:
    """A list of version 1, packages to be mirrored, and packages that need each other."""
    write_list(folder, "1", 1)
    write_packages(folder)
    with Upstream(folder) as upstream:
        yield upstream


def prepared(server: Server, upstream: Upstream) -> Bringing:
    """Everything is there, and nothing has begun; the list is another one now."""
    found = Bringing(server, upstream, {"Authorization": f"Bearer {server.token()}"}, {})
    found.add()
    write_list(upstream.folder, "2", 2)
    upstream.book.clear()
    return found


@contextmanager
def bringing(folder: Path) -> Iterator[Bringing]:
    """One server that does everything."""
    with upstream_of(folder / "upstream") as upstream:
        server = Server(folder / "data", {"ENTREPOT_UPSTREAM_INSIDE": upstream.inside})
        server.start()
        try:
            yield prepared(server, upstream)
        finally:
            server.kill()
