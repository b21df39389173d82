"""What the gate costs a small upload, without antivirus: `python bench/gate.py`.

Uploads are received by the service in this process, nothing is published meanwhile.  The gate is every step between the
file having been read and its verdict; seconds of the calling thread's processor stand beside those of the clock.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.advisories import imported, records, sources
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.services.intake.receipts import UploadRequest
from entrepot.services.intake.steps import STRUCTURE, Step, StepStatus
from entrepot.testing.advisories import osv_zip
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation


class Watch:
    """Time between the beginning of a check and its end, on the clock and on the processor."""

    def __init__(self) -> None:
        self.clock = self.processor = 0.0
        self._began = (0.0, 0.0)

    def __call__(self, step: Step) -> None:
        now = (time.perf_counter(), time.thread_time())
        if step.status is StepStatus.RUNNING:
            self._began = now
        elif step.name != STRUCTURE:
            self.clock += now[0] - self._began[0]
            self.processor += now[1] - self._began[1]


def received(house: MemoryInstallation, files: Sequence[tuple[str, bytes]]) -> list[tuple[float, float, float, float]]:
    """Whole upload and gate, each on the clock and on the processor, in milliseconds."""
    found = []
    for name, data in files:
        watch = Watch()
        with house.application.intake.stage() as writer:
            writer.write(data)
            began = (time.perf_counter(), time.thread_time())
            house.application.intake.receive(ADMIN, writer, UploadRequest(f"{name}.deb", "bookworm"), watch)
            ended = (time.perf_counter(), time.thread_time())
        row = (ended[0] - began[0], ended[1] - began[1], watch.clock, watch.processor)
        found.append(tuple(1000 * one for one in row))
    return found


def packages(count: int, of: Sequence[tuple[str, str]], suffix: str) -> list[tuple[str, bytes]]:
    """Small ones, of sources that advisories speak of as often as they speak of any."""
    chosen = random.Random(7).sample(of, count)
    return [
        (f"{source}{suffix}", build_deb(f"{source}{suffix}", version, "all", fields={"Source": source}))
        for source, version in chosen
    ]


def main() -> None:
    """Print one table."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--uploads", type=int, default=200)
    given.add_argument("--advisories", type=int, default=40_000)
    given.add_argument("--sources", type=int, default=20_000)
    asked = given.parse_args()
    chance = random.Random(12)
    of = sources(asked.sources, chance)
    content = osv_zip(records(asked.advisories, of, chance))
    print("| advisories | upload, median | p95 | processor | of it the gate, median | p95 | processor |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, memory_installation(Path(folder), works=False) as house:
        received(house, packages(20, of, "-warm"))
        _line("none", received(house, packages(asked.uploads, of, "-first")))
        assert isinstance(house.catalog, SqlCatalog)
        imported(house.catalog, content)
        received(house, packages(20, of, "-warmer"))
        _line(f"{asked.advisories:,}", received(house, packages(asked.uploads, of, "-second")))


def _line(what: str, rows: Sequence[tuple[float, float, float, float]]) -> None:
    cells = []
    for clock, processor in ((0, 1), (2, 3)):
        times = sorted(row[clock] for row in rows)
        cpu = statistics.median(row[processor] for row in rows)
        cells.append(f"{statistics.median(times):.1f} ms | {times[int(len(times) * 0.95)]:.1f} ms | {cpu:.1f} ms")
    print(f"| {what} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
