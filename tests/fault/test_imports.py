"""An import whose server is killed in the middle, and repositories whose files are not what their index says."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from entrepot.testing.clients import FolderServer, missing_programs
from entrepot.testing.packages import build_deb
from entrepot.testing.repositories import release_of, write_apt_repository
from entrepot.testing.server import Server

pytestmark = pytest.mark.skipif(bool(missing_programs("apt-ftparchive")), reason="APT-UTILS ARE NOT INSTALLED HERE")


@contextmanager
def importing(folder: Path, packages: Mapping[str, bytes], **source: Any) -> Iterator[tuple[Server, FolderServer]]:
    """A server that has looked at a repository without any signature, as an administrator may allow."""
    write_apt_repository(folder / "upstream", packages, datetime.now(UTC), suite="jammy")
    with FolderServer(folder / "upstream") as upstream:
        server = Server(folder / "data", {"ENTREPOT_UPSTREAM_INSIDE": upstream.url.partition("//")[2]})
        server.start()
        try:
            about = {"name": "plain", "type": "apt", "url": upstream.url, "distribution": "jammy"}
            with server.client() as client:
                answer = client.post("/import/sources", json={**about, "allow_unsigned": True, **source})
                assert answer.status_code == 201, answer.text
                with client.stream("POST", "/import/sources/plain/sync") as events:
                    assert '"status": "done"' in events.read().decode()
            yield server, upstream
        finally:
            server.kill()


def until_done(client: httpx2.Client, count: int) -> dict[str, Any]:
    """The import, once so many of its packages are there, or it has ended."""
    deadline = time.monotonic() + 60
    while True:
        jobs = client.get("/jobs", params={"kind": "import"}).json()["items"]
        if jobs and (jobs[0]["status"] != "running" or jobs[0]["done_count"] >= count):
            found: dict[str, Any] = jobs[0]
            return found
        assert time.monotonic() < deadline, jobs
        time.sleep(0.05)


def test_what_came_before_a_kill_is_not_fetched_again(tmp_path: Path) -> None:
    noise = random.Random(7).randbytes(3 << 20)
    packages = {
        "first_1_amd64.deb": build_deb("first", "1", "amd64"),
        "large_1_amd64.deb": build_deb("large", "1", "amd64", depends="first", files={"usr/share/large": noise}),
    }
    with importing(tmp_path, packages, bytes_per_second=1 << 20) as (server, upstream):
        with server.client() as client:
            head = {"Accept": "text/event-stream"}
            with client.stream("POST", "/import/fetch", json={"name": "large"}, headers=head) as answer:
                assert answer.status_code == 200
                assert until_done(client, 1)["status"] == "running"
                server.kill()
        server.start()
        with server.client() as client:
            job = until_done(client, 1000)
            assert job["status"] == "done", job
            assert {row["name"] for row in job["result"]["imported"]} == {"first", "large"}, job
            names = [row["name"] for row in client.get("/packages/", params={"distribution": "jammy"}).json()["items"]]
            assert sorted(names) == ["first", "large"]
            history = client.get("/artifacts/first").json()["history"]
            assert [row["result"] for row in history if row["action"] == "IMPORT"] == ["SUCCESS"], history
        fetched = [line for line in upstream.requests if "first_1_amd64.deb" in line]
        assert len(fetched) == 1, fetched


def test_a_file_that_is_not_what_the_index_says_does_not_come_in(tmp_path: Path) -> None:
    packages = {f"{name}_1_all.deb": build_deb(name, "1") for name in ("changed", "short", "long", "absent", "good")}
    packages["needs_1_all.deb"] = build_deb("needs", "1", depends="changed, good")
    with importing(tmp_path, packages) as (server, _), server.client() as client:
        pool = tmp_path / "upstream/pool"
        content = packages["changed_1_all.deb"]
        (pool / "changed_1_all.deb").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        (pool / "short_1_all.deb").write_bytes(packages["short_1_all.deb"][:-10])
        (pool / "long_1_all.deb").write_bytes(packages["long_1_all.deb"] + b"more")
        (pool / "absent_1_all.deb").unlink()
        for name in ("changed", "short", "long", "absent"):
            answer = client.post("/import/fetch", json={"name": name})
            assert answer.status_code == 502, (name, answer.text)
            assert answer.json()["error"].startswith("upstream."), answer.text
        body = client.post("/import/fetch", json={"name": "needs"}).json()
        assert body["status"] == "published", body
        assert [row["name"] for row in body["failed"]] == ["changed"], body
        names = {row["name"] for row in client.get("/packages/", params={"distribution": "jammy"}).json()["items"]}
        assert names == {"needs", "good"}
        batch = client.post("/import/batch", json={"packages": ["short", "good"]}).json()
        assert [row["status"] for row in batch["results"]] == ["error", "skipped"], batch
        found = client.get("/artifacts/audit/logs", params={"action": "IMPORT"}).text
        assert "short" in found
        assert "upstream." in found


def test_a_file_that_is_another_package_does_not_come_in(tmp_path: Path) -> None:
    packages = {"claimed_1_all.deb": build_deb("claimed", "1")}
    folder = tmp_path / "upstream"
    with importing(tmp_path, packages) as (server, _), server.client() as client:
        other = build_deb("other", "1")
        (folder / "pool/claimed_1_all.deb").write_bytes(other)
        write_apt_repository(folder, {}, datetime.now(UTC), suite="jammy")
        index = folder / "dists/jammy/main/binary-amd64/Packages"
        index.write_text(index.read_text().replace("Package: other", "Package: claimed"))
        top = folder / "dists/jammy"
        (top / "Release").write_text(release_of(top, datetime.now(UTC), None, ["amd64"]))
        with client.stream("POST", "/import/sources/plain/sync") as events:
            assert '"status": "done"' in events.read().decode()
        answer = client.post("/import/fetch", json={"name": "claimed"})
        assert (answer.status_code, answer.json()["error"]) == (502, "upstream.misnamed"), answer.text
        assert client.get("/packages/").json()["items"] == []
