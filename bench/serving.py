"""Repository content beside nginx: the embedded server alone, and behind nginx with X-Accel-Redirect.

Each server is bound to one core and wrk to another.  nginx serves copies of the same bytes from plain files.
"""

from __future__ import annotations

import gzip
import http.client
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.living import loaded_server
from bench.samples import Sample, Samples
from bench.stores import CODENAME, PROJECT, LoadedStores, ServiceProcess
from bench.uploads import LargeDeb, UploadClient
from entrepot.testing.server import Server

_CONNECTIONS = 16
_DISTS = f"/apt/main/dists/{CODENAME}"
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_BAD = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)")
_NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    {site}
}}
"""
_FILES_SITE = "server {{ listen 127.0.0.1:{port}; location / {{ root {root}; }} }}"
_EXAMPLE = PROJECT / "deploy" / "nginx.conf"


@dataclass(frozen=True, slots=True)
class Target:
    """One URL; with ``conditional`` it is asked for with the validator that the server itself gave."""

    label: str
    path: str
    size_bytes: int
    conditional: bool = False


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """What is started in the block runs on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core % os.cpu_count() if (os.cpu_count() or 1) > 1 else 0})  # type: ignore[operator]
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def nginx(folder: Path, site: str, port: int) -> Iterator[str]:
    """A worker of nginx; its base URL."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, site=site), encoding="utf-8")
    command = ["nginx", "-c", str(config), "-e", str(folder / "nginx.err")]
    with (folder / "nginx.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def example_site(back: str, port: int, blobs: Path) -> str:
    """The example that we ship, with its marked lines changed.

    Raises:
        RuntimeError: the example no longer has them.
    """
    text = _EXAMPLE.read_text(encoding="utf-8")
    changes = {
        "127.0.0.1:8000": back,
        "listen 80;": f"listen 127.0.0.1:{port};",
        "/var/lib/entrepot/blobs/": f"{blobs}/",
    }
    for before, after in changes.items():
        if before not in text:
            raise RuntimeError(f"{_EXAMPLE.name} has no {before!r}")
        text = text.replace(before, after)
    return text


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port}")


@contextmanager
def embedded(server: Server, accel: str = "") -> Iterator[str]:
    """Our server for the time of the block."""
    server.environment = {**server.environment, "ENTREPOT_ACCEL": accel}
    with pinned(0):
        server.start()
    try:
        time.sleep(1)
        yield server.url
    finally:
        server.stop()


def measure_serving(samples: Samples, stores: LoadedStores, size: int, folder: Path, rounds: int, seconds: int) -> None:
    """Requests per second of every server for every kind of file."""
    if shutil.which("nginx") is None or shutil.which("wrk") is None:
        print("  LEFT OUT: serving: nginx and wrk must be installed", flush=True)
        return
    with loaded_server(stores, size, folder) as server:
        root = folder / "root"
        targets = _prepare(server, root, stores.blobs)
        for _ in range(rounds):
            port = _free_port()
            with pinned(0), nginx(folder / "nginx-files", _FILES_SITE.format(port=port, root=root), port) as url:
                _ask_all(samples, "nginx", url, size, targets, seconds)
            with embedded(server) as url:
                _ask_all(samples, "entrepot", url, size, targets, seconds)
            with embedded(server, "x-accel:/entrepot-blobs") as back, pinned(0):
                site = example_site(urlsplit(back).netloc, port, stores.blobs)
                with nginx(folder / "nginx-front", site, port) as url:
                    _ask_all(samples, "entrepot behind nginx", url, size, targets, seconds)


def _prepare(server: Server, root: Path, blobs: Path) -> list[Target]:
    server.start()
    client = UploadClient(server.url, server.token(), CODENAME)
    for name, payload in (("bench-100kb", 100_000), ("bench-20mb", 20_000_000)):
        large = LargeDeb(name, payload)
        client.upload_bytes(f"{name}_1.0_amd64.deb", large.length(), large.chunks())
    server.stop()
    with ServiceProcess(server.data, blobs, "rsa4096") as service:
        service.order("open")
        service.order("contents")  # after that, nothing changes any more
    server.start()
    packages = f"{_DISTS}/main/binary-amd64/Packages.gz"
    index = gzip.decompress(_get(server.url, packages)[0]).decode().split("\n")
    pool = sorted(line.removeprefix("Filename: ") for line in index if line.startswith("Filename: "))
    small = next(path for path in pool if "bench-" not in path)
    found = [
        Target("1 KB .deb", f"/apt/main/{small}", 0),
        Target("100 KB .deb", "/apt/main/pool/main/b/bench-100kb/bench-100kb_1.0_amd64.deb", 0),
        Target("20 MB .deb", "/apt/main/pool/main/b/bench-20mb/bench-20mb_1.0_amd64.deb", 0),
        Target("Packages.gz", packages, 0),
        Target("InRelease", f"{_DISTS}/InRelease", 0),
        Target("InRelease, 304", f"{_DISTS}/InRelease", 0, conditional=True),
    ]
    targets = []
    for target in found:
        body, _ = _get(server.url, target.path)
        copy = root / target.path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(body)
        targets.append(Target(target.label, target.path, 0 if target.conditional else len(body), target.conditional))
    server.stop()
    return targets


def _get(url: str, path: str) -> tuple[bytes, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    body, etag = answer.read(), answer.getheader("ETag") or ""
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return body, etag


def _ask_all(samples: Samples, name: str, url: str, size: int, targets: list[Target], seconds: int) -> None:
    for target in targets:
        body, etag = _get(url, target.path)
        if target.size_bytes and len(body) != target.size_bytes:
            raise RuntimeError(f"{name} sends {len(body)} bytes of {target.path}, not {target.size_bytes}")
        headers = ("-H", f"If-None-Match: {etag}") if target.conditional else ()
        command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", *headers, url + target.path]
        with pinned(1):
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rate = _RATE.search(text)
        if rate is None or _BAD.search(text):
            raise RuntimeError(f"{name}: {target.path}: {text[-400:]}")
        each = float(rate[1])
        extra = {"rate": each, "mb_per_second": each * target.size_bytes / 1e6}
        samples.note("serving", target.label, name, size, Sample(1 / max(each, 1e-9), extra=extra))
