"""The audit log from the command line, against the real server and its data folder, also after it was killed."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx2
import pytest

from entrepot.testing.packages import build_deb
from entrepot.testing.postgres import PostgresServer
from entrepot.testing.server import Server, running_server


@dataclass(frozen=True)
class Shell:
    """The program with an administrator's session."""

    server: Server
    home: Path
    token: str

    def run(self, *arguments: str, code: int = 0) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
        own = {"ENTREPOT_URL": self.server.url, "ENTREPOT_TOKEN": self.token, "XDG_CONFIG_HOME": str(self.home)}
        command = [sys.executable, "-m", "entrepot", "audit", *arguments]
        environment = kept | own | dict(self.server.environment)
        done = subprocess.run(command, env=environment, cwd=self.home, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("audit")
    with running_server(folder) as server, server.client() as client:
        client.post("/upload", files={"file": ("hello_1.0_all.deb", build_deb("hello", "1.0"))})
        yield Shell(server, folder, server.token())


def test_entries_are_listed(shell: Shell) -> None:
    [line] = shell.run("ls", "--action", "upload", "--package", "hello").splitlines()
    fields = line.split("\t")
    assert fields[1:8] == ["UPLOAD", "SUCCESS", "admin", "127.0.0.1", "hello", "1.0", "jammy"]
    assert json.loads(fields[8])
    assert len(shell.run("ls", "-n", "2").splitlines()) == 2
    assert shell.run("ls", "nothing like this") == ""
    assert json.loads(shell.run("ls", "HELLO", "--json"))["items"][0]["package"] == "hello"
    shell.run("ls", "--since", "yesterday", code=2)


@pytest.mark.parametrize("name", ["all.json", "all.csv", "all.json.gz", "all.csv.gz"])
def test_an_export_is_verified_without_the_server(shell: Shell, name: str) -> None:
    assert shell.run("export", name, "--sign").endswith(f" entries in {name}\n")
    assert (shell.home / f"{name}.asc").read_bytes().startswith(b"-----BEGIN PGP SIGNATURE-----")
    shell.run("export", name, code=2)
    (shell.home / "key.asc").write_text(httpx2.get(f"{shell.server.url}/artifacts/audit/key").text)
    assert "in order" in shell.run("verify", name, "--key", "key.asc")


def test_a_changed_export_is_found(shell: Shell) -> None:
    shell.run("export", "whole.json")
    lines = (shell.home / "whole.json").read_text().splitlines(keepends=True)
    for what, changed in (
        ("edited", [*lines[:2], lines[2].replace('"result":"SUCCESS"', '"result":"FAILURE"'), *lines[3:]]),
        ("missing", [*lines[:2], *lines[3:]]),
        ("cut", [*lines[:-2], lines[-1]]),
    ):
        (shell.home / "changed.json").write_text("".join(changed))
        assert what in shell.run("verify", "changed.json", code=1)
    (shell.home / "nonsense.json").write_text("nonsense\n")
    shell.run("verify", "nonsense.json", code=2)
    shell.run("verify", "absent.json", code=2)
    shell.run("export", "some.csv", "--action", "login")
    assert "in order" in shell.run("verify", "some.csv")


def test_a_log_is_verified_while_the_server_runs(shell: Shell) -> None:
    data = str(shell.server.data)
    assert "in order" in shell.run("verify", "--data", data)
    with contextlib.closing(sqlite3.connect(shell.server.data / "entrepot.db")) as database, database:
        [(result,)] = database.execute("SELECT result FROM audit WHERE id = 2").fetchall()
        database.execute("UPDATE audit SET result = 'FORGED' WHERE id = 2")
    assert "entry 2: edited; expected hash" in shell.run("verify", "--data", data, code=1)
    assert json.loads(shell.run("verify", "--data", data, "--json", code=1))["faults"][0]["number"] == 2
    with contextlib.closing(sqlite3.connect(shell.server.data / "entrepot.db")) as database, database:
        database.execute("UPDATE audit SET result = ? WHERE id = 2", (result,))
    assert "in order" in shell.run("verify", "--data", data)


def sign_in_often(url: str, statuses: list[int]) -> None:
    """Until the server is gone."""
    with contextlib.suppress(httpx2.HTTPError), httpx2.Client(base_url=url, timeout=60) as client:
        for number in count():  # a name is locked after some failures
            answer = client.post("/auth/token", json={"username": f"nobody{number}", "password": "wrong"})
            statuses.append(answer.status_code)


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_killed_server_leaves_a_whole_chain(tmp_path: Path, engine: str, request: pytest.FixtureRequest) -> None:
    environment = {"ENTREPOT_SIGN_INS_PER_MINUTE": "1000000"}
    if engine == "postgresql":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        environment["ENTREPOT_DATABASE_URL"] = postgres.create_database(f"killed_{os.getpid()}")
    server = Server(tmp_path / "data", environment)
    for _ in range(2):
        server.start()
        statuses: list[int] = []
        writers = [threading.Thread(target=sign_in_often, args=(server.url, statuses)) for _ in range(8)]
        for writer in writers:
            writer.start()
        deadline = time.monotonic() + 60
        while len(statuses) < 20:
            assert time.monotonic() < deadline, statuses
            time.sleep(0.01)
        server.kill()
        for writer in writers:
            writer.join()
    report = json.loads(Shell(server, tmp_path, "").run("verify", "--data", str(server.data), "--json"))
    assert (report["status"], report["faults"], report["notes"]) == ("ok", [], [])
    assert report["entries"] > 10
