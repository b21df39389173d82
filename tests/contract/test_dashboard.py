"""The dashboard tells what is there and what happened, and invents nothing (contract 4.10, 4.13)."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from tests.contract.people import Office, open_office

from entrepot.testing.debs import build_deb
from entrepot.testing.packages import build_rpm

pytestmark = pytest.mark.xdist_group("dashboard")  # one server for all


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("dashboard")) as found:
        upload(found.admin, build_deb("first"), "first.deb", "jammy")
        upload(found.admin, build_deb("first", "2.0"), "first.deb", "noble")
        upload(found.admin, build_rpm("second"), "second.rpm", "almalinux9")
        held = build_deb("setuid", fields={"Essential": "yes"})
        assert upload(found.admin, held, "setuid.deb", "jammy").json()["status"] == "pending_review"
        assert upload(found.admin, b"no package", "bad.deb", "jammy").status_code == 422
        yield found


def upload(client: httpx2.Client, data: bytes, name: str, distribution: str) -> httpx2.Response:
    return client.post("/upload", files={"file": (name, data)}, data={"distribution": distribution})


@contextlib.contextmanager
def stream(client: httpx2.Client, path: str, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    """Events with their ids, as they come."""

    def events(answer: httpx2.Response) -> Iterator[dict[str, Any]]:
        number: int | None = None
        for line in answer.iter_lines():
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: "):
                yield {"id": number, **json.loads(line[6:])}
            elif not line:
                number = None

    with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")
        yield events(answer)


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_summary(office: Office, prefix: str) -> None:
    body = office.admin.get(f"{prefix}/dashboard/summary").json()
    assert (body["package_count"], body["packages_total"], body["versions_total"]) == (2, 2, 3)
    size = sum(len(one) for one in (build_deb("first"), build_deb("first", "2.0"), build_rpm("second")))
    assert body["total_size_bytes"] == size
    assert (body["pending_reviews"], body["pending_review"], body["quarantined"], body["imports_today"]) == (1, 1, 0, 3)
    assert body["cve_findings"] == {"critical": 0, "high": 0, "medium": 0, "low": 0, "negligible": 0, "total": 0}
    counts = {row["codename"]: row["package_count"] for row in body["distributions"]}
    assert (counts["jammy"], counts["noble"], counts["almalinux9"], counts["focal"]) == (1, 1, 1, 0)
    assert {"timestamp", "action", "user", "package", "version", "result"} <= set(body["recent_activity"][0])
    [alert] = body["alerts"]
    assert (alert["type"], alert["package"]) == ("security", "setuid")
    assert datetime.fromisoformat(body["generated_at"]) > datetime.now(UTC) - timedelta(minutes=5)


def test_stats(office: Office) -> None:
    body = office.admin.get("/dashboard/stats").json()
    assert body["packages"]["total"] == 3
    assert len(body["activity"]) == 7
    today = body["activity"][-1]
    assert (today["date"], today["imports"], today["failures"]) == (datetime.now(UTC).date().isoformat(), 3, 1)
    assert [row["action"] for row in body["recent_imports"]] == ["UPLOAD"] * 5
    assert body["clamav"] == {"available": False, "db_version": None, "db_date": None, "daemon_running": False}
    assert (body["security_posture"]["scanned"], body["security_posture"]["total"]) == (0, 3)
    assert body["security_review"]["pending_review"] == 1
    assert len(body["alerts"]) == 1


def test_history_has_every_day(office: Office) -> None:
    for days in (1, 30, 365):
        body = office.admin.get("/dashboard/history", params={"days": days}).json()
        dates = [row["date"] for row in body["history"]]
        assert (len(dates), body["days"]) == (days, days)
        assert dates == sorted(dates)
        today = {"date": datetime.now(UTC).date().isoformat(), "imports": 3, "failures": 1}
        assert body["history"][-1] == {**today, "decisions": 0, "cve_scans": 0}
    for wrong in ("0", "366", "many"):
        assert office.admin.get("/dashboard/history", params={"days": wrong}).status_code == 422


def test_enriched(office: Office) -> None:
    body = office.admin.get("/dashboard/stats/enriched?trend_windows=7,30&top_limit=2").json()
    assert body["cve_trends"].keys() == {"7", "30"}
    top = body["top_packages"]
    assert top["by_versions"] == [{"name": "first", "versions": 2}, {"name": "second", "versions": 1}]
    assert [row["name"] for row in top["recently_added"]] == ["second", "first"]
    sizes = [row["size_bytes"] for row in top["by_size"]]
    assert (len(sizes), sizes) == (2, sorted(sizes, reverse=True))
    assert body["sla_overdue"] == []
    assert body["summary"]["package_count"] == 2
    for wrong in ("trend_windows=a", "top_limit=0", "top_limit=101"):
        assert office.admin.get(f"/dashboard/stats/enriched?{wrong}").status_code == 422


def test_readers_see_what_is_about_packages_only(office: Office) -> None:
    name = office.hire(role="reader")
    with office.session(name) as reader:
        seen = {row["action"] for row in reader.get("/dashboard/summary").json()["recent_activity"]}
        assert "UPLOAD" in seen
        assert not seen & {"LOGIN", "USER_CREATE"}
        with stream(reader, "/dashboard/events?follow=false", **{"last-event-id": "0"}) as events:
            told = list(events)
    assert "UPLOAD" in {one["data"]["action"] for one in told}
    assert all(one["data"]["package"] for one in told)


def test_an_upload_is_told_as_it_happens(office: Office) -> None:
    with stream(office.admin, "/dashboard/events") as events, office.bearing(office.server.token()) as other:
        upload(other, build_deb("told"), "told.deb", "jammy")
        found = []
        for one in events:
            found.append(one)
            if one["data"]["action"] == "UPLOAD" and one["type"] == "audit_log":
                break
        listed = other.get("/dashboard/events/subscribers").json()
        assert listed["count"] == 1
        assert (listed["items"][0]["username"], listed["items"][0]["kind"]) == ("admin", "events")
    arrived = [one for one in found if one["type"] == "package_upload"]
    assert [(one["data"]["package"], one["id"]) for one in arrived] == [("told", None)]
    deadline = time.monotonic() + 60
    while office.admin.get("/dashboard/events/subscribers").json()["count"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert office.admin.get("/dashboard/events/subscribers").json()["count"] == 0


def test_a_watcher_that_comes_back_goes_on_where_it_was(office: Office) -> None:
    with stream(office.admin, "/dashboard/events?follow=false", **{"last-event-id": "0"}) as events:
        whole = [one["id"] for one in events if one["id"] is not None]
    assert whole == sorted(set(whole))
    middle = whole[len(whole) // 2]
    with stream(office.admin, "/dashboard/events?follow=false", **{"last-event-id": str(middle)}) as events:
        rest = [one["id"] for one in events if one["id"] is not None]
    assert rest[: len(whole)] == [number for number in whole if number > middle]
    assert office.admin.get("/dashboard/events", headers={"last-event-id": "x"}).status_code == 422


def test_one_person_has_a_bounded_number_of_streams(office: Office) -> None:
    with contextlib.ExitStack() as open_ones:
        for _ in range(10):
            open_ones.enter_context(stream(office.admin, "/dashboard/events"))
        refused = office.admin.get("/dashboard/events?follow=false")
    assert (refused.status_code, refused.json()["error"]) == (429, "stream.too_many")
    assert int(refused.headers["retry-after"]) >= 1


def test_logs(office: Office) -> None:
    body = office.admin.get("/logs", params={"service": "suite", "limit": 5}).json()
    assert len(body["logs"]) == 5
    assert body["total"] > 5
    row = body["logs"][0]
    assert set(row) == {"id", "timestamp", "level", "service", "message", "fields"}
    assert (row["service"], row["message"]) == ("suite", "suite.published")
    assert [one["id"] for one in body["logs"]] == sorted((one["id"] for one in body["logs"]), reverse=True)
    assert office.admin.get("/logs", params={"q": "ALMALINUX9"}).json()["total"] >= 1
    assert office.admin.get("/logs", params={"level": "critical"}).json()["logs"] == []
    assert office.admin.get("/logs", params={"level": "loud"}).status_code == 422
    names = {row["name"]: row["count"] for row in office.admin.get("/logs/services").json()["services"]}
    assert names["suite"] == body["total"]
    with stream(office.admin, "/logs/stream?follow=false", **{"last-event-id": "0"}) as events:
        told = list(events)
    assert {one["type"] for one in told} == {"log"}
    assert len(told) >= sum(names.values())


def test_there_is_one_edition(office: Office) -> None:
    for answer in (
        office.admin.get("/license"),
        office.admin.post("/license/activate", json={"license_key": "x"}),
        office.admin.delete("/license"),
    ):
        assert answer.status_code == 200
        assert (answer.json()["edition"], answer.json()["all_features"]) == ("community", True)


def test_open_streams_end_with_the_server(office: Office) -> None:
    """The last one: it stops the server."""
    with (
        office.admin.stream("GET", "/dashboard/events") as events,
        office.admin.stream("GET", "/logs/stream") as records,
    ):
        told = [events.iter_lines(), records.iter_lines()]
        assert [next(lines) for lines in told] == ["retry: 3000"] * 2
        stopping = threading.Thread(target=office.server.stop)
        stopping.start()
        for lines in told:
            list(lines)  # ends well, as an answer that is whole
        stopping.join()
