"""Synchronisations, mirrors and imports at once: servers die and lines break at random moments, and all of it comes."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from tests.fault.bringing import bringing

from entrepot.testing.clients import missing_programs

pytestmark = pytest.mark.skipif(bool(missing_programs("apt-ftparchive")), reason="APT-UTILS ARE NOT INSTALLED HERE")

# A long run: ENTREPOT_KILL_SEEDS=50 gives 200 kills.
SEEDS = int(os.environ.get("ENTREPOT_KILL_SEEDS", "1"))
KILLS = 4
WITHIN_SECONDS = 1.5
MOST_BYTES = 512 << 20
# A file that was on its way when its reader was killed may have left before; each line carries one at a time.
LINES = 4


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_what_is_killed_at_random_moments_goes_on_by_itself(seed: int, tmp_path: Path) -> None:
    moments = random.Random(seed)
    with bringing(tmp_path) as scene:
        scene.upstream.manners.wait_seconds = 0.15
        scene.upstream.manners.bytes_per_second = 2 << 20
        scene.begin()
        for _ in range(KILLS):
            time.sleep(moments.uniform(0, WITHIN_SECONDS))
            scene.server.kill()
            scene.server.start()
            scene.look()
        jobs = scene.ended()
        scene.check_end(jobs, "2")
        book = scene.upstream.book
        assert len(book.twice("many/pool")) <= KILLS * LINES, book.twice()
        assert len(book.twice("chain/pool")) <= KILLS, book.twice()
        assert book.whole["dists/wide/main/binary-amd64/Packages"] <= 2, book.twice()
        assert scene.peak_bytes() < MOST_BYTES
        scene.verify()


def test_lines_that_break_anywhere_cost_nothing_but_time(tmp_path: Path) -> None:
    with bringing(tmp_path) as scene:
        scene.upstream.manners.cut_one_of = 3
        scene.begin()
        jobs = scene.ended()
        scene.check_end(jobs, "2")
        book = scene.upstream.book
        assert sum(book.cut.values()) > 20
        assert book.twice() == {}


def test_what_is_cancelled_ends_and_the_next_goes_on(tmp_path: Path) -> None:
    moments = random.Random(3)
    with bringing(tmp_path) as scene:
        scene.upstream.manners.wait_seconds = 0.6
        scene.upstream.manners.bytes_per_second = 20 << 10
        for way in ("api", "command", "own"):
            scene.begin()
            time.sleep(moments.uniform(0.3, 1.5))
            for kind, job in scene.jobs.items():
                scene.cancel(kind, job, way)
            jobs = scene.ended()
            assert {job["status"] for job in jobs.values()} == {"cancelled"}, jobs
            scene.look()
            rows = {row["version"] for row in scene.search("listed-1")}
            assert rows == {"1"}
        scene.upstream.manners.bytes_per_second = 0
        scene.begin()
        scene.check_end(scene.ended(), "2")
        book = scene.upstream.book
        assert len([path for path in book.twice() if "pool/" in path]) <= 3 * (LINES + 1), book.twice()
        assert book.whole["dists/wide/main/binary-amd64/Packages"] == 1
        scene.verify()


def test_an_upstream_that_is_away_is_named_and_the_next_run_goes_on(tmp_path: Path) -> None:
    with bringing(tmp_path) as scene:
        scene.upstream.manners.wait_seconds = 0.1
        scene.upstream.manners.bytes_per_second = 1 << 20
        scene.begin()
        time.sleep(1.2)
        scene.upstream.manners.away = True
        jobs = scene.ended()
        assert {jobs[name]["status"] for name in ("sync", "mirror")} == {"error"}, jobs
        for name in ("sync", "mirror"):
            assert jobs[name]["result"]["code"].startswith("upstream."), jobs[name]
        scene.look()
        scene.upstream.manners = type(scene.upstream.manners)()
        scene.begin()
        scene.check_end(scene.ended(), "2")
        assert {path: count for path, count in scene.upstream.book.twice().items() if "pool" in path} == {}


def test_two_synchronisations_of_one_source_do_its_work_once(tmp_path: Path) -> None:
    with bringing(tmp_path) as scene, scene.client() as client:
        scene.upstream.manners.bytes_per_second = 2 << 20
        scene.jobs["one"] = client.post("/import/sync/wide").json()["job_id"]
        for name, body in (("some", {"sources": ["wide", "chain"]}), ("others", {"sources": ["wide", "many"]})):
            scene.jobs[name] = client.post("/import/sync", json=body).json()["job_id"]
        jobs = scene.ended()
        assert {name: job["status"] for name, job in jobs.items()} == dict.fromkeys(jobs, "done"), jobs
        assert {row["version"] for row in scene.search("listed-1")} == {"2"}
        index = "dists/wide/main/binary-amd64/Packages"
        assert (scene.upstream.book.asked[index], scene.upstream.book.whole[index]) == (1, 1)
        found = client.get("/artifacts/audit/logs", params={"action": "SYNC", "per_page": 100}).json()["items"]
        assert [row for row in found if row["result"] == "FAILURE"] == []
