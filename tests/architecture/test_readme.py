"""The tour of the README, pasted line by line against a real server.

Only addresses and places are adapted: the port is a free one, and the machine that installs is a scratch root.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from tests.architecture.conftest import InProcess

from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs

PROJECT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDED = ("make", "curl", "dpkg-deb", "rpmbuild", "apt-get", "dnf", "rpm")
_READY_SECONDS = 180


def blocks() -> list[str]:
    """Shell blocks of the tour, in order."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    tour = text[text.index("## Ten minutes") : text.index("## What it does")]
    return BLOCK.findall(tour)


@dataclass(frozen=True, slots=True)
class Tour:
    """Where the blocks are run."""

    folder: Path
    url: str
    apt: AptRoot
    dnf: DnfRoot

    def adapted(self, block: str) -> str:
        """With this server's address and the scratch roots of the clients."""
        block = block.replace("http://127.0.0.1:8000", self.url)
        block = block.replace("/etc/apt/", f"{self.apt.folder}/etc/apt/")
        return block.replace("/etc/yum.repos.d/", f"{self.dnf.folder}/repos/")

    def paste(self, block: str) -> str:
        """Run a block like a person would, stopping at the first line that fails; what it printed."""
        dnf = f"dnf --config={self.dnf.folder}/dnf.conf --installroot={self.dnf.root} --releasever=9"
        places = [
            f'dnf() {{ command {dnf} --forcearch=x86_64 "$@"; }}',
            f'rpm() {{ command rpm --root={self.dnf.root} "$@"; }}',
            f'dpkg-query() {{ command dpkg-query --admindir={self.apt.folder}/var/lib/dpkg "$@"; }}',
            f'export APT_CONFIG="{self.apt.folder}/etc/apt/scratch.conf" HOME="{self.dnf.folder}"',
            f'export XDG_CONFIG_HOME="{self.folder}/config" PATH="{Path(sys.executable).parent}:$PATH"',
        ]
        script = "\n".join(["set -eu", *places, self.adapted(block)])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=plain_environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = f"{block}\n{done.stdout}{done.stderr}[status {done.returncode}]"
        assert done.returncode == 0, said
        return done.stdout


def plain_environment() -> dict[str, str]:
    """Nothing of ours, and no proxy between two programs of one machine."""
    hidden = ("ENTREPOT_", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "MAKE", "MFLAGS")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return clean | {"LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


def free_port() -> int:
    """Free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_script(block: str, port: int, data: Path) -> str:
    """The first block, with what ``make run`` runs in this installation in place of a new one."""
    *settings, last = block.rstrip("\n").split("\n")
    assert last == "make run PORT=8000 DATA=data"
    plan = subprocess.run(
        ["make", "-n", "run", f"PORT={port}", f"DATA={data}", f"BIN={Path(sys.executable).parent}"],
        cwd=PROJECT,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    command = [line for line in plan.stdout.split("\n") if line.startswith("exec ")][-1]
    return "\n".join([*settings, command])


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until the server says so."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx2.get(f"{url}/health/ready", timeout=20, trust_env=False).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    pytest.fail("the server of the tour did not start")


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """The server of the first block, in a folder like the one of a newcomer."""
    missing = missing_programs(*NEEDED)
    if missing or os.geteuid() != 0:
        pytest.skip(f"THE TOUR NEEDS ROOT RIGHTS AND THESE PROGRAMS: {' '.join(missing or NEEDED)}")
    folder, port = tmp_path_factory.mktemp("tour"), free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", start_script(blocks()[0], port, folder / "data")],
            cwd=folder,
            env=plain_environment(),
            stdout=log,
            stderr=log,
        )
    try:
        wait_until_ready(url, process)
        yield Tour(folder, url, AptRoot(folder / "apt"), DnfRoot(folder / "dnf"))
    finally:
        process.send_signal(signal.SIGINT)  # as Ctrl-C does
        assert process.wait(timeout=60) in {0, 130}  # 130: ended by Ctrl-C


@pytest.mark.clients
def test_every_line_of_the_tour_works_as_printed(tour: Tour) -> None:
    _, sign_in, push, install, push_rpm, install_rpm, manage = blocks()
    said = tour.paste(sign_in)
    assert "admin" in said
    assert "bookworm" in said
    assert "published" in tour.paste(push)
    assert "hello-entrepot\t1.0" in tour.paste(install)
    assert "published" in tour.paste(push_rpm)
    assert "hello-entrepot-1.0-1.noarch" in tour.paste(install_rpm)
    said = tour.paste(manage)
    assert "promoted" in said
    assert "no difference" in said
    assert (tour.apt.folder / "usr/bin/hello-entrepot").is_file()
    assert (tour.dnf.root / "usr/share/hello-entrepot/text").is_file()
    # The promotion is the same bytes under another distribution, and the removal left them there.
    with httpx2.Client(base_url=tour.url, trust_env=False) as client:
        noble = client.get("/apt/main/dists/noble/main/binary-amd64/Packages").text
        bookworm = client.get("/apt/main/dists/bookworm/main/binary-amd64/Packages").text
    assert "Package: hello-entrepot\n" in noble
    assert "hello-entrepot" not in bookworm


def test_the_tour_starts_with_make_run() -> None:
    assert len(blocks()) == 7
    assert blocks()[0].rstrip("\n").endswith("make run PORT=8000 DATA=data")


def test_the_one_time_token_makes_the_first_administrator(in_process: InProcess) -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"curl -H 'X-Setup-Token: TOKEN' .*? -d '(\{.*?\})' \S+/setup", text.replace("\\\n ", ""))
    assert found
    token = in_process.application.access.prepare(None, None).token
    assert token

    async def send(header: str) -> int:
        transport = httpx2.ASGITransport(app=cast("Any", in_process.front))
        async with httpx2.AsyncClient(transport=transport, base_url="http://entrepot.example") as client:
            headers = {"X-Setup-Token": header, "Content-Type": "application/json"}
            return (await client.post("/setup", content=found[1], headers=headers)).status_code

    assert asyncio.run(send("another token")) == 403
    assert asyncio.run(send(token)) == 200
    assert asyncio.run(send(token)) == 409
