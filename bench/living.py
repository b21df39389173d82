"""The real server with a large suite: start-up, and one more package over HTTP."""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.processes import peak_mib
from bench.samples import Sample, Samples
from bench.stores import ARCHITECTURES, CODENAME, LoadedStores, ServiceProcess
from bench.uploads import UploadClient
from entrepot.testing.server import Server

_SWITCHED = re.compile(rb"(?:\x1b\[[0-9;]*m)*(\d{4}-\d\d-\d\dT[0-9:.]+)Z.*suite\.published.*suite=bench\b")
SERVER_ENVIRONMENT = {
    "ENTREPOT_KEY_ALGORITHM": "rsa4096",
    "ENTREPOT_COLLECT_GRACE_SECONDS": "86400",
    "ENTREPOT_RATE_LIMITS": "all=1000000/minute",
}


@contextmanager
def loaded_server(stores: LoadedStores, size: int, folder: Path, **environment: str) -> Iterator[Server]:
    """A stopped server whose suite ``bench`` holds a corpus and is published."""
    shutil.rmtree(folder, ignore_errors=True)
    data = folder / "data"
    stores.copy(size, data)
    codecs = ["gz", "xz"] if stores.kind == "deb" else ["gz"]
    with ServiceProcess(data, stores.blobs, "rsa4096") as service:
        service.order("create", kind=stores.kind, architectures=ARCHITECTURES[stores.kind], codecs=codecs)
        service.order("publish")
        service.order("contents")
    server = Server(data, {**SERVER_ENVIRONMENT, "ENTREPOT_STORAGE_URL": f"file://{stores.blobs}", **environment})
    server.start()  # the first start publishes the distributions out of the box; not measured
    time.sleep(2)
    server.stop()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def process_id(server: Server) -> int:
    """Of the running server."""
    assert server.process is not None
    return server.process.pid


def measure_start(samples: Samples, server: Server, size: int, times: int) -> None:
    """From the command to "ready"."""
    for _ in range(times):
        began = time.perf_counter()
        server.start()
        wall = time.perf_counter() - began
        samples.note("living", "start", "entrepot", size, Sample(wall, peak_mib=peak_mib(process_id(server))))
        server.stop()


def measure_plus(samples: Samples, server: Server, size: int, more: Sequence[Path]) -> None:
    """One package after the other, by one client that waits until each can be installed."""
    client = UploadClient(server.url, server.token(), CODENAME)
    for number, file in enumerate(more):
        wall = client.upload(file)
        extra = {"switched": _accepted_to_switched(server)}
        job = "+1 through HTTP" if number else "+1 through HTTP, first"
        sample = Sample(wall, peak_mib=peak_mib(process_id(server)), extra=extra)
        samples.note("living", job, "entrepot", size, sample)


def _accepted_to_switched(server: Server) -> float:
    """From the time in the audit entry of the last upload to the time of the log line of its generation."""
    with sqlite3.connect(f"file:{server.data / 'entrepot.db'}?mode=ro", uri=True) as database:
        (at,) = database.execute("select at from audit where action = 'UPLOAD' order by id desc limit 1").fetchone()
    database.close()
    accepted = datetime.fromtimestamp(at / 1e6, UTC)  # the catalog counts microseconds
    for _ in range(50):
        for found in _SWITCHED.findall(server.log.read_bytes()):
            switched = datetime.fromisoformat(found.decode()).replace(tzinfo=UTC)
            if switched > accepted:
                return (switched - accepted).total_seconds()
        time.sleep(0.01)
    return float("nan")
