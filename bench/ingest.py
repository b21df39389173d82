"""Packages into empty stores, and one large file up and down."""

from __future__ import annotations

import http.client
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench.corpora import Corpus
from bench.deb_tools import Aptly, AptlyStore, Reprepro, RepreproStore
from bench.living import SERVER_ENVIRONMENT, process_id
from bench.processes import cpu_seconds, forget_peak, peak_mib, resident_mib
from bench.samples import Sample, Samples
from bench.signing import GnupgHome
from bench.stores import ARCHITECTURES, ServiceProcess
from bench.tools import Tool
from bench.uploads import LargeDeb, UploadClient, spread, upload_all
from entrepot.testing.server import Server

CLIENTS = 8


@contextmanager
def empty_server(folder: Path) -> Iterator[Server]:
    """A server as it is out of the box."""
    shutil.rmtree(folder, ignore_errors=True)
    server = Server(folder / "data", SERVER_ENVIRONMENT)
    server.start()
    try:
        time.sleep(1)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure_ingest(samples: Samples, corpus: Corpus, gnupg: GnupgHome, folder: Path, count: int, rounds: int) -> None:
    """``count`` packages into empty stores: ours through HTTP and through the service, peers by their commands."""
    for _ in range(rounds):
        samples.note("ingest", "through HTTP", f"entrepot, {CLIENTS} clients", count, _over_http(corpus, folder, count))
        for tool, flags in (("entrepot service", ()), ("entrepot service, no fsync", ("--no-flush",))):
            sample = _by_service(corpus, folder, count, flags)
            samples.note("ingest", "on the server", tool, count, _with_rate(sample, count))
        folder.mkdir(parents=True)
        for peer in _peers(folder, gnupg, corpus.folders(count)):
            taken = peer.ingest()
            if taken is not None:
                name = peer.name.partition(",")[0].removesuffix(" gz")
                samples.note("ingest", "on the server", name, count, _with_rate(taken, count))
        shutil.rmtree(folder)


def _over_http(corpus: Corpus, folder: Path, count: int) -> Sample:
    with empty_server(folder) as server:
        token, pid = server.token(), process_id(server)
        before, cpu = resident_mib(pid), cpu_seconds(pid)
        forget_peak(pid)
        began = time.perf_counter()
        seconds = upload_all(server.url, token, "jammy", corpus.files(count), CLIENTS)
        wall = time.perf_counter() - began
        extra = {"rate": count / wall, "grown_mib": peak_mib(pid) - before, **spread(seconds)}
        extra["generations"] = float(_generations(server.data / "entrepot.db", "jammy"))
        return Sample(wall, cpu_seconds(pid) - cpu, peak_mib(pid), extra)


def _by_service(corpus: Corpus, folder: Path, count: int, flags: tuple[str, ...]) -> Sample:
    with ServiceProcess(folder / "data", folder / "blobs", "rsa4096", *flags) as service:
        service.order("create", kind=corpus.kind, architectures=ARCHITECTURES[corpus.kind], codecs=["gz", "xz"])
        sample = service.sample("load" if flags else "receive", files=[str(file) for file in corpus.files(count)])
    shutil.rmtree(folder)
    return sample


def _peers(folder: Path, gnupg: GnupgHome, shards: Sequence[Path]) -> list[Tool]:
    peers: list[Tool] = []
    if shutil.which("aptly"):
        peers.append(Aptly(AptlyStore(folder / "aptly", gnupg), shards, contents=False))
    if shutil.which("reprepro"):
        peers.append(Reprepro(RepreproStore(folder / "reprepro", gnupg), shards, xz=False))
    return peers


def _with_rate(sample: Sample, count: int) -> Sample:
    return sample + Sample(0.0, extra={"rate": count / sample.wall})


def measure_large(samples: Samples, folder: Path, payload_bytes: int) -> None:
    """One large file up and down, and what memory that takes."""
    large = LargeDeb("bench-large", payload_bytes)
    with empty_server(folder) as server:
        token, pid = server.token(), process_id(server)
        size = payload_bytes >> 20
        with _memory(samples, "upload", pid, size, payload_bytes):
            UploadClient(server.url, token, "jammy").upload_bytes(
                f"{large.name}_1.0_amd64.deb", large.length(), large.chunks()
            )
        path = f"/apt/main/pool/main/b/{large.name}/{large.name}_1.0_amd64.deb"
        with _memory(samples, "download", pid, size, payload_bytes):
            received = _download(server.url, path)
        if received != large.length():
            raise RuntimeError(f"{received} bytes came back, {large.length()} were sent")


@contextmanager
def _memory(samples: Samples, job: str, pid: int, size: int, payload_bytes: int) -> Iterator[None]:
    before = resident_mib(pid)
    forget_peak(pid)
    cpu, began = cpu_seconds(pid), time.perf_counter()
    yield
    wall = time.perf_counter() - began
    extra = {"grown_mib": peak_mib(pid) - before, "mb_per_second": payload_bytes / 1e6 / wall}
    samples.note("large", job, "entrepot", size, Sample(wall, cpu_seconds(pid) - cpu, peak_mib(pid), extra))


def _download(url: str, path: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)
    connection.request("GET", path)
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    received = 0
    while data := answer.read(1 << 20):
        received += len(data)
    connection.close()
    return received


def _generations(path: Path, codename: str) -> int:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        query = "select max(g.number) from generation g join suite s on s.id = g.suite_id where s.codename = ?"
        (number,) = database.execute(query, (codename,)).fetchone()
    database.close()
    return int(number or 0)
