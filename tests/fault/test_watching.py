"""Long work is followed over real connections: as it happens, after a drop, after a crash, by many, until the end."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from entrepot.adapters.catalog.jobs import NewJob
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.client.answers_jobs import UploadStep
from entrepot.client.api import Client
from entrepot.client.errors import ClientError
from entrepot.domain.jobs.work import JobId
from entrepot.domain.model.actor import Actor
from entrepot.main import wall_clock
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server

_SCRIPT = Path(__file__).with_name("watched_server.py")
_PATIENCE_SECONDS = 90

Event = tuple[str, int | None, Any]

pytestmark = pytest.mark.xdist_group("watching")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("watching") / "data", program=(str(_SCRIPT),))
    found.start()
    yield found
    found.stop()


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    with server.client() as found:
        yield found


def begin(server: Server, total: int, owner: str = "admin") -> str:
    """As a service does it; the keeper finds it."""
    catalog = SqlCatalog(f"sqlite:///{server.data}/entrepot.db")
    try:
        with catalog.write() as unit:
            actor = Actor(owner, frozenset())
            key = JobId(secrets.token_hex(12))
            new = NewJob(key, "rehearsal", "a rehearsal", key, total, {"total": total}, actor, wall_clock())
            return unit.begin_job(new).id
    finally:
        catalog.close()


def events(lines: Iterator[str]) -> Iterator[Event]:
    """Kind, id and data of each; comments are left out."""
    kind, number, data = "message", None, ""
    for line in lines:
        if line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: "):
            data = line[6:]
        elif not line and data:
            yield kind, number, json.loads(data) if data.startswith("{") else data
            kind, number, data = "message", None, ""


def follow(client: httpx2.Client, job: str, **arguments: Any) -> list[Event]:
    with client.stream("GET", f"/jobs/{job}/stream", **arguments) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")
        return list(events(answer.iter_lines()))


def until(path: Path, text: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not path.exists() or text not in path.read_text().split():
        assert time.monotonic() < deadline, f"{path.name} never has {text}"
        time.sleep(0.02)


def numbered(found: list[Event]) -> list[tuple[int | None, str]]:
    return [(number, data["message"]) for _, number, data in found if number is not None]


def test_a_job_is_followed_to_its_end(server: Server, client: httpx2.Client) -> None:
    job = begin(server, 3)
    found = follow(client, job)
    assert numbered(found) == [(0, "number 1"), (1, "number 2"), (2, "number 3")]
    last = found[-1][2]
    assert (last["type"], last["status"], last["count"], last["message"]) == ("end", "done", 3, "counted to 3")
    assert last["job"] == client.get(f"/jobs/{job}").json()
    assert client.get("/jobs", params={"kind": "rehearsal", "status": "done"}).json()["items"][0]["job_id"] == job
    assert numbered(follow(client, job, params={"from_index": 2})) == [(2, "number 3")], "also when it has ended"


def test_a_dropped_connection_goes_on_behind_the_last_event(server: Server, client: httpx2.Client) -> None:
    stop = server.data.parent / "stop-2"
    stop.touch()
    job = begin(server, 4)
    with client.stream("GET", f"/jobs/{job}/stream") as answer:
        seen = events(answer.iter_lines())
        while next(seen)[1] != 1:
            pass
    stop.unlink()
    found = follow(client, job, headers={"Last-Event-ID": "1"})
    assert numbered(found) == [(2, "number 3"), (3, "number 4")]
    assert found[-1][2]["status"] == "done"


def test_fifty_listeners_hear_the_same(server: Server, client: httpx2.Client) -> None:
    stop = server.data.parent / "stop-1"
    stop.touch()
    job = begin(server, 30)
    heard: list[list[tuple[int | None, str]]] = []

    def listen() -> None:
        with httpx2.Client(base_url=server.url, headers=client.headers, timeout=120) as one:
            heard.append(numbered(follow(one, job)))

    threads = [threading.Thread(target=listen) for _ in range(50)]
    for thread in threads:
        thread.start()
    until(server.data.parent / "counted", "1")
    assert client.get("/artifacts/").status_code == 200, "others are answered meanwhile"
    stop.unlink()
    for thread in threads:
        thread.join(_PATIENCE_SECONDS)
    assert heard == [[(number - 1, f"number {number}") for number in range(1, 31)]] * 50


def test_a_job_is_cancelled_where_it_is_whole(server: Server, client: httpx2.Client) -> None:
    stop = server.data.parent / "stop-5"
    stop.touch()
    job = begin(server, 9)
    with client.stream("GET", f"/jobs/{job}/stream") as answer:
        seen = events(answer.iter_lines())
        while next(seen)[1] != 4:
            pass
        asked = client.post(f"/jobs/{job}/cancel")
        assert (asked.status_code, asked.json()["cancelling"]) == (200, True)
        last = list(seen)[-1][2]
    stop.unlink()
    assert (last["type"], last["status"], last["message"]) == ("end", "cancelled", "stopped at 5")
    again = client.post(f"/jobs/{job}/cancel")
    assert (again.status_code, again.json()["error"]) == (409, "job.ended")
    logged = client.get("/artifacts/audit/logs", params={"action": "JOB_CANCEL"}).json()["items"]
    assert [entry["detail"]["job"] for entry in logged] == [job]


def test_nobody_sees_what_they_may_not(server: Server, client: httpx2.Client) -> None:
    client.post("/auth/users", json={"username": "ulla", "password": "SecurePass1!", "role": "uploader"})
    theirs, hidden = begin(server, 1, "ulla"), begin(server, 1)
    body = {"username": "ulla", "password": "SecurePass1!"}
    token = httpx2.post(f"{server.url}/auth/token", json=body).json()["access_token"]
    with httpx2.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as ulla:
        assert [one["job_id"] for one in ulla.get("/jobs").json()["items"]] == [theirs]
        assert follow(ulla, theirs)[-1][2]["status"] == "done"
        for path in (f"/jobs/{hidden}", f"/jobs/{hidden}/stream", "/jobs/absent", "/jobs/absent/stream"):
            assert ulla.get(path).status_code == 404
        assert ulla.post(f"/jobs/{hidden}/cancel").status_code == 404
    assert httpx2.get(f"{server.url}/jobs/{hidden}/stream").status_code == 401


def test_a_stream_ends_when_its_session_does(server: Server, client: httpx2.Client) -> None:
    stop = server.data.parent / "stop-1"
    stop.touch()
    job = begin(server, 2)
    token = client.post("/auth/api-tokens", json={"name": "watcher", "role": "admin"}).json()
    headers = {"Authorization": f"Bearer {token['token']}"}
    with httpx2.stream("GET", f"{server.url}/jobs/{job}/stream", headers=headers, timeout=60) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 3000"
        assert client.delete(f"/auth/api-tokens/{token['id']}").status_code == 200
        rest = list(lines)
    stop.unlink()
    assert not any('"end"' in line for line in rest)
    assert ": not_signed_in" in rest


def test_a_killed_worker_goes_on_where_it_was_and_an_open_stream_ends_at_the_end(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", program=(str(_SCRIPT),))
    server.start()
    stop = tmp_path / "stop-3"
    stop.touch()
    try:
        job = begin(server, 6)
        with server.client() as client:
            until(tmp_path / "counted", "3")
            headers = client.headers
        server.kill()
        stop.unlink()
        (tmp_path / "stop-5").touch()
        server.start()
        headers["Last-Event-ID"] = "1"
        with httpx2.stream("GET", f"{server.url}/jobs/{job}/stream", headers=headers, timeout=60) as answer:
            seen = events(answer.iter_lines())
            # How far it is may be told in between, without a number.
            assert next(number for _, number, _ in seen if number is not None) == 2
            while next(seen)[1] != 4:
                pass
            assert server.stop() == 0, "an open stream holds nothing up, nor does a job that runs"
            assert "end" not in [data["type"] for _, _, data in seen]
        (tmp_path / "stop-5").unlink()
        server.start()
        with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
            found = follow(client, job, headers={"Last-Event-ID": "4"})
            assert numbered(found) == [(5, "number 6")]
            assert found[-1][2]["status"] == "done"
        assert (tmp_path / "counted").read_text().split() == list("123456"), "nothing twice"
    finally:
        server.kill()


def send(client: httpx2.Client, data: bytes, filename: str = "a.deb", **fields: str) -> list[Event]:
    files = {"file": (filename, data)}
    with client.stream("POST", "/upload/stream", files=files, data=fields) as answer:
        assert answer.status_code == 200, answer.read()
        return list(events(answer.iter_lines()))


def steps(found: list[Event]) -> list[tuple[str, str]]:
    told = [(data["name"], data["status"]) for kind, _, data in found if kind == "step"]
    return [one for place, one in enumerate(told) if place == 0 or told[place - 1] != one]


def test_an_upload_is_told_step_by_step(client: httpx2.Client) -> None:
    found = send(client, build_deb("hello", "1.0"), distribution="jammy")
    told = steps(found)
    checks = {(name, status) for name, status in told if name.startswith("sub_")}
    assert {f"sub_{name}" for name in ("format", "provenance", "antivirus", "cve", "gpg", "dependencies")} <= {
        name for name, _ in checks
    }
    assert {("sub_slow", "running"), ("sub_slow", "done"), ("sub_antivirus", "warn")} <= checks
    assert not any(status == "error" for _, status in checks)
    assert [one for one in told if one not in checks] == [
        ("reception", "done"),
        ("validation", "running"),
        ("validation", "done"),
        ("pool", "done"),
        ("manifest", "done"),
        ("index", "running"),
        ("index", "done"),
        ("repo_add", "done"),
        ("auto_deps", "done"),
    ]
    between = [data["message"] for kind, _, data in found if kind == "step" and data["name"] == "sub_slow"]
    assert {"1 of 3", "2 of 3", "3 of 3"} & set(between), "it was told while it ran"
    assert [kind for kind, _, _ in found[-2:]] == ["result", "message"]
    result = found[-2][2]
    assert (result["status"], result["status_code"], result["indexed"]) == ("published", 201, True)
    assert client.get(f"/jobs/{result['job_id']}").json()["result"]["state"] == "accepted"
    assert found[-1][2] == "done"
    plain = client.post(
        "/upload/", files={"file": ("a.deb", build_deb("hello", "1.0"))}, data={"distribution": "jammy"}
    )
    assert plain.status_code == 200
    assert set(plain.json()) | {"job_id", "status_code"} == set(result), "the body is that of POST /upload/"


def test_a_refusal_is_the_result_and_what_is_wrong_before_is_an_answer(client: httpx2.Client) -> None:
    found = send(client, b"!<arch>\nnonsense")
    assert steps(found)[-2:] == [("sub_format", "error"), ("validation", "error")]
    plain = client.post("/upload/", files={"file": ("a.deb", b"!<arch>\nnonsense")})
    assert found[-2][2] == {**plain.json(), "status_code": plain.status_code}
    assert send(client, build_deb("taken", "1.0"), distribution="jammy")[-2][2]["status_code"] == 201
    other = send(client, build_deb("taken", "1.0", fields={"Homepage": "https://example.org"}), distribution="jammy")
    assert (other[-2][2]["status_code"], other[-2][2]["error"]) == (409, "duplicate_conflict")
    for files, status in (({"other": ("a.deb", b"x")}, 400), ({"file": (" ", b"x")}, 400)):
        answer = client.post("/upload/stream", files=files)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")


def test_an_upload_outlives_the_connection_that_brought_it(server: Server, client: httpx2.Client) -> None:
    shut = server.data.parent / "shut"
    shut.touch()
    with client.stream("POST", "/upload/stream", files={"file": ("b.deb", build_deb("left-alone", "1.0"))}) as answer:
        for kind, _, data in events(answer.iter_lines()):
            if (kind, data.get("name")) == ("step", "sub_slow"):
                break
    found = client.get("/jobs", params={"kind": "upload", "status": "running"}).json()["items"]
    assert [one["label"].split()[0] for one in found] == ["left-alone"]
    shut.unlink()
    assert follow(client, found[0]["job_id"])[-1][2]["job"]["result"]["state"] == "accepted"
    assert client.get("/artifacts/left-alone").status_code == 200


def test_the_client_follows_to_the_end(server: Server, client: httpx2.Client, tmp_path: Path) -> None:
    token = client.headers["authorization"].removeprefix("Bearer ")
    heard: list[UploadStep] = []
    (tmp_path / "c.deb").write_bytes(build_deb("by-client", "1.0"))
    (tmp_path / "bad.deb").write_bytes(b"!<arch>\nnonsense")
    with Client(server.url, token) as typed:
        answer = typed.artifacts.upload_watched(tmp_path / "c.deb", heard.append, distribution="jammy")
        assert (answer["status"], answer["indexed"]) == ("published", True)
        assert {"reception", "sub_slow", "index", "repo_add"} <= {step["name"] for step in heard}
        with pytest.raises(ClientError) as refused:
            typed.artifacts.upload_watched(tmp_path / "bad.deb", heard.append)
        assert (refused.value.status, refused.value.code) == (422, "package.malformed")
        job = begin(server, 3)
        numbers = [event.number for event in typed.jobs.follow(job) if event.number is not None]
        assert numbers == [0, 1, 2]
        assert typed.jobs.one(job)["done_count"] == 3


def test_the_command_line_follows_and_cancels(server: Server, client: httpx2.Client) -> None:
    token = client.headers["authorization"].removeprefix("Bearer ")
    environment = {**os.environ, "ENTREPOT_URL": server.url, "ENTREPOT_TOKEN": token, "NO_COLOR": "1"}

    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "entrepot", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == "", done.stderr
        return done.returncode, done.stdout

    job = begin(server, 3)
    assert run("job", "watch", job) == (0, "number 1\nnumber 2\nnumber 3\ndone\tcounted to 3\n")
    stop = server.data.parent / "stop-2"
    stop.touch()
    other = begin(server, 4)
    assert run("jobs", "--kind", "rehearsal", "--quiet")[1].split()[:2] == [other, job]
    assert run("job", "cancel", other)[1].startswith("cancelling")
    code, text = run("job", "watch", other)
    stop.unlink()
    assert code == 7
    assert text.splitlines()[-1].startswith("cancelled\t")
    shown = run("job", "show", other)[1]
    assert "status\tcancelled" in shown
