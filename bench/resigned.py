"""What a first run of a mirror costs that is chosen and signed here: `python bench/resigned.py --size 20000`.

Small packages lie behind nginx; the server is a process of its own, on SQLite.  Meanwhile somebody else asks for the
write lock of the catalog every 20 ms, and says how long the longest wait was.  With `--kill` the server is killed in
the middle of the run, and again while it puts packages into the suite; the run goes on each time.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import httpx2

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.demand import free_port
from bench.processes import cpu_seconds, forget_peak, peak_mib, resident_mib
from bench.serving import nginx
from entrepot.client.api import Client
from entrepot.testing.debs import build_deb
from entrepot.testing.gnupg import gnupg
from entrepot.testing.repositories import release_of, sign_apt
from entrepot.testing.server import Server, running_server

_SITE = """
server {{
    listen 127.0.0.1:{port};
    root {root};
    access_log {log} combined;
}}
"""
_STANZA = """Package: {name}
Version: 1.0
Architecture: amd64
Maintainer: Package Builder <builder@example.org>
Depends: libc6 (>= 2.36), bench-{before:05} (>= 1.0)
Section: misc
Priority: optional
Filename: pool/{shard:03}/{file}
Size: {size}
SHA256: {digest}
Description: test package {name}

"""


class WriteLock:
    """Asks for the write lock again and again from another process's point of view."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.waits: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        with contextlib.closing(sqlite3.connect(self._database, timeout=120, isolation_level=None)) as line:
            while not self._stop.wait(0.02):
                began = time.perf_counter()
                line.execute("BEGIN IMMEDIATE")
                line.execute("ROLLBACK")
                self.waits.append(time.perf_counter() - began)


def packages(folder: Path, size: int) -> str:
    """Files below ``pool``, a thousand in a folder; the text of their index."""
    text = []
    for number in range(size):
        name = f"bench-{number:05}"
        file, place = f"{name}_1.0_amd64.deb", folder / f"pool/{number // 1000:03}"
        place.mkdir(parents=True, exist_ok=True)
        depends = f"libc6 (>= 2.36), bench-{max(0, number - 1):05} (>= 1.0)"
        data = build_deb(name, architecture="amd64", depends=depends, compression="gz")
        (place / file).write_bytes(data)
        text.append(
            _STANZA.format(
                name=name,
                before=max(0, number - 1),
                shard=number // 1000,
                file=file,
                size=len(data),
                digest=hashlib.sha256(data).hexdigest(),
            )
        )
    return "".join(text)


@contextlib.contextmanager
def upstream(folder: Path, size: int) -> Iterator[tuple[str, str]]:
    """Its address, and its certificate."""
    tree = folder / "tree"
    index = tree / "dists/stable/main/binary-amd64/Packages"
    index.parent.mkdir(parents=True)
    index.write_text(packages(tree, size))
    release = index.parents[2] / "Release"
    release.write_text(release_of(index.parents[2], datetime.now(UTC) - timedelta(hours=1), None, ("amd64",)))
    port = free_port()
    with gnupg(folder / "gpg") as gpg:
        gpg.key("upstream")
        sign_apt(release, clearsign=lambda data: gpg.clearsign("upstream", data))
        with nginx(folder / "nginx", _SITE.format(port=port, root=tree, log=folder / "access.log"), port) as url:
            yield url, gpg.certificate("upstream", "--armor").decode()


