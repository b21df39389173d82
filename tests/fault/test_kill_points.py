"""SIGKILL on entering a chosen system call of an upload, a removal or a promotion; and the order of durability.

Counted calls find what random moments miss: the server dies exactly between two writes.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fault.kills import Victim, package

from entrepot.testing.corpora import require_shared

# Every k-th point of each call; 1 visits all of them, which takes long.
STRIDE = int(os.environ.get("ENTREPOT_KILL_STRIDE", "0"))
LAST = {"rename": 8, "fsync": 16, "fdatasync": 10, "pwrite64": 300, "write": 40, "openat": 40}
SAMPLE = {
    "rename": (1, 2),
    "fsync": (1, 2, 4),
    "fdatasync": (1, 2),
    "pwrite64": (3, 40),
    "write": (2,),
    "openat": (4,),
}
_ATTACH_SECONDS = 60


def points() -> list[tuple[str, int]]:
    if STRIDE:
        return [(call, number) for call, last in LAST.items() for number in range(1, last + 1, STRIDE)]
    return [(call, number) for call, numbers in SAMPLE.items() for number in numbers]


@contextlib.contextmanager
def traced(pid: int, folder: Path, *options: str) -> Iterator[Path]:
    """strace on a running process for the time of the block; the counts begin here."""
    if shutil.which("strace") is None:
        pytest.skip("strace IS NOT INSTALLED; kill points are not visited")
    trace = folder / "trace"
    trace.unlink(missing_ok=True)
    command = ["strace", "-f", "-y", "-qq", "-s", "64", "-o", str(trace), *options, "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        _wait_attached(pid, tracer)
        yield trace
    finally:
        tracer.terminate()
        try:
            _, said = tracer.communicate(timeout=3)
        except subprocess.TimeoutExpired:  # it may wait for ever for a process that died under it
            tracer.kill()
            _, said = tracer.communicate()
    if b"not permitted" in said:
        pytest.skip("processes must not be traced here; kill points are not visited")


def _wait_attached(pid: int, tracer: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _ATTACH_SECONDS
    while tracer.poll() is None and time.monotonic() < deadline:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        if all("TracerPid:\t0\n" not in (task / "status").read_text() for task in tasks):
            return
        time.sleep(0.01)


def exercise(victim: Victim, prefix: str) -> None:
    """Everything that changes a suite, one after the other, until the server is gone."""
    ledger = victim.ledger
    names = [f"{prefix}-{number}" for number in range(3)]
    with victim.client() as client:
        for name in names:
            if ledger.push(client, name, package(name)) is None:
                return
        if ledger.promote(client, names[0], "jammy", "noble") is not None:
            ledger.delete(client, names[1])


@pytest.mark.parametrize("half", [0, 1])
def test_a_kill_at_a_system_call_leaves_no_half_state(half: int, tmp_path: Path) -> None:
    died = 0
    with Victim(tmp_path) as victim:
        for call, number in points()[half::2]:
            inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
            with traced(victim.pid(), tmp_path, *inject):
                exercise(victim, f"{call}-{number}")
            assert victim.server.process is not None
            with contextlib.suppress(subprocess.TimeoutExpired):
                died += victim.server.process.wait(timeout=0.5) == -signal.SIGKILL
            victim.restart()
            victim.check()
            victim.retry()
        victim.check(fetch=True)
        assert died > 0
        assert victim.stop_and_verify()["differences"] == []


def test_an_answer_comes_after_the_content_its_name_and_the_catalog_are_flushed(tmp_path: Path) -> None:
    """A kill does not empty the page cache; the trace shows what a power cut would find."""
    options = ("-e", "trace=fsync,fdatasync,rename,write,writev,sendto,sendmsg")
    with Victim(tmp_path) as victim:
        with traced(victim.pid(), tmp_path, *options) as trace, victim.client() as client:
            assert victim.ledger.push(client, "hello", package("hello")) == 201
        lines = trace.read_text().split("\n")
    answer = _first(lines, r"HTTP/1\.1 201")
    blob = _first(lines, r"rename\(.*/blobs/staging/(\S+)\", .*/blobs/(\w\w)/")
    staged = _groups(lines[blob], r"/staging/([^\"]+)\", \"[^\"]*/blobs/(\w\w)/")
    before, after = lines[:blob], lines[blob:answer]
    assert any(re.search(rf"fsync\(\d+<[^>]*/staging/{staged[0]}>", line) for line in before), "content is not flushed"
    folder = _first(after, rf"fsync\(\d+<[^>]*/blobs/{staged[1]}>")
    commit = _first(after, r"fdatasync\(\d+<[^>]*/entrepot\.db-wal>")
    assert folder < commit, "a row must not be durable before the name of its content is"
    commits = [line for line in after if re.search(r"fdatasync\(\d+<[^>]*/entrepot\.db-wal>", line)]
    assert len(commits) >= 2, "admission and switch are flushed one by one before the answer"


def _first(lines: list[str], pattern: str) -> int:
    for number, line in enumerate(lines):
        if re.search(pattern, line):
            return number
    raise AssertionError(f"the trace has no line like {pattern}")


def _groups(line: str, pattern: str) -> tuple[str, ...]:
    found = re.search(pattern, line)
    assert found is not None, line
    return found.groups()


def test_a_first_start_killed_anywhere_is_finished_by_the_second(tmp_path: Path) -> None:
    """The shared harness starts from nothing, kills at a counted call, starts again and verifies."""
    harness = require_shared("hostile", "kill_points.py")
    data = tmp_path / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    python = f"{sys.executable} -m entrepot"
    environment = {**os.environ, "ENTREPOT_KEY_ALGORITHM": "ed25519", "NO_COLOR": "1"}
    command = [
        *(sys.executable, str(harness), "--server", f"{python} serve --port {port} --data {data}"),
        *("--ready", f"http://127.0.0.1:{port}/health/live", "--reset", f"rm -rf {data}"),
        *("--exercise", "true", "--verify", f"{python} verify --data {data}"),
        *("--calls", "rename,fsync,fdatasync,pwrite64", "--first", "2", "--step", "29", "--last", "60"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if "not permitted" in done.stderr:
        pytest.skip("processes must not be traced here; kill points are not visited")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "started=False" in done.stdout, "no start was killed"
