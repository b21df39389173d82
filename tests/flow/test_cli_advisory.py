"""Advisories from the command line, against the real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from entrepot.testing.advisories import affected, kev, osv
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
        command = [sys.executable, "-m", "entrepot", "advisory", *arguments]
        done = subprocess.run(command, env=kept | own, cwd=self.home, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    def until(self, met: Callable[[dict[str, dict[str, object]]], bool], code: int) -> dict[str, dict[str, object]]:
        """The feeds by name, once they are as they should be."""
        deadline = time.monotonic() + 60
        while True:
            answer = subprocess.run(
                [sys.executable, "-m", "entrepot", "advisory", "status", "--json", "--url", self.server.url],
                env={**os.environ, "ENTREPOT_TOKEN": self.token},
                capture_output=True,
                text=True,
                check=False,
            )
            found = {feed["name"]: feed for feed in json.loads(answer.stdout)["feeds"]}
            if met(found):
                assert answer.returncode == code
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.2)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("advisory")
    with running_server(folder) as server:
        yield Shell(server, folder, server.token())


def test_a_folder_is_sent_as_one_archive(shell: Shell) -> None:
    assert (
        "nothing is known"
        in subprocess.run(
            [sys.executable, "-m", "entrepot", "advisory", "status", "--url", shell.server.url],
            env={**os.environ, "ENTREPOT_TOKEN": shell.token},
            capture_output=True,
            text=True,
            check=False,
        ).stderr
    )
    records = shell.home / "records" / "2026"
    records.mkdir(parents=True)
    for number in range(3):
        name = f"DEBIAN-CVE-2026-000{number}"
        (records / f"{name}.json").write_bytes(osv(name, affected("Debian:12", "a", ("fixed", "1"))))
    shell.run("import", "records", "--name", "debian")
    found = shell.until(lambda feeds: bool(feeds["debian"]["complete"]), code=0)
    assert (found["debian"]["count"], found["debian"]["distributions"]) == (3, {"Debian:12": 3})
    assert "debian\tosv\tcomplete\t3" in shell.run("status")


def test_what_is_wrong_with_a_file_is_shown(shell: Shell) -> None:
    (shell.home / "bad.json").write_text("<html>")
    shell.run("import", "bad.json", "--name", "other")
    shell.until(lambda feeds: "not JSON" in str(feeds.get("other", {}).get("failure")), code=7)
    (shell.home / "kev.json").write_bytes(kev("CVE-2026-0001"))
    shell.run("import", "kev.json", "--kind", "kev")
    shell.until(lambda feeds: bool(feeds.get("kev", {}).get("complete")), code=7)
    shell.run("import", "kev.json", "--kind", "epss", code=2)
    shell.run("import", "absent.zip", code=2)
    (shell.home / "empty").mkdir()
    shell.run("import", "empty", code=2)


def test_a_url_becomes_a_feed_of_the_settings(shell: Shell) -> None:
    shell.run("import", "http://127.0.0.1:9/Debian/all.zip?token=hidden")
    found = shell.until(lambda feeds: bool(feeds["debian"]["failure"]), code=7)
    assert found["debian"]["location"] == "http://127.0.0.1:9/Debian/all.zip"
    assert "hidden" not in str(found)
    shell.run("refresh", "absent", code=5)
    assert "debian" in shell.run("refresh")
