"""Mirrors by their sources, and the plan by which they run: the routes that other programs know (contract 4.5)."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from entrepot.domain.model.configuration import Mirror
from entrepot.domain.policy.schedule import next_run
from entrepot.testing.clients import missing_programs
from entrepot.testing.clients.serving import FolderServer
from entrepot.testing.packages import build_deb
from entrepot.testing.repositories import write_apt_repository
from entrepot.testing.server import running_server

pytestmark = [
    pytest.mark.xdist_group("import-mirrors"),
    pytest.mark.skipif(bool(missing_programs("apt-ftparchive")), reason="APT-UTILS ARE NOT INSTALLED HERE"),
]


@dataclass(frozen=True, slots=True)
class Scene:
    """Somebody's repository, and a server that may mirror it."""

    client: httpx2.Client
    upstream: FolderServer


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("upstream")
    write_apt_repository(folder, {"one_1_all.deb": build_deb("one", "1")}, datetime.now(UTC), suite="plain")
    with (
        FolderServer(folder) as upstream,
        running_server(
            tmp_path_factory.mktemp("here"), ENTREPOT_UPSTREAM_INSIDE=upstream.url.partition("//")[2]
        ) as server,
        server.client() as found,
    ):
        about = {"name": "vendor", "type": "apt", "url": upstream.url, "distribution": "plain"}
        assert found.post("/import/sources", json={**about, "allow_unsigned": True}).status_code == 201
        yield Scene(found, upstream)


@pytest.fixture
def client(scene: Scene) -> httpx2.Client:
    return scene.client


