"""A server that is killed while everything is compared anew, and when an exception ends: done in the end, and once."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.advisories.osv import read_osv
from entrepot.testing.advisories import affected, osv
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server

JAMMY = "Ubuntu:22.04:LTS"
_PATIENCE_SECONDS = 90
_MANY = 24


def rows(database: Path, query: str, *values: object) -> list[Any]:
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
        found = connection.execute(query, values).fetchall()
        connection.commit()
    return found


def audited(database: Path, action: str) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Result, package and detail."""
    found = rows(database, "SELECT result, package, detail FROM audit WHERE action = ? ORDER BY id", action)
    return [(result, package, json.loads(detail)) for result, package, detail in found]


def until(look: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.002)


def say(database: Path, names: list[str]) -> None:
    """One advisory about each, as an import leaves them."""
    catalog = SqlCatalog(f"sqlite:///{database}")
    records = [
        osv(f"USN-{name}", affected(JAMMY, name), upstream=[f"CVE-2032-{number:04}"])
        for number, name in enumerate(names)
    ]
    try:
        with catalog.write() as unit:
            feed = unit.hold_feed("advisories", FeedKind.OSV)
            unit.put_advisories(feed.id, [(read_osv(record), f"{number:064}") for number, record in enumerate(records)])
        with catalog.write() as unit:
            feed = unit.hold_feed("advisories", FeedKind.OSV)
            count, newest_at, contexts = unit.count_contexts(feed.id)
            now = datetime.now(UTC)
            state = replace(feed, phase=FeedPhase.COMPLETE, count=count, newest_at=newest_at, contexts=contexts)
            unit.note_feed(replace(state, imported_at=now))
    finally:
        catalog.close()


def send(client: httpx2.Client, name: str, **fields: str) -> int:
    return client.post("/upload/", files={"file": (f"{name}.deb", build_deb(name, fields=fields))}).status_code


def test_a_comparison_and_an_exception_that_were_cut_off_are_ended_once(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start()
    database = server.data / "entrepot.db"
    names = [f"tool{number}" for number in range(_MANY)]
    try:
        with server.client() as client:
            # Small turns, so that there is a middle to be killed in.
            client.patch("/settings", json={"cve_rematch": {"max_artifacts_per_run": 3}}).raise_for_status()
            with ThreadPoolExecutor(8) as many:
                assert list(many.map(lambda name: send(client, name), names)) == [201] * _MANY
            assert send(client, "odd", Essential="yes") == 201
            body = {"decision": "exception", "justification": "for a while", "expires_in_days": 1}
            client.post("/security/packages/odd/1.0/decide", json=body).raise_for_status()
            headers = client.headers
        server.stop()

        say(database, names)
        server.start(wait=False)
        compared = "SELECT count(*) FROM scan WHERE rematched_at IS NOT NULL"
        until(lambda: rows(database, compared)[0][0] > 0, "nothing is compared")
        server.kill()
        middle = rows(database, compared)[0][0]
        assert middle < _MANY
        # As if a day had gone by: the database has microseconds.
        rows(database, "UPDATE decision SET expires_at = ?", int((time.time() - 3600) * 1_000_000))
        server.start(wait=False)
        until(lambda: rows(database, compared)[0][0] > middle or audited(database, "SLA_EXPIRED"), "nothing goes on")
        server.kill()
        server.start()
        until(lambda: rows(database, compared)[0][0] >= _MANY, "not all are compared")
        until(lambda: audited(database, "SLA_EXPIRED"), "the exception does not end")

        with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
            for name in names:
                assert client.get(f"/security/packages/{name}/1.0/cve").json()["total"] == 1, name
            until(lambda: "Package: odd\n" not in index(client), "the exception is still in the index")
            assert index(client).count("Package: tool") == _MANY
            queue = client.get("/security/review-queue", params={"q": "odd"}).json()["packages"]["items"]
            assert [row["name"] for row in queue] == ["odd"]
        told = [name for result, name, _ in audited(database, "CVE_REMATCH") if result == "WARNING"]
        assert sorted(str(name) for name in told if name) == sorted(names), "each is told once"
        [(_, package, detail)] = audited(database, "SLA_EXPIRED")
        assert (package, detail["withdrawn"]) == ("odd", True)
    finally:
        server.kill()


def index(client: httpx2.Client) -> str:
    return client.get("/apt/main/dists/jammy/main/binary-amd64/Packages").text
