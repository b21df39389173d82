"""Our services in a process of their own, driven line by line: what a living server does, without HTTP around it.

``python -m bench.service DATA BLOBS KEY_ALGORITHM`` reads one JSON object a line and answers with one.  The queue is
never started, so nothing is published but by order.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import structlog

from bench.processes import cpu_seconds, forget_peak, peak_mib, resident_mib
from bench.stores import CODENAME
from entrepot.adapters.catalog.sql import engine
from entrepot.application import Application
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import SuiteId
from entrepot.main import CHECKS, assemble, real_parts
from entrepot.services.intake import Receipt, UploadRequest
from entrepot.settings import load_settings

_CHUNK_BYTES = 1 << 20

structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


class Service:
    """One suite of one format, and the orders that the harness gives.

    With ``prepares`` packages come in without the check that looks for their dependencies.
    """

    def __init__(self, data: Path, blobs: Path, algorithm: str, *, prepares: bool = False) -> None:
        blobs.mkdir(parents=True, exist_ok=True)
        settings = load_settings(data=data, storage_url=f"file://{blobs}", key_algorithm=algorithm)
        checks = CHECKS[:1] if prepares else CHECKS
        parts = real_parts(settings)
        self.blobs, self.now = parts.blobs, parts.now
        self._application: Application = assemble(settings, parts, checks)
        self._database = data / "entrepot.db"
        self._suite_id = SuiteId(0)
        self.quit = False

    def create(self, kind: str, architectures: Sequence[str], codecs: Sequence[str]) -> None:
        """Make the suite, or give it other codecs."""
        options = {"architectures": list(architectures), "codecs": list(codecs)}
        done = self._application.suites.initialise(SYSTEM, CODENAME, Format(kind), options)
        self._suite_id = done.suite.id

    def open(self) -> None:
        """Work with the suite as it is."""
        self._suite_id = self._application.suites.find(SYSTEM, CODENAME).id

    def receive(self, files: Sequence[str]) -> None:
        """Take files in, one after the other, publishing nothing."""
        for file in files:
            self._receive(file)

    def _receive(self, file: str) -> Receipt:
        intake = self._application.intake
        with intake.stage() as staged, open(file, "rb") as source:
            while data := source.read(_CHUNK_BYTES):
                staged.write(data)
            return intake.receive(SYSTEM, staged, UploadRequest(Path(file).name, CODENAME))

    def load(self, files: Sequence[str]) -> None:
        """As ``receive``, without waiting for the disk."""
        with mock.patch("os.fsync"), mock.patch("os.fdatasync"):
            self.receive(files)

    def publish(self) -> None:
        """Whatever the suite needs."""
        self._application.publisher.publish(self._suite_id)

    def contents(self) -> None:
        """The documents that follow later, where the format has such."""
        self._application.publisher.publish_late(self._suite_id)

    def touch(self) -> None:
        """As 'publish anew' in the web interface: a new revision with the same packages."""
        self._application.suites.initialise(SYSTEM, CODENAME, None, {})
        self.publish()

    def plus(self, file: str) -> dict[str, float]:
        """One more package; the clock of ``seconds`` runs from "accepted" until the pointer is switched."""
        began = time.perf_counter()
        self._receive(file)
        accepted = time.perf_counter()
        self.publish()
        return {"seconds": time.perf_counter() - accepted, "receive_seconds": accepted - began}

    def copy(self, to: str) -> None:
        """A copy of the database for others to begin with: whole, and with no claim on signing keys."""
        with sqlite3.connect(self._database) as database:
            database.execute("vacuum into ?", (to,))
        with sqlite3.connect(to) as copied:
            copied.execute("delete from fact where name like 'key/%'")
        for connection in (database, copied):
            connection.close()

    def profile(self, file: str, lines: int) -> dict[str, str]:
        """Where one more package spends its time."""
        profiler = cProfile.Profile()
        self._receive(file)
        profiler.runcall(self.publish)
        out = Path(f"{self._database}.profile")
        profiler.dump_stats(out)
        with out.with_suffix(".txt").open("w") as text:
            pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(lines)
        return {"profile": out.with_suffix(".txt").read_text()}

    def stop(self) -> None:
        """End this process."""
        self._application.catalog.close()
        self.quit = True


def run(service: Service, order: dict[str, Any]) -> dict[str, Any]:
    """One order, measured."""
    name = order.pop("do")
    method: Callable[..., dict[str, Any] | None] = getattr(service, name)
    forget_peak()
    before = resident_mib()
    began, cpu = time.perf_counter(), cpu_seconds()
    answer = method(**order) or {}
    measured = {
        "seconds": time.perf_counter() - began,
        "cpu": cpu_seconds() - cpu,
        "before_mib": before,
        "peak_mib": peak_mib(),
    }
    return measured | answer


def main(kind: type[Service] = Service) -> None:
    """Orders from standard input until it ends."""
    prepares = "--prepare" in sys.argv
    if "--no-flush" in sys.argv or prepares:
        # A log that is never flushed: for large corpora, and to tell what flushing costs.
        pragmas = (*engine._SQLITE_PRAGMAS, "synchronous=off")  # noqa: SLF001
        mock.patch.object(engine, "_SQLITE_PRAGMAS", pragmas).start()
    if "--no-flush" in sys.argv:
        # Ours: of the store, and of the catalog's log, which is flushed apart from its commits.
        for call in ("os.fsync", "os.fdatasync"):
            mock.patch(call).start()
    service = kind(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], prepares=prepares)
    while not service.quit and (line := sys.stdin.readline()):
        print(json.dumps(run(service, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
