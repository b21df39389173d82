"""The catalogue of a large upstream beside aptly and reprepro: the first time, and again without a change.

All fetch the same files from one local web server, which counts requests; no package is fetched.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.mainline import SUITE
from bench.samples import Sample, Samples, run_command
from bench.signing import GnupgHome
from bench.stores import PROJECT

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_NONE = "no-package-has-this-name"


class _Counting(SimpleHTTPRequestHandler):
    requests = 0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        type(self).requests += 1


@contextmanager
def _serving(tree: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Counting, directory=str(tree)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def measure_upstream(samples: Samples, tree: Path, gnupg: GnupgHome, work: Path, size: int) -> None:
    """Each tool twice: the second time nothing has changed."""
    live = work / "live-upstream"
    shutil.rmtree(live, ignore_errors=True)
    live.mkdir(parents=True)
    try:
        with _serving(tree) as url:
            (live / "ours").mkdir()
            sync = [sys.executable, "-m", "bench.sync", str(live / "ours"), url, SUITE, _KEYRING]
            tools = {"entrepot": sync}
            if shutil.which("aptly"):
                tools["aptly"] = _aptly(live / "aptly", url, gnupg)
            if shutil.which("reprepro"):
                tools["reprepro"] = _reprepro(live / "reprepro", url)
            for job in ("catalogue, first time", "catalogue, unchanged"):
                for tool, command in tools.items():
                    samples.note("upstream", job, tool, size, _counted(command, gnupg))
    finally:
        shutil.rmtree(live, ignore_errors=True)


def _counted(command: list[str], gnupg: GnupgHome) -> Sample:
    before = _Counting.requests
    done = run_command(command, cwd=PROJECT, environment=gnupg.environment)
    extra = {"requests": float(_Counting.requests - before)}
    return Sample(done.wall, done.cpu, done.peak_mib, extra)


def _aptly(folder: Path, url: str, gnupg: GnupgHome) -> list[str]:
    folder.mkdir()
    config = folder / "aptly.conf"
    settings = {"rootDir": str(folder / "root"), "gpgProvider": "gpg", "architectures": ["amd64"]}
    config.write_text(json.dumps(settings), encoding="ascii")
    command = ["aptly", f"-config={config}", "mirror"]
    flags = [f"-keyring={_KEYRING}", f"-filter=Name (= {_NONE})"]
    run_command([*command, "create", *flags, "debian", url, SUITE, "main"], environment=gnupg.environment)
    return [*command, "update", f"-keyring={_KEYRING}", "debian"]


def _reprepro(folder: Path, url: str) -> list[str]:
    (folder / "conf").mkdir(parents=True)
    (folder / "conf" / "distributions").write_text(
        f"Codename: {SUITE}\nComponents: main\nArchitectures: amd64\nUpdate: debian\n", encoding="ascii"
    )
    (folder / "conf" / "updates").write_text(
        f"Name: debian\nMethod: {url}\nSuite: {SUITE}\nComponents: main\nArchitectures: amd64\n"
        f"VerifyRelease: blindtrust\nFilterFormula: Package (== {_NONE})\n",
        encoding="ascii",
    )
    return ["reprepro", "--silent", "-b", str(folder), "update", SUITE]