def ended(client: httpx2.Client, job: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (found := client.get(f"/import/mirror/jobs/{job}").json())["status"] == "running":
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return dict(found)


def test_a_source_is_mirrored_by_its_name(client: httpx2.Client) -> None:
    refused = client.post("/import/mirror/start/vendor")
    assert refused.status_code == 400
    assert "POST /mirrors" in refused.json()["detail"]
    assert client.post("/import/mirror/start/absent").status_code == 404
    mirror = {"name": "vendor", "source": "vendor", "every_hours": 0}
    assert client.post("/mirrors", json=mirror).status_code == 201
    # How much room there is on the machine of a test says nothing.
    assert client.post("/import/mirror/schedule", json={"min_free_disk_gb": 0}).status_code == 200
    begun = client.post("/import/mirror/start/vendor", params={"limit": 10})
    assert begun.status_code == 202
    assert {"job_id", "label", "status", "total", "already_running", "jobs"} <= set(begun.json())
    done = ended(client, begun.json()["job_id"])
    assert (done["status"], done["source_id"], done["distribution"]) == ("done", "vendor", "plain"), done
    counts = [done[f"{name}_count"] for name in ("added", "pending", "blocked", "skipped", "error")]
    assert counts[1:3] == [0, 0]
    assert counts[0] >= 1
    with client.stream("GET", f"/import/mirror/jobs/{done['job_id']}/stream") as events:
        told = [json.loads(line[6:]) for line in events.iter_lines() if line.startswith("data: ")]
    assert told[-1]["status"] == "done"
    [row] = [row for row in client.get("/import/mirror/sources").json()["sources"] if row["id"] == "vendor"]
    assert (row["format"], row["enabled"], row["mirrors"]) == ("deb", False, ["vendor"])
    assert row["last_job"]["job_id"] == done["job_id"]
    assert client.get("/import/mirror/jobs").json()["jobs"][0]["job_id"] == done["job_id"]
    assert client.post(f"/import/mirror/jobs/{done['job_id']}/cancel").status_code == 409
    sync = client.post("/import/sync/vendor").json()["job_id"]
    assert client.get(f"/import/mirror/jobs/{sync}").status_code == 404


def test_a_package_of_a_mirror_comes_into_a_suite_without_being_fetched_again(scene: Scene) -> None:
    client = scene.client
    with client.stream("POST", "/import/sources/vendor/sync") as events:
        assert '"status": "done"' in events.read().decode()
    assert client.get("/import/search", params={"q": "one"}).json()["results"][0]["source_id"] == "vendor"
    wanted = {"name": "one", "from_distribution": "vendor/plain", "to_distribution": "jammy"}
    promoted = client.post("/distributions/promote", json=wanted)
    assert (promoted.status_code, "import" in promoted.json()["detail"]) == (404, True), promoted.text
    answer = client.post("/import/fetch", json={"name": "one", "source_id": "vendor", "distribution": "jammy"})
    assert (answer.status_code, answer.json()["status"]) == (201, "published"), answer.text
    assert sum("pool/one" in line for line in scene.upstream.requests) == 1
    assert client.get("/packages/", params={"distribution": "jammy"}).json()["items"][0]["name"] == "one"


def test_a_plan_counts_at_once(client: httpx2.Client) -> None:
    assert client.post("/import/mirror/sources", json={"sources": {"absent": True}}).status_code == 400
    switched = client.post("/import/mirror/sources", json={"sources": {"vendor": True}})
    assert switched.json()["sources"]["vendor"] is True
    plan = {"enabled": True, "hour": 4, "minute": 5, "timezone": "Europe/Paris", "max_runtime_minutes": 30}
    body = client.post("/import/mirror/schedule", json=plan).json()
    assert {name: body[name] for name in plan} == plan
    assert (body["cron"], "sources" in body) == ("5 4 * * *", False)
    assert body["next_run"] == client.get("/import/mirror/schedule").json()["next_run"] is not None
    for wrong in ({"hour": 24}, {"timezone": "Nowhere/Else"}, {"max_runtime_minutes": 0}):
        assert client.post("/import/mirror/schedule", json=wrong).status_code == 400, wrong
    assert client.get("/settings").json()["mirror"]["sources"] == {"vendor": True}


def test_a_run_that_would_fill_the_disk_ends_and_says_so(client: httpx2.Client, tmp_path: Path) -> None:
    more = shutil.disk_usage(tmp_path).free // (1 << 30) + 50
    assert client.post("/import/mirror/schedule", json={"min_free_disk_gb": more}).status_code == 200
    done = ended(client, client.post("/import/mirror/start/vendor").json()["job_id"])
    assert (done["status"], "min_free_disk_gb" in done["error"]) == ("error", True), done
    assert client.get("/apt/vendor/dists/plain/Release").status_code == 200
    assert client.post("/import/mirror/schedule", json={"min_free_disk_gb": 0}).status_code == 200


def test_families_of_sources_are_synchronised(client: httpx2.Client) -> None:
    for source in client.get("/import/sources").json()["sources"]:
        if source["builtin"] and source["enabled"]:
            client.patch("/settings", json={"sources": {source["name"]: False}})
    begun = client.post("/import/sync/start/apt")
    assert (begun.status_code, begun.json()["sources"]) == (202, ["vendor"])
    assert client.post("/import/sync/start/rpm").status_code == 400
    assert client.post("/import/sync/start/vendor").json()["source_id"] == "vendor"
    assert client.post("/import/sync/start").json()["sources"] == ["vendor"]
    assert client.post("/import/sync/start/absent").status_code == 404
    assert client.post("/import/sync-security").status_code == 400
    assert client.patch("/import/sources/vendor", json={"security": True}).status_code == 200
    assert client.post("/import/sync-security").json()["sources"] == ["vendor"]


def test_a_plan_follows_the_clocks_of_its_place() -> None:
    plan = Mirror(enabled=True, hour=2, minute=30, timezone="Europe/Paris")
    before = datetime(2027, 3, 28, 0, 0, tzinfo=UTC)  # the hour from two to three does not exist on this day
    first = next_run(plan, before)
    assert first == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    assert next_run(plan, first) == datetime(2027, 3, 29, 0, 30, tzinfo=UTC)
    autumn = next_run(plan, datetime(2027, 10, 30, 23, 0, tzinfo=UTC))
    assert next_run(plan, autumn) - autumn == timedelta(hours=25)