class Run:
    """A run that is followed to its end, through restarts of its server."""

    def __init__(self, server: Server, job: str, size: int, log: Path) -> None:
        self._server = server
        self._job = job
        self._size = size
        self._log = log
        self.spent = 0.0
        """Seconds of the processor of servers that were killed."""
        self.settling_after = 0.0

    def follow(self, *, kill: bool) -> None:
        """Until it is done; killed when half of the files have come, and two seconds into settling."""
        began = time.perf_counter()
        kills = [lambda: len(self.fetched()) > self._size // 2, self._settles] if kill else []
        while True:
            with Client(self._server.url, self._server.token()) as client:
                while not (kills and kills[0]()):
                    row = client.jobs.one(self._job)
                    if row["status"] == "done":
                        return
                    if row["status"] != "running":
                        raise RuntimeError(f"the run has failed: {row}")
                    if not self.settling_after and self._settles():
                        self.settling_after = time.perf_counter() - began
                    time.sleep(0.5)
            time.sleep(2)
            self._kill()
            kills.pop(0)
            print(f"  killed after {time.perf_counter() - began:.0f} s, {len(self.fetched())} fetched", flush=True)

    def fetched(self) -> list[str]:
        """Paths of packages that the upstream was asked for."""
        return [line.split()[6] for line in self._log.read_text().splitlines() if "/pool/" in line]

    def _settles(self) -> bool:
        with contextlib.closing(sqlite3.connect(self._server.data / "entrepot.db", timeout=120)) as line:
            return line.execute("SELECT count(*) FROM suite WHERE settling > 0").fetchone()[0] > 0

    def _kill(self) -> None:
        self.spent += cpu_seconds(self._server.process.pid if self._server.process else "self")
        self._server.kill()
        self._server.start()


def measure(folder: Path, size: int, *, kill: bool) -> None:
    """One run, and one more that finds nothing new."""
    with upstream(folder, size) as (url, key):
        inside = url.partition("//")[2]
        with running_server(folder / "server", ENTREPOT_UPSTREAM_INSIDE=inside) as server:
            with Client(server.url, server.token()) as client:
                client.sources.add("bench", "apt", url, gpg_key=key, distribution="stable")
                client.mirrors.add("bench", "bench", kind="resigned")
                job = str(client.mirrors.run("bench")["job_id"])
            process = server.process.pid if server.process else 0
            before, idle = cpu_seconds(process), resident_mib(process)
            forget_peak(process)
            began = time.perf_counter()
            with WriteLock(server.data / "entrepot.db") as lock:
                run = Run(server, job, size, folder / "access.log")
                run.follow(kill=kill)
                done = time.perf_counter() - began
                shown = f"{server.url}/apt/bench/dists/stable/main/binary-amd64/Packages"
                while httpx2.get(shown, timeout=60).text.count("\nPackage: ") < size - 1:
                    time.sleep(0.2)
            wall = time.perf_counter() - began
            process = server.process.pid if server.process else 0
            cpu = cpu_seconds(process) + run.spent - before
            peak = peak_mib(process)
            with Client(server.url, server.token()) as client:
                began = time.perf_counter()
                again = str(client.mirrors.run("bench")["job_id"])
                list(client.jobs.follow(again))
                unchanged = time.perf_counter() - began
    fetched, waits = run.fetched(), sorted(lock.waits)
    print(f"{size} packages{', killed twice' if kill else ''}: {wall:.1f} s, {cpu:.1f} s of the processor")
    print(f"  {1000 * cpu / size:.2f} ms of the processor a package")
    print(f"  settling from {run.settling_after:.0f} s on, done after {done:.0f} s, the rest until it was shown")
    print(f"  peak {peak:.0f} MiB, idle {idle:.0f} MiB; a run with nothing new {unchanged:.1f} s")
    print(
        f"  write lock: {len(waits)} asked, median {1000 * waits[len(waits) // 2]:.1f} ms, "
        f"p99 {1000 * waits[len(waits) * 99 // 100]:.0f} ms, longest {1000 * waits[-1]:.0f} ms"
    )
    print(f"  fetched {len(fetched)} files, {len(fetched) - len(set(fetched))} of them twice", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--kill", action="store_true", help="in the middle, twice")
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-resigned-"))
    folder.chmod(0o755)  # the worker of nginx is somebody else
    try:
        measure(folder, wanted.size, kill=wanted.kill)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
